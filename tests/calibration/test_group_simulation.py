"""Simulation-based calibration of mixed models: exact, and nested Laplace with its weights.

The log-likelihood is among the quantities, since ranks of parameters alone do not see that data are
ignored (Modrák et al. 2023).
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from tests.calibration.simulation import LEVELS, band, coverage

LEVELS_OF_G, ROWS = 8, 6
SD = bm.HalfNormal(1.0)
COEFFICIENTS = bm.Independent(bm.Normal(0.0, 1.0), bm.Normal(0.0, 1.5), "original")
PRIOR = bm.Hierarchical(COEFFICIENTS, groups={"g": bm.GroupEffects(SD)})


def made(rng: np.random.Generator, likelihood: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Draw a truth from the priors, and rows from it."""
    g = np.repeat(np.arange(LEVELS_OF_G), ROWS)
    x = rng.normal(size=len(g))
    truth = {
        "intercept": rng.normal(0.0, 1.5),
        "weights": rng.normal(size=1),
        "sd[g]": np.abs(rng.normal(size=1)),
        "sigma": np.abs(rng.normal()),
    }
    truth["effects[g]"] = truth["sd[g]"] * rng.normal(size=(LEVELS_OF_G, 1))
    eta = truth["intercept"] + x * truth["weights"] + truth["effects[g]"][g, 0]
    noise = {"sigma": truth["sigma"]} if "sigma" in likelihood.parameters else {}
    y = likelihood.sample(eta[None], noise, rng)
    return pd.DataFrame({"y": np.ravel(y), "x": x, "g": g}), truth


def ranks(fit: bm.Fit, frame: pd.DataFrame, truth: dict[str, Any]) -> dict[str, float]:
    """Return the share of draws below each truth."""
    draws = {k: np.reshape(v, (-1, *np.shape(v)[2:])) for k, v in fit.draws().items()}
    likelihood, x, g = fit.model.likelihood, frame["x"].to_numpy(), frame["g"].to_numpy()
    y = frame["y"].to_numpy()

    def log_likelihood(at: dict[str, Any]) -> Any:
        eta = at["intercept"][..., None] + at["weights"] * x + at["effects[g]"][..., g, 0]
        noise = {"sigma": at["sigma"][..., None]} if "sigma" in draws else {}
        return likelihood.log_density(y, eta, noise).sum(axis=-1)

    here = {name: np.asarray(value) for name, value in truth.items()}
    return {
        "weights": float(np.mean(draws["weights"][:, 0] < here["weights"][0])),
        "sd": float(np.mean(draws["sd[g]"][:, 0] < here["sd[g]"][0])),
        "effect": float(np.mean(draws["effects[g]"][:, 0, 0] < here["effects[g]"][0, 0])),
        "log likelihood": float(np.mean(log_likelihood(draws) < log_likelihood(here))),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("likelihood", "method", "sets"),
    [
        (bm.Gaussian(bm.HalfNormal(1.0)), bm.Exact(), 200),
        (bm.Bernoulli(), bm.Laplace(), 60),
        (bm.Poisson(), bm.Laplace(), 60),
    ],
)
def test_ranks_of_truths_are_uniform(likelihood: Any, method: Any, sets: int) -> None:
    rng = np.random.default_rng(3)
    found: dict[str, list[float]] = {}
    model = bm.Model(likelihood=likelihood, prior=PRIOR)
    for k in range(sets):
        frame, truth = made(rng, likelihood)
        data = bm.Data.from_formula("y ~ x + (1 | g)", frame)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", bm.ConvergenceWarning)  # one in a hundred has k̂ > 0.7
            fit = bm.fit(model, data, method, rng=k)
        for name, value in ranks(fit, frame, truth).items():
            found.setdefault(name, []).append(value)
    low, high = band(sets, len(found) * len(LEVELS))
    for name, values in found.items():
        share = coverage(np.array(values))
        assert np.all((low <= share) & (share <= high)), (name, LEVELS, share)
