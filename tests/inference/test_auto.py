"""The default method: what it takes, and that it says why."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import digamma

import bayesml as bm
from bayesml.inference.audit import importance
from bayesml.posteriors.audited import audited_draws

ENOUGH = bm.NUTS(progress=False)
SHORT = bm.NUTS(draws=200, tune=200, chains=2, progress=False)


def counts(m: int, seed: int = 0) -> bm.Data:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=m), "z": rng.normal(size=m)})
    frame["y"] = rng.poisson(np.exp(0.5 + 0.4 * frame["x"])).astype(float)
    return bm.Data.from_formula("y ~ x + z", frame)


def test_a_gaussian_that_passes_its_audit_is_taken_and_the_audit_is_said() -> None:
    fit = bm.fit(bm.Model(likelihood=bm.Poisson()), counts(2000), bm.Auto(SHORT), rng=1)
    assert fit.kind == "approximate"
    assert fit.explanation.startswith(
        "Auto chose Laplace(), since the likelihood is Poisson, not Gaussian, and its audit "
        "passed: Pareto k̂ "
    )
    assert fit.check().passed


def test_a_gaussian_that_fails_its_audit_is_replaced_by_draws() -> None:
    data = bm.Data(np.arange(8.0)[:, None], [0.0, 1.0, 0.0, 2.0, 1.0, 0.0, 2.0, 3.0])
    fit = bm.fit(bm.Model(likelihood=bm.Poisson()), data, bm.Auto(ENOUGH), rng=1)
    assert fit.kind == "sampled"
    assert fit.check().passed
    assert "standard deviations in a mean" in fit.explanation


def test_the_shift_is_that_of_the_posterior() -> None:
    """A log-gamma variable: its mean is digamma(a), its mode log a, its curvature there a."""
    a, rng = 8.0, np.random.default_rng(1)

    def log_density(x: np.ndarray) -> np.ndarray:
        return a * x[..., 0] - np.exp(x[..., 0])

    mode, factor = np.array([np.log(a)]), np.array([[a**-0.5]])
    found = importance(audited_draws(log_density, mode, factor, 1000, rng), mode, factor)
    truth = abs(digamma(a) - np.log(a)) * np.sqrt(a)
    assert found["importance_shift"] == pytest.approx(truth, abs=0.03)


def test_a_budget_that_is_too_small_leaves_the_gaussian_and_its_failed_audit_warns() -> None:
    data = bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.0, 0.0, 0.0, 1.0])
    with pytest.warns(bm.ConvergenceWarning, match="posterior is skewed"):
        fit = bm.fit(bm.Model(likelihood=bm.Poisson()), data, bm.Auto(SHORT, seconds=1e-9), rng=1)
    assert fit.kind == "approximate"
    assert "NUTS would take about" in fit.explanation
    assert "standard deviations in a mean" in fit.explanation
    assert not fit.check().passed


def test_a_budget_must_be_positive() -> None:
    with pytest.raises(bm.IncompatibleModelError, match="seconds must be a positive"):
        bm.Auto(seconds=0.0)
