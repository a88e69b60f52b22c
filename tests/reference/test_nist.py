"""Least squares against the certified values of NIST's Statistical Reference Datasets."""

import numpy as np
import pytest

import bayesml as bm
from tests.reference.refdata import cases, load, log_relative_error, nist_features


@pytest.mark.parametrize("name", cases("nist"))
def test_certified_values(name: str) -> None:
    problem, X = load("nist", name), nist_features(name)
    model = bm.Model(bm.Linear(intercept=problem["intercept"]))
    fit = bm.fit(model, bm.Data(X, problem["y"]), bm.MLE())
    certified, table = problem["certified"], fit.summary()
    estimate, error = (table[key].to_numpy()[: len(certified["coef"])] for key in ("mean", "sd"))
    print(name, log_relative_error(estimate, certified["coef"]).min(), log_relative_error(error, certified["se"]).min(), log_relative_error(fit.diagnostics["residual_sd"], certified["residual_sd"]))
