"""Effects averaged over groups that are new, against closed forms and brute force."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import norm

import bayesml as bm
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.results.effects.new_groups import over_new_groups
from bayesml.results.effects.quantity import joint_draws


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    g, x = rng.integers(0, 15, 300), rng.normal(size=300)
    u = rng.normal(size=(15, 2)) * [1.0, 0.5]
    eta = 0.3 + 0.8 * x + u[g, 0] + u[g, 1] * x
    counts = rng.poisson(np.exp(0.5 * eta))
    return pd.DataFrame({"y": (rng.random(300) < norm.cdf(eta)) * 1.0, "n": counts, "x": x, "g": g})


NEW, POPULATION = {"new_groups": True}, {"population": True}


def fitted(formula: str, likelihood: Any, frame: pd.DataFrame) -> bm.Fit:
    data = bm.Data.from_formula(formula, frame)
    return bm.fit(bm.Model(likelihood=likelihood), data, bm.Laplace(), rng=1)


@pytest.fixture(scope="module")
def probit(frame: pd.DataFrame) -> bm.Fit:
    return fitted("y ~ x + (x | g)", bm.Bernoulli(bm.Probit()), frame)


def moments(fit: bm.Fit, x: float) -> tuple[Any, Any]:
    """Return η of the population and its variance over new groups at every draw."""
    draws = joint_draws(fit)
    z = np.array([1.0, x])
    S = draws["sd[g]"][..., None] * np.eye(2)
    r = draws["correlation[g]"][..., 0]
    R = np.eye(2) + r[..., None, None] * (1.0 - np.eye(2))
    variance = np.einsum("i,...ij,...jk,...kl,l->...", z, S, R, S, z)
    return draws["intercept"] + x * draws["weights"][..., 0], variance


def test_a_probit_has_its_closed_form(probit: bm.Fit) -> None:
    found = probit.predictions(at={"x": (-1.0, 2.0)}, new_groups=True)
    expected = []
    for x in (-1.0, 2.0):
        eta, variance = moments(probit, x)
        expected.append(norm.cdf(eta / np.sqrt(1.0 + variance)).mean())
    np.testing.assert_allclose(found.mean, expected, rtol=1e-6)
    middle = probit.predictions(at={"x": (-1.0, 2.0)}, population=True)
    assert np.all(np.abs(found.mean - 0.5) < np.abs(middle.mean - 0.5))


def test_counts_have_theirs(frame: pd.DataFrame) -> None:
    fit = fitted("n ~ x + (1 | g)", bm.Poisson(), frame)
    ratio = fit.comparisons({"x": (0.0, 1.0)}, bm.effects.Ratio(), new_groups=True)
    draws = joint_draws(fit)
    half = 0.5 * draws["sd[g]"][..., 0] ** 2
    found = fit.predictions(at={"x": 0.0}, new_groups=True)
    assert found.mean[0] == pytest.approx(np.exp(draws["intercept"] + half).mean(), rel=1e-6)
    expected = np.exp(draws["weights"][..., 0]).mean()  # a factor of both
    assert ratio.mean[0] == pytest.approx(expected, rel=1e-6)


def test_slopes_go_through_the_variance_of_slopes_too(probit: bm.Fit) -> None:
    step = 1e-4
    sides = [probit.predictions(at={"x": 0.5 + d}, new_groups=True).mean[0] for d in (step, -step)]
    slope = probit.slopes("x", at={"x": 0.5}, new_groups=True).mean[0]
    assert slope == pytest.approx((sides[0] - sides[1]) / (2.0 * step), rel=1e-4)


@pytest.mark.parametrize("sd", [0.3, 0.8, 1.9, 5.0])
def test_nodes_are_enough(sd: float) -> None:
    eta = np.linspace(-4.0, 4.0, 9)
    fine = np.linspace(-9.0, 9.0, 40_001)
    weights = norm.pdf(fine) * (fine[1] - fine[0])

    def evaluate(at: Any, noise: Any) -> Any:
        return expit(at)

    found = over_new_groups(evaluate, eta, {}, np.full(9, sd**2))
    np.testing.assert_allclose(found, expit(eta[:, None] + sd * fine) @ weights, atol=2e-6)


def test_a_linear_mean_is_that_of_the_population_exactly(frame: pd.DataFrame) -> None:
    data = bm.Data.from_formula("x ~ y + (1 | g)", frame)
    fit = bm.fit(bm.Model(), data)
    new, middle = (fit.predictions(by="y", **how) for how in (NEW, POPULATION))
    np.testing.assert_allclose(new.mean, middle.mean, rtol=1e-12)
    assert repr(new).splitlines()[-1] == "exact"
    expected = fit.predict({"y": [0.0, 1.0]}, population=True)
    np.testing.assert_allclose(middle.mean, expected.mean, rtol=1e-9)
    np.testing.assert_allclose(middle.sd, expected.epistemic_sd, rtol=1e-6)


def test_what_means_nothing_is_refused(probit: bm.Fit, frame: pd.DataFrame) -> None:
    with pytest.raises(IncompatibleModelError, match="contradict"):
        probit.predictions(new_groups=True, population=True)
    plain = bm.fit(bm.Model(), bm.Data.from_formula("x ~ y", frame))
    with pytest.raises(IncompatibleModelError, match="has none"):
        plain.slopes("y", new_groups=True)
    for wrong in ({"new_groups": "no"}, {"population": 1}):
        with pytest.raises(DataError, match="must be True or False, got"):
            probit.predictions(**wrong)
        with pytest.raises(DataError, match="must be True or False, got"):
            probit.predict(frame[:2], **wrong)
