"""Predictions of counts: whole quantiles, shortest sets, exact expectations and decisions."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

import bayesml as bm
from bayesml.posteriors import decisions
from bayesml.posteriors.ensemble import EnsemblePosterior, mixed
from bayesml.posteriors.lattice import CELLS, LatticeMixture, row_mixture
from bayesml.posteriors.mixture import Mixture
from bayesml.posteriors.point import PointEstimate
from bayesml.posteriors.sampled import SampledPosterior
from bayesml.typing import Array

RATES = np.array([[2.23, 2.23, 2.23], [0.01, 0.02, 0.03], [3.0, 9.0, 40.0], [150.0, 200.0, 210.0]])
WEIGHTS = np.array([0.5, 0.3, 0.2])
WHOLE = np.arange(600.0)


def poisson(rates: Any, weights: Any = WEIGHTS) -> Any:
    eta = np.log(np.atleast_2d(rates))
    return row_mixture(len(eta), np.asarray(weights), bm.Poisson(), lambda block: (eta[block], {}))


def bernoulli(shares: Any) -> Any:
    eta = np.log(np.asarray(shares) / (1 - np.asarray(shares)))[:, None]
    return row_mixture(len(eta), np.ones(1), bm.Bernoulli(), lambda block: (eta[block], {}))


def masses(rates: Array = RATES) -> Array:
    """Return probabilities by scipy, (rows, whole numbers)."""
    each = stats.poisson.pmf(WHOLE, rates[:, :, None])
    return np.einsum("rkn,k->rn", each, WEIGHTS)


def one(rate: float) -> Any:
    return poisson([[rate]], [1.0])


def test_the_support_of_the_likelihood_chooses_the_form() -> None:
    assert isinstance(poisson(RATES), LatticeMixture)
    line = row_mixture(1, np.ones(1), bm.Gaussian(), lambda b: (np.zeros((1, 1)), {"sigma": 1.0}))
    assert isinstance(line, Mixture)


def test_moments_and_probabilities_are_sums() -> None:
    found, mass = poisson(RATES), masses()
    mean = mass @ WHOLE
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
    variance = np.sum(mass * (WHOLE - mean[:, None]) ** 2, axis=1)
    np.testing.assert_allclose(found.sd**2, variance, rtol=1e-11)
    for y in (0.0, 2.0, 30.0):
        k = int(y)
        np.testing.assert_allclose(np.exp(found.log_density(y)), mass[:, k], rtol=1e-10)
        np.testing.assert_allclose(found.cdf(y), mass[:, : k + 1].sum(axis=1), rtol=1e-12)
        np.testing.assert_allclose(found.survival(y), mass[:, k + 1 :].sum(axis=1), rtol=1e-10)
    np.testing.assert_array_equal(found.log_density(1.5), np.full(4, -np.inf))


@pytest.mark.parametrize("q", [1e-12, 0.01, 0.25, 0.5, 0.9, 0.999, 1 - 1e-12])
def test_quantiles_are_the_least_numbers_that_reach_the_level(q: float) -> None:
    mass = masses()
    reached = np.cumsum(mass, axis=1) >= q
    if q > 0.5:
        reached = np.cumsum(mass[:, ::-1], axis=1)[:, ::-1] - mass <= 1 - q
    truth = np.argmax(reached, axis=1)
    np.testing.assert_array_equal(poisson(RATES).quantile(q), truth)


def test_a_level_that_a_step_just_reaches() -> None:
    np.testing.assert_array_equal(bernoulli([0.5, 0.3, 0.7]).quantile(0.5), [0.0, 0.0, 1.0])


def test_quantiles_of_one_poisson_are_scipys() -> None:
    levels = np.linspace(0.001, 0.999, 57)
    for rate in (1e-9, 0.3, 2.23, 77.7, 1e6):
        found = one(rate)
        quantiles = [float(found.quantile(q)[0]) for q in levels]
        np.testing.assert_array_equal(quantiles, stats.poisson.ppf(levels, rate))


def test_a_count_that_is_almost_surely_zero_has_zero_as_its_quantile() -> None:
    """It was 1e-308: a root of a continuous function that is not there."""
    np.testing.assert_array_equal(poisson(RATES[1]).quantile(0.5), [0.0])


def by_hand(mass: Array, probability: float) -> tuple[int, int]:
    """Try every set of consecutive numbers."""
    best: tuple[float, float, int, int] | None = None
    for a in range(len(mass)):
        held = np.cumsum(mass[a:])
        enough = np.flatnonzero(held >= probability)
        if len(enough) > 0:
            b = int(enough[0])
            tried = (b, -held[b], a, a + b)
            best = tried if best is None or tried < best else best
    assert best is not None
    return best[2], best[3]


@pytest.mark.parametrize("probability", [0.3, 0.5, 0.9, 0.99])
def test_shortest_intervals_are_the_fewest_numbers(probability: float) -> None:
    lower, upper = poisson(RATES).highest_density_interval(probability)
    truth = [by_hand(mass, probability) for mass in masses()]
    np.testing.assert_array_equal(np.stack([lower, upper], axis=1), truth)


def test_a_shortest_interval_of_millions_holds_its_probability() -> None:
    found = one(1e6)
    (lower,), (upper,) = found.highest_density_interval(0.9)
    held = stats.poisson.cdf([lower - 1, upper - 1, upper], 1e6)
    assert held[2] - held[0] >= 0.9 > held[1] - held[0]
    assert upper - lower == pytest.approx(2 * stats.norm.ppf(0.95) * 1e3, rel=1e-3)


def test_nodes_are_all_numbers_with_their_probabilities() -> None:
    mass = masses()
    for block, y, weights in poisson(RATES).nodes():
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-14)
        for row, values, own in zip(mass[block], y, weights, strict=True):
            at = own > 0
            np.testing.assert_allclose(own[at], row[values[at].astype(int)], rtol=1e-9)
            assert len(np.unique(values[at])) == np.sum(at)
            assert row[values[at].astype(int)].sum() >= 1 - 3e-12


def test_nodes_of_very_many_numbers_are_cells_that_lose_nothing() -> None:
    rates, weights = np.array([[1.0, 1e6]]), [0.5, 0.5]
    ((_, y, mass),) = list(poisson(rates, weights).nodes())
    assert y.shape[1] <= CELLS
    assert np.all(y == np.round(y))
    assert float(mass[0, y[0] < 1e5].sum()) == pytest.approx(0.5, abs=1e-9)
    found = one(1e6)
    step = 15.0
    ((_, y, mass),) = list(found.nodes())
    assert y[0, 1] - y[0, 0] == step
    variance = float(np.sum(mass * (y - 1e6) ** 2))
    assert variance - 1e6 == pytest.approx((step**2 - 1) / 12, rel=1e-3)  # Sheppard, (P11)


def squared(y: Array, a: Array) -> Array:
    return (y - a) ** 2


def absolute(y: Array, a: Array) -> Array:
    return np.abs(y - a)


def missed(y: Array, a: Array) -> Array:
    return np.asarray(y != a, dtype=np.float64)


def test_the_mean_of_counts_minimises_squared_error() -> None:
    """Minimising gave 0 with a loss of 4.97, since nodes of a density missed all the mass."""
    found = one(2.23)
    for loss in (bm.losses.SquaredError(), squared):
        action = decisions.best_action(found, loss)
        np.testing.assert_allclose(action, 2.23, rtol=1e-6)
        np.testing.assert_allclose(decisions.expected_loss(found, loss, action), 2.23, rtol=1e-9)


def test_medians_modes_and_quantiles_minimise_their_losses() -> None:
    found, mass = poisson(RATES), masses()
    medians = found.quantile(0.5)
    np.testing.assert_array_equal(decisions.best_action(found, bm.losses.AbsoluteError()), medians)
    np.testing.assert_array_equal(decisions.best_action(found, absolute), medians)
    ninety = decisions.best_action(found, bm.losses.PinballLoss(0.9))
    np.testing.assert_array_equal(ninety, found.quantile(0.9))
    modes = np.argmax(mass, axis=1)
    np.testing.assert_array_equal(decisions.best_action(found, bm.losses.ZeroOneLoss(0.1)), modes)
    few = poisson(RATES[:2])
    np.testing.assert_array_equal(decisions.best_action(few, missed), modes[:2])
    losses = decisions.expected_loss(found, bm.losses.AbsoluteError(), 3.5)
    np.testing.assert_allclose(losses, mass @ np.abs(WHOLE - 3.5), rtol=1e-9)


def test_the_most_probable_run_is_the_best_of_all() -> None:
    found, mass = poisson(RATES), masses()
    for tolerance in (0.5, 1.0, 3.7):
        size = int(2 * tolerance) + 1
        held = np.stack([np.convolve(row, np.ones(size))[size - 1 :] for row in mass])
        truth = np.argmax(held, axis=1) + 0.5 * (size - 1)
        action = decisions.best_action(found, bm.losses.ZeroOneLoss(tolerance))
        lost = decisions.expected_loss(found, bm.losses.ZeroOneLoss(tolerance), action)
        np.testing.assert_array_equal(action, truth)
        np.testing.assert_allclose(lost, 1 - held.max(axis=1), atol=1e-11)


def test_the_mode_of_millions_is_exact() -> None:
    mode = decisions.best_action(one(1e6 + 0.5), bm.losses.ZeroOneLoss(0.1))
    assert float(mode[0]) == 1e6


def test_decisions_of_yes_and_no() -> None:
    found = bernoulli([0.2, 0.8, 0.97])
    np.testing.assert_allclose(decisions.best_action(found, squared), [0.2, 0.8, 0.97], rtol=1e-6)
    for loss in (absolute, missed, bm.losses.ZeroOneLoss(0.1)):
        np.testing.assert_array_equal(decisions.best_action(found, loss), [0.0, 1.0, 1.0])
    np.testing.assert_array_equal(found.highest_density_interval(0.9)[0], [0.0, 0.0, 1.0])


def sampled(rates: Array, likelihood: Any = None) -> SampledPosterior:
    chains = {"intercept": np.log(rates)[None], "weights": np.zeros((1, len(rates), 1))}
    return SampledPosterior(bm.Linear(), likelihood or bm.Poisson(), chains, {})


def test_posteriors_known_by_draws_or_a_point_predict_counts() -> None:
    rates = np.array([1.5, 2.0, 4.0])
    p = sampled(rates).predict(np.zeros((2, 1)))
    mass = stats.poisson.pmf(WHOLE, rates[:, None]).mean(axis=0)
    np.testing.assert_allclose(np.exp(p.log_prob(3.0)), mass[3], rtol=1e-12)
    np.testing.assert_allclose(p.exceedance(4.0), mass[5:].sum(), rtol=1e-12)
    np.testing.assert_allclose(p.aleatoric_sd**2, rates.mean(), rtol=1e-12)
    np.testing.assert_allclose(p.epistemic_sd, rates.std(), rtol=1e-12)
    assert np.all(p.quantile([0.1, 0.5]) == np.round(p.quantile([0.1, 0.5])))
    assert not p.mean_function.discrete  # E[y | θ] is any number
    point = PointEstimate(
        bm.Linear(), bm.Poisson(), {"intercept": np.log(2.23), "weights": np.zeros(1)}, {}, np.inf
    ).predict(np.zeros((1, 1)))
    np.testing.assert_allclose(point.decide(bm.losses.SquaredError()), 2.23)
    np.testing.assert_array_equal(point.interval(0.9).upper, stats.poisson.ppf(0.95, 2.23))
    assert set(np.unique(point.sample(50, rng=1) % 1)) == {0.0}


def test_an_ensemble_of_counts_is_on_the_lattice() -> None:
    parts = [sampled(np.array([1.0, 2.0])), sampled(np.array([30.0]))]
    p = EnsemblePosterior(bm.Linear(), tuple(parts)).predict(np.zeros((2, 1)))
    mass = stats.poisson.pmf(WHOLE, np.array([[1.0], [2.0], [30.0]]))
    mass = np.array([0.25, 0.25, 0.5]) @ mass
    np.testing.assert_allclose(np.exp(p.log_prob(2.0)), mass[2], rtol=1e-12)
    np.testing.assert_array_equal(p.quantile(0.7), np.argmax(np.cumsum(mass) >= 0.7))
    assert isinstance(mixed([one(1.0), one(2.0)]), LatticeMixture)


def test_a_distribution_without_numbers_is_refused() -> None:
    broken = row_mixture(1, np.ones(1), bm.Poisson(), lambda block: (np.full((1, 1), np.nan), {}))
    with pytest.raises(bm.ConvergenceError, match="degenerate"):
        broken.quantile(0.5)
