"""Scales that are inferred: the mode of the scales, sampling, and what is refused, by oracles.

Oracles are y ~ Normal(0, σ²I + XSXᵀ), the density with the coefficients integrated out.
"""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import bayesml as bm

Vector = np.ndarray[Any, Any]
LEVELS, EACH = 8, 6
PRIOR = bm.ByTerm({"C(g)": bm.Normal(0, bm.HalfNormal(1))}, bm.Normal(1, 2), bm.Normal(0, 2))
MODEL = bm.Model(likelihood=bm.Gaussian(bm.HalfNormal(1.5)), prior=PRIOR)


@cache
def data() -> bm.Data:
    rng = np.random.default_rng(2)
    g, x = np.repeat(np.arange(LEVELS), EACH), rng.normal(size=LEVELS * EACH)
    y = 1.0 + x + rng.normal(size=LEVELS)[g] + 0.7 * rng.normal(size=len(g))
    return bm.Data.from_formula("y ~ x + C(g)", pd.DataFrame({"y": y, "x": x, "g": g.astype(str)}))


def log_marginal(log_sigma: float, log_tau: float) -> float:
    """log p(y | σ, τ) + log p(σ) + log p(τ)."""
    sigma, tau = np.exp(log_sigma), np.exp(log_tau)
    X, y = np.asarray(data().X), np.asarray(data().y)
    A = np.column_stack([np.ones(len(y)), X - X.mean(axis=0)])
    sd = np.array([2.0 if name == "x" else tau for name in data().feature_names])
    S = np.diag(np.append(2.0, sd) ** 2)
    law = stats.multivariate_normal(np.full(len(y), 1.0), sigma**2 * np.eye(len(y)) + A @ S @ A.T)
    priors = stats.halfnorm(scale=1.5).logpdf(sigma) + stats.halfnorm(scale=1).logpdf(tau)
    return float(law.logpdf(y) + priors)


def test_map_is_the_mode_of_the_scales_with_the_coefficients_integrated_out() -> None:
    best = optimize.minimize(
        lambda u: -log_marginal(*u), [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9}
    )
    fit = bm.fit(MODEL, data(), bm.MAP())
    table = fit.summary()["mean"]
    assert fit.check().passed
    found = np.log([table["sigma"], table["prior_scale[C(g)]"]])
    np.testing.assert_allclose(found, best.x, atol=1e-6)
    # The coefficients are those of ridge with these scales.
    sigma, tau = np.exp(found)
    stated = bm.ByTerm({"C(g)": bm.Normal(0, tau)}, bm.Normal(1, 2), bm.Normal(0, 2))
    ridge = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(sigma), stated), data(), bm.MAP()).summary()
    np.testing.assert_allclose(
        fit.summary()["mean"][ridge.index[:-1]], ridge["mean"].iloc[:-1], atol=1e-9
    )
    np.testing.assert_allclose(
        fit.summary()["std_error"][ridge.index[:-1]], ridge["std_error"].iloc[:-1], rtol=1e-7
    )


def test_nuts_samples_the_posterior_of_the_scales() -> None:
    """Against a grid over (σ, τ), the coefficients integrated out; nothing diverges."""
    fit = bm.fit(MODEL, data(), bm.NUTS(draws=500, tune=300, chains=2, progress=False), rng=3)
    assert not fit.idata["sample_stats"]["diverging"].any()
    u = np.linspace(-1.2, 0.6, 31), np.linspace(-4.0, 1.7, 41)
    grid = np.array([[log_marginal(a, b) + a + b for b in u[1]] for a in u[0]])
    w = np.exp(grid - grid.max())
    w /= w.sum()
    table = fit.summary()
    for name, axis in (("sigma", 0), ("prior_scale[C(g)]", 1)):
        marginal, value = w.sum(axis=1 - axis), np.exp(u[axis])
        mean = float(marginal @ value)
        sd = float(np.sqrt(marginal @ (value - mean) ** 2))
        error = 5.0 / np.sqrt(table.loc[name, "ess_bulk"])
        assert table.loc[name, "mean"] == pytest.approx(mean, abs=error * sd)
        assert table.loc[name, "sd"] == pytest.approx(sd, rel=2.0 * error)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Checks of this fit:bayesml.ConvergenceWarning")  # few draws
def test_the_exported_model_is_sampled_alike() -> None:
    ours, theirs = (
        bm.fit(MODEL, data(), bm.NUTS(150, 200, 2, progress=False, engine=engine), rng=4).summary()
        for engine in (bm.Direct(), bm.PyMC())
    )
    assert list(ours.index) == list(theirs.index)
    error = 5.0 * np.hypot(ours["mcse_mean"], theirs["mcse_mean"])
    np.testing.assert_array_less(np.abs(ours["mean"] - theirs["mean"]), error)


def test_other_likelihoods_and_families_are_learned() -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 4))
    y = rng.binomial(1, 1.0 / (1.0 + np.exp(-X @ [1.0, -1.0, 0.5, 0.0]))).astype(float)
    prior = bm.Independent(bm.Normal(0, bm.HalfNormal(2)), bm.Normal(0, 3))
    model = bm.Model(likelihood=bm.Bernoulli(), prior=prior)
    fit = bm.fit(model, bm.Data(X, y), bm.MAP())
    how = bm.NUTS(300, 300, 2, target_accept=0.9, progress=False)
    sampled = bm.fit(model, bm.Data(X, y), how, rng=1)
    assert fit.check().passed
    away = (fit.summary()["mean"] - sampled.summary()["mean"]) / sampled.summary()["sd"]
    assert np.abs(away).max() < 0.7


def test_laplace_says_that_a_gaussian_of_scales_is_rough() -> None:
    with pytest.warns(bm.ConvergenceWarning, match="Pareto"):
        fit = bm.fit(MODEL, data(), bm.Laplace(), rng=1)
    assert {"sigma", "prior_scale[C(g)]"} <= set(fit.summary().index)


def test_exact_refuses_by_name() -> None:
    with pytest.raises(
        bm.IncompatibleModelError, match=r"scale prior_scale\[C\(g\)\] of the prior"
    ):
        bm.fit(MODEL, data(), bm.Exact())


def test_an_intercept_at_zero_is_refused() -> None:
    prior = bm.Independent(bm.Normal(0, bm.HalfNormal(1)), bm.Normal(0, 1), "original")
    with pytest.raises(bm.IncompatibleModelError, match="intercept_origin='centred'"):
        _ = bm.Model(prior=prior).resolve(data()).prior


def test_a_term_with_a_slash_is_stored(tmp_path: Any) -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [0.0, 1.0, 2.0, 4.0]})
    formula = bm.Data.from_formula("y ~ {x/2}", frame)
    prior = bm.ByTerm({"x / 2": bm.Normal(0, bm.HalfNormal(1))})
    fit = bm.fit(bm.Model(prior=prior), formula, bm.MAP())
    fit.save(tmp_path / "fit.nc")
    assert bm.load(tmp_path / "fit.nc").summary().equals(fit.summary())
