"""Least squares against the certified values of NIST's Statistical Reference Datasets."""

import warnings

import numpy as np
import pytest

import bayesml as bm
from tests.reference.refdata import cases, load, log_relative_error, nist_features

DIGITS = {"Filip": 7.0, "Wampler1": 9.0, "Wampler4": 7.5}


@pytest.mark.parametrize("name", cases("nist"))
def test_certified_values(name: str) -> None:
    problem, X = load("nist", name), nist_features(name)
    model = bm.Model(bm.Linear(intercept=problem["intercept"]))
    certified = problem["certified"]
    with warnings.catch_warnings():
        if certified["residual_sd"] == 0:  # the fit is exact, and the report says so
            warnings.simplefilter("ignore", bm.ConvergenceWarning)
        fit = bm.fit(model, bm.Data(X, problem["y"]), bm.MLE())
    table = fit.summary()
    estimate, error = (table[key].to_numpy()[: len(certified["coef"])] for key in ("mean", "sd"))
    digits = DIGITS.get(name, 12.5)
    assert log_relative_error(estimate, certified["coef"]).min() > digits
    assert log_relative_error(error, certified["se"]).min() > min(digits, 9)
    spread = fit.diagnostics["residual_sd"]
    assert log_relative_error(spread, certified["residual_sd"]) > min(digits, 9)


def test_an_exact_fit_is_reported() -> None:
    X = np.arange(6.0)[:, None]
    with pytest.warns(bm.ConvergenceWarning, match="fits every row exactly"):
        fit = bm.fit(bm.Model(), bm.Data(X, 2 * X[:, 0] + 1), bm.MLE())
    assert not fit.check().passed
