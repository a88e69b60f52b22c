"""Intervals, tails, decisions and contrasts of a prediction, against closed forms."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from arviz_stats.base import array_stats
from scipy import stats

import bayesml as bm
from bayesml.likelihoods import Gaussian
from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.mixture import Mixture
from bayesml.posteriors.shortest import shortest_of_atoms
from bayesml.results.effects import Scenarios
from tests.agreement.problems import made, with_ones

MEANS, SDS = np.array([[0.0, 4.0]]), np.array([[1.0, 2.0]])
SKEW = Mixture(1, np.array([0.7, 0.3]), Gaussian(), lambda b: (MEANS[b], {"sigma": SDS[b]}))


def prediction(distribution: Mixture | Atoms) -> bm.Prediction:
    def sample(size: int, rng: np.random.Generator) -> np.ndarray:
        return np.zeros((size, distribution.rows))

    return bm.Prediction(distribution, distribution, np.zeros(distribution.rows), sample, sample)


def skew_cdf(y: float) -> float:
    return float(0.7 * stats.norm.cdf(y) + 0.3 * stats.norm.cdf(y, 4, 2))


@pytest.fixture(scope="module")
def fit() -> bm.Fit:
    return bm.fit(bm.Model(), made(m=40, n=2))


@pytest.mark.parametrize("probability", [0.5, 0.8, 0.95])
def test_shortest_interval_has_equal_densities_and_the_mass(probability: float) -> None:
    p = prediction(SKEW)
    interval = p.highest_density_interval(probability)
    lower, upper = (float(end[0]) for end in interval)
    assert skew_cdf(upper) - skew_cdf(lower) == pytest.approx(probability, abs=1e-12)
    assert p.log_prob(lower) == pytest.approx(p.log_prob(upper), abs=1e-6)
    assert upper - lower < np.ptp(np.concatenate(p.interval(probability)))


def test_shortest_is_equal_tailed_where_the_density_is_symmetric(fit: bm.Fit) -> None:
    p = fit.predict(fit.data.X)
    # The posterior of the coefficients is a little off centre, by what the priors pull.
    width = np.diff(p.interval(0.9), axis=0)
    np.testing.assert_allclose(np.diff(p.highest_density_interval(0.9), axis=0), width, rtol=1e-6)


def test_shortest_interval_of_draws_is_arvizs(rng: np.random.Generator) -> None:
    values = rng.gamma(2.0, 1.0, size=(3, 501))
    ours = np.column_stack(shortest_of_atoms(values, np.full(501, 1 / 501), 0.8))
    theirs = [array_stats.hdi(row, prob=0.8) for row in values]
    # With N draws ArviZ leaves floor(0.8 N) steps between its ends, one more than needed.
    step = np.max(np.diff(np.sort(values, axis=1))[:, :400], axis=1)
    assert np.all(np.abs(np.diff(ours) - np.diff(theirs)).ravel() <= step)


def test_weighted_atoms_count_as_repeated_ones() -> None:
    values = np.array([[3.0, 1.0, 2.0, 7.0]])
    counts = np.array([3, 1, 2, 4])
    repeated = np.repeat(values, counts, axis=1)
    for probability in (0.3, 0.55, 0.75):
        one = shortest_of_atoms(values, counts / 10, probability)
        np.testing.assert_allclose(one, shortest_of_atoms(repeated, np.full(10, 0.1), probability))


def test_exceedance_keeps_the_digits_of_small_probabilities() -> None:
    p = prediction(SKEW)
    assert p.exceedance(40.0)[0] == pytest.approx(0.3 * stats.norm.sf(18.0), rel=1e-12)
    assert p.exceedance(1.0)[0] == pytest.approx(1 - skew_cdf(1.0), rel=1e-14)
    t = bm.StudentT(df=3.0, sigma=2.0)
    heavy = t.survival(2000.0, 1.0, {"df": 3.0, "sigma": 2.0})
    assert heavy == pytest.approx(stats.t.sf(999.5, 3), rel=1e-12)


@pytest.mark.parametrize(
    ("named", "plain"),
    [
        (bm.losses.SquaredError(), lambda y, a: (y - a) ** 2),
        (bm.losses.AbsoluteError(), lambda y, a: np.abs(y - a)),
        (bm.losses.PinballLoss(0.8), lambda y, a: np.where(y > a, 4 * (y - a), a - y)),
    ],
)
def test_named_actions_minimise_the_same_loss(named: bm.losses.Loss, plain: object) -> None:
    p = prediction(SKEW)
    assert p.decide(plain)[0] == pytest.approx(p.decide(named)[0], abs=2e-3 * p.sd[0])


def test_expected_losses_are_the_closed_forms() -> None:
    p, normal = prediction(SKEW), stats.norm
    a = 1.5
    squared = 0.7 * (1 + a**2) + 0.3 * (4 + (4 - a) ** 2)
    assert p.expected_loss(bm.losses.SquaredError(), a)[0] == pytest.approx(squared, rel=1e-8)
    folded = sum(
        w * (s * 2 * normal.pdf((m - a) / s) + (m - a) * (1 - 2 * normal.cdf((a - m) / s)))
        for w, m, s in ((0.7, 0, 1), (0.3, 4, 2))
    )
    assert p.expected_loss(bm.losses.AbsoluteError(), a)[0] == pytest.approx(folded, rel=1e-4)


def test_zero_one_loss_finds_the_mode_as_its_tolerance_shrinks() -> None:
    p = prediction(SKEW)
    grid = np.linspace(-1, 1, 20001)
    mode = grid[np.argmax(0.7 * stats.norm.pdf(grid) + 0.3 * stats.norm.pdf(grid, 4, 2))]
    assert p.decide(bm.losses.ZeroOneLoss(0.01))[0] == pytest.approx(mode, abs=1e-3)


def test_decision_among_few_actions_is_the_cheapest(fit: bm.Fit) -> None:
    p = fit.predict(fit.data.X[:3])
    actions = [0.0, float(p.mean[0]), 1e6]
    chosen = p.decide(bm.losses.AbsoluteError(), actions)
    costs = np.stack([p.expected_loss(bm.losses.AbsoluteError(), a) for a in actions])
    np.testing.assert_array_equal(chosen, np.array(actions)[costs.argmin(axis=0)])


def test_a_loss_without_a_minimum_is_refused(fit: bm.Fit) -> None:
    with pytest.raises(bm.ConvergenceError, match="order of the loss"):
        fit.predict(fit.data.X[:2]).decide(lambda y, a: y - a)
    p = fit.predict(fit.data.X[:2])
    for loss in ("squared", bm.losses.SquaredError):
        with pytest.raises(bm.IncompatibleModelError, match="must be a function"):
            p.decide(loss)
    for loss in (lambda y, a: 1.0, lambda y, a: np.mean((y - a) ** 2)):
        with pytest.raises(bm.IncompatibleModelError, match="must be elementwise"):
            p.decide(loss)
    with pytest.raises(bm.DataError, match="action is NaN"):
        p.decide(bm.losses.SquaredError(), [1.0, np.nan])
    with pytest.raises(bm.IncompatibleModelError, match="level"):
        bm.losses.PinballLoss(1.0)
    with pytest.raises(bm.IncompatibleModelError, match="tolerance"):
        bm.losses.ZeroOneLoss(0.0)


def test_leverage_is_the_hat_matrix(fit: bm.Fit) -> None:
    A = with_ones(fit.data)
    hat = np.diag(A @ np.linalg.pinv(A))
    np.testing.assert_allclose(fit.leverage(fit.data.X), hat, rtol=1e-9)
    assert not fit.predict(fit.data.X).extrapolates.any()
    mean = np.mean(fit.data.X, axis=0)
    assert fit.leverage([mean])[0] == pytest.approx(1 / fit.data.m)
    far = fit.predict([mean, mean + 100])
    np.testing.assert_array_equal(far.extrapolates, [False, True])
    np.testing.assert_array_equal(far.expectation.extrapolates, [False, True])


def test_weighted_rows_count_as_often_and_unseen_directions_are_infinitely_far() -> None:
    data = made(m=6, n=2)
    X, y, w = np.asarray(data.X), np.asarray(data.y), np.array([1.0, 2, 1, 3, 0, 1])
    weighted = bm.fit(bm.Model(), bm.Data(X, y, observation_weights=w))
    repeated = bm.fit(
        bm.Model(), bm.Data(np.repeat(X, w.astype(int), 0), np.repeat(y, w.astype(int)))
    )
    np.testing.assert_allclose(weighted.leverage(X), repeated.leverage(X), rtol=1e-9)
    assert weighted._leverage.largest == pytest.approx(repeated._leverage.largest)
    collinear = bm.fit(bm.Model(), bm.Data(np.column_stack([X[:, 0], 2 * X[:, 0]]), y))
    a, b = collinear.leverage([[1.0, 2.0], [1.0, 3.0]])
    assert np.isfinite(a)
    assert np.isinf(b)


def test_a_prediction_without_data_says_so(fit: bm.Fit) -> None:
    with pytest.raises(bm.DataError, match=r"fit\.predict"):
        _ = fit.learned.posterior.predict(np.asarray(fit.data.X)).extrapolates


def test_comparison_is_the_functional_of_the_mean_difference(fit: bm.Fit) -> None:
    X = np.asarray(fit.data.X)
    before, after = X[:10], X[10:40] + np.array([1.0, 0.0])
    delta = fit.comparisons(Scenarios(before, after))
    draws = fit.draws(4, 5000)["weights"].reshape(-1, 2) @ (after.mean(0) - before.mean(0))
    error = delta.sd[0] / np.sqrt(len(draws))
    assert delta.mean[0] == pytest.approx(draws.mean(), abs=4 * error)
    assert delta.sd[0] == pytest.approx(draws.std(), rel=0.03)
    assert delta.quantile(0.9)[0] == pytest.approx(np.quantile(draws, 0.9), abs=8 * error)
    sampled = delta.sample(20_000, rng=1)
    assert sampled.mean() == pytest.approx(delta.mean[0], abs=4 * error)


def test_what_both_scenarios_share_cancels(fit: bm.Fit) -> None:
    X = np.asarray(fit.data.X) + np.array([1e4, 0.0])
    delta = fit.comparisons(Scenarios(X, X + np.array([1.0, 0.0])))
    slope = fit.summary().loc["weights[x0]"]
    assert delta.mean[0] == pytest.approx(slope["mean"], rel=1e-9)
    assert delta.sd[0] == pytest.approx(slope["sd"], rel=1e-7)


def test_scenarios_that_are_the_same_differ_by_exactly_nothing(fit: bm.Fit) -> None:
    X = np.asarray(fit.data.X) / 3
    for one in (fit, bm.fit(bm.Model(), fit.data, bm.MLE())):
        delta = one.comparisons(Scenarios(X, X))
        assert delta.mean[0] == delta.sd[0] == delta.exceedance(0.0)[0] == 0.0
        assert delta.interval(0.9) == (0.0, 0.0)
        assert not delta.sample(5, rng=1).any()
    moved = X + np.array([1.0, 0.0]) * (np.arange(len(X)) < 3)[:, None]
    slope = fit.summary().loc["weights[x0]", "mean"]
    found = fit.comparisons(Scenarios(X, moved))
    assert found.mean[0] == pytest.approx(3 * slope / len(X), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda frame: frame[["x"]], "after: the formula needs the column 'g'"),
        (lambda frame: frame.assign(g="zz"), "after: g is 'zz'"),
        (lambda frame: frame.assign(x=np.nan), "after: missing values"),
        (lambda frame: frame.iloc[:0], "'after' has no rows"),
    ],
)
def test_a_scenario_that_cannot_be_read_is_named(change: Any, complaint: str) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 5.0], "g": list("aabb"), "y": [1.0, 2.0, 5.0, 8.0]})
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + g", frame))
    with pytest.raises(bm.DataError, match=complaint):
        fit.comparisons(Scenarios(frame, change(frame)))


def test_slope_and_levels_are_those_of_the_formula() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=60), "g": np.tile(["a", "b", "c"], 20)})
    frame["y"] = frame["x"] * (1 + (frame["g"] == "b")) + rng.normal(size=60)
    for method in (bm.Exact(), bm.MLE()):
        fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x * g", frame), method)
        table = fit.summary()["mean"]
        slope = fit.slopes("x")
        mean = table["weights[x]"] + (table["weights[x:g[T.b]]"] + table["weights[x:g[T.c]]"]) / 3
        assert slope.mean[0] == pytest.approx(mean, rel=1e-7)
        effect = fit.comparisons("g", grid=frame)
        assert effect.labels["contrast"] == ("b − a", "c − a")
        at_mean = table["weights[g[T.b]]"] + frame["x"].mean() * table["weights[x:g[T.b]]"]
        assert effect.mean[0] == pytest.approx(at_mean, rel=1e-9)
    with pytest.raises(bm.DataError, match="no column 'z'"):
        fit.slopes("z")


def test_contrasts_of_draws_use_every_draw() -> None:
    data = made(m=25, n=2)
    nuts = bm.fit(bm.Model(), data, bm.NUTS(progress=False), rng=1)
    X = np.asarray(data.X)
    delta = nuts.comparisons(Scenarios(X[:5], X[5:]))
    weights = nuts.draws()["weights"].reshape(-1, 2)
    by_hand = weights @ (X[5:].mean(0) - X[:5].mean(0))
    assert delta.mean[0] == pytest.approx(by_hand.mean(), rel=1e-9)
    assert delta.sd[0] == pytest.approx(by_hand.std(), rel=1e-9)
