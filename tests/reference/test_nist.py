"""Least squares against the certified values of NIST's Statistical Reference Datasets."""

import warnings
from typing import Any

import numpy as np
import pytest

import bayesml as bm
from tests.reference.refdata import cases, load, log_relative_error, nist_features


def fitted(name: str) -> bm.Fit:
    problem = load("nist", name)
    model = bm.Model(bm.Linear(intercept=problem["intercept"]))
    with warnings.catch_warnings():
        if problem["certified"]["residual_sd"] == 0:  # the fit is exact, and the report says so
            warnings.simplefilter("ignore", bm.ConvergenceWarning)
        return bm.fit(model, bm.Data(nist_features(name), problem["y"]), bm.MLE())


def ceiling(name: str) -> np.ndarray[Any, Any]:
    """Solve the normal equation of the float64 data with sixty digits."""
    mpmath = pytest.importorskip("mpmath")
    problem = load("nist", name)
    X = nist_features(name)
    A = np.column_stack([np.ones(len(X)), X]) if problem["intercept"] else X
    with mpmath.workdps(60):
        M, y = mpmath.matrix(A.tolist()), mpmath.matrix(problem["y"].tolist())
        return np.array([float(v) for v in mpmath.lu_solve(M.T * M, M.T * y)])


@pytest.mark.parametrize("name", cases("nist"))
def test_coefficients_are_within_half_a_digit_of_what_float64_data_allow(name: str) -> None:
    certified = load("nist", name)["certified"]["coef"]
    ours = fitted(name).summary()["mean"].to_numpy()[: len(certified)]
    best = log_relative_error(ceiling(name), certified).min()
    assert log_relative_error(ours, certified).min() >= best - 0.5
    assert log_relative_error(ours, ceiling(name)).min() > 13


@pytest.mark.parametrize("name", cases("nist"))
def test_standard_errors_and_residual_sd(name: str) -> None:
    certified, fit = load("nist", name)["certified"], fitted(name)
    least = 7.0 if name == "Filip" else 9.0
    errors = fit.summary()["std_error"].to_numpy()[: len(certified["se"])]
    assert log_relative_error(errors, certified["se"]).min() > least
    spread = fit.diagnostics["residual_sd"]
    assert log_relative_error(spread, certified["residual_sd"]) > least


def test_an_exact_fit_is_reported() -> None:
    X = np.arange(6.0)[:, None]
    with pytest.warns(bm.ConvergenceWarning, match="fits every row exactly"):
        fit = bm.fit(bm.Model(), bm.Data(X, 2 * X[:, 0] + 1), bm.MLE())
    assert not fit.check().passed
