"""Exact posteriors against moments by one-dimensional quadrature that this project did not make."""

from typing import Any

import numpy as np
import pytest

import bayesml as bm
from tests.reference.refdata import cases, load


def declared(posterior: dict[str, Any]) -> bm.Model:
    """Translate the structured priors of the reference data."""
    stated = posterior["prior"]
    coefficients = stated["coef"]
    match coefficients["dist"]:
        case "flat":
            weights: Any = bm.Flat()
        case "normal" | "normal_each":
            weights = bm.Normal(coefficients["mean"], coefficients["sd"])
    sigma: dict[str, Any] = stated["sigma"]
    scale = sigma.get("scale", sigma.get("sd"))
    priors = {
        "half_cauchy": lambda: bm.HalfCauchy(scale),
        "half_normal": lambda: bm.HalfNormal(scale),
    }
    prior = priors.get(sigma["dist"], bm.Flat)()
    return bm.Model(bm.Linear(intercept=False), bm.Gaussian(prior), bm.Independent(weights))


def fitted(posterior: dict[str, Any]) -> bm.Fit:
    names = [f"c{k}" for k in range(posterior["p"])]
    data = bm.Data(posterior["X"], posterior["y"], feature_names=names)
    return bm.fit(declared(posterior), data, bm.Exact())


@pytest.mark.parametrize("name", cases("posteriordb", family="gaussian"))
def test_exact_moments_are_met_to_a_millionth_of_a_posterior_sd(name: str) -> None:
    posterior = load("posteriordb", name)
    table = fitted(posterior).summary()
    mean, sd = (np.array(posterior["exact"][key]) for key in ("mean", "sd"))
    np.testing.assert_array_less(np.abs(table["mean"] - mean) / sd, 1e-6)
    np.testing.assert_array_less(np.abs(table["sd"] / sd - 1), 1e-6)


@pytest.mark.parametrize("name", cases("posteriordb", family="gaussian"))
def test_long_stan_chains_agree_within_their_own_error(name: str) -> None:
    posterior = load("posteriordb", name)
    reference = posterior.get("reference")
    if not reference:
        pytest.skip(f"posteriordb has no reference draws for {name}")
    table = fitted(posterior).summary(0.9)
    distance = np.abs(table["mean"].to_numpy() - reference["mean"]) / reference["mcse_mean"]
    np.testing.assert_array_less(distance, 4.0)
    # A 5 % quantile of N independent draws has standard error √(0.05·0.95/N)/density, the
    # density of a normal at its 5 % quantile being 0.103/sd: 2.11 sd/√N, and N here is the
    # effective sample size.
    error = 2.11 * np.array(reference["sd"]) / np.sqrt(reference["ess_bulk"])
    for key, column in (("q05", "5%"), ("q95", "95%")):
        distance = np.abs(table[column].to_numpy() - reference[key]) / error
        np.testing.assert_array_less(distance, 5.0)
