"""Effects of Gaussian mixed models and curves in closed form, against dense matrices at nodes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import bayesml as bm
from bayesml.posteriors import grouped as grouped_module
from bayesml.posteriors.combination import DrawnLaw, LinearLaw
from bayesml.posteriors.grouped import GroupedPosterior
from bayesml.typing import Array

FORMULAS = {
    "slopes": "y ~ x + a + (x | g)",
    "crossed": "y ~ x + (1 | g) + (1 | h)",
    "curve": "y ~ x + s(t, k=6) + (1 | g)",
    "curve alone": "y ~ x + s(t, k=6)",
    "offset": "y ~ x + offset(t) + (1 | g)",
}


def rows(m: int = 70) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    g, h = rng.integers(0, 6, m), rng.integers(0, 4, m)
    x, t = rng.normal(2.0, 1.0, m), rng.uniform(0.0, 3.0, m)
    u, v = rng.normal(0, 1, (6, 2)), rng.normal(0, 0.5, 4)
    y = 1.0 + 0.5 * x + np.sin(2 * t) + u[g, 0] + 0.5 * u[g, 1] * x + v[h]
    y = y + rng.normal(0, 0.5, m)
    levels = {"g": [f"g{k}" for k in g], "h": [f"h{k}" for k in h], "a": list("kl" * (m // 2))}
    return {"y": y, "x": x, "t": t, **levels}


@pytest.fixture(scope="module", params=FORMULAS)
def fit(request: pytest.FixtureRequest) -> bm.Fit:
    data = bm.Data.from_formula(FORMULAS[request.param], rows())
    return bm.fit(bm.Model(), data, bm.Exact(), rng=0)


def posterior_of(fit: bm.Fit) -> GroupedPosterior:
    found = fit.learned.posterior
    assert isinstance(found, GroupedPosterior)
    return found


def few_nodes(post: GroupedPosterior) -> GroupedPosterior:
    """Return a mixture of thirty of the nodes, which a dense matrix each can follow."""
    at = np.random.default_rng(0).choice(len(post.weights), min(30, len(post.weights)), False)
    weights = np.full(len(at), 1.0 / len(at))
    return replace(
        post,
        theta=post.theta[post.node[at]],
        node=np.arange(len(at)),
        log_sigma=post.log_sigma[at],
        weights=weights,
        mean=post.mean[at],
        root=post.root[at],
    )


def dense_moments(fit: bm.Fit, post: GroupedPosterior, X: Array, w: Array) -> tuple[Array, Array]:
    """Mean and sd of Σ wη at every node, by one dense Gaussian posterior of everything each."""
    predictor, marginal, part = post.predictor, post.marginal, post.predictor.part
    own = np.concatenate([block.X for block in fit.data.blocks()])
    y = np.concatenate([block.y for block in fit.data.blocks()])
    offset = predictor.fixed.known.offset
    shift = np.zeros(len(y)) if offset is None else own[:, offset]

    def columns(X: Array) -> Array:
        centred = X[:, part.where] - marginal.origin
        blocks = [block.rows(X) for block in predictor.in_order()]
        return np.hstack([np.ones((len(X), 1)), centred, *blocks])

    A, a = columns(own), w @ columns(X)
    P, sd = marginal.rows.P, marginal.rows.sd
    p, means, sds = P.shape[1], [], []
    for node, sigma in zip(post.node, post.sigma, strict=True):
        Q = A.T @ A / sigma**2
        right = A.T @ (y - shift) / sigma**2
        Q[:p, :p] += P.T @ P
        right[:p] += P.T @ (marginal.rows.mean / sd)
        start = p
        factors = marginal.scales.factors(post.theta[node])
        for block, factor in zip(predictor.in_order(), factors, strict=True):
            levels, terms = block.table
            size = levels * terms
            own_precision = np.linalg.inv(sigma**2 * factor @ factor.T)
            here = slice(start, start := start + size)
            Q[here, here] += np.kron(np.eye(levels), own_precision)
        V = np.linalg.inv(Q)
        means.append(a @ V @ right)
        sds.append(np.sqrt(a @ V @ a))
    constant = 0.0 if offset is None else float(w @ X[:, offset])
    return np.array(means) + constant, np.array(sds)


def test_an_average_is_the_mixture_over_nodes(fit: bm.Fit) -> None:
    X = np.concatenate([block.X for block in fit.data.blocks()])[:40]
    w = np.linspace(-0.5, 1.0, 40)
    post = few_nodes(posterior_of(fit))
    A, constant = post.coordinates.total(X, w)
    law = LinearLaw(post, A[None], np.array([constant]), (0,))
    mean, sd = dense_moments(fit, post, X, w)
    middle = post.weights @ mean
    assert law.mean[0] == pytest.approx(middle, rel=1e-7)
    spread = np.sqrt(post.weights @ (sd**2 + (mean - middle) ** 2))
    assert law.sd[0] == pytest.approx(spread, rel=1e-7)
    away = middle + 1.3 * spread
    tail = post.weights @ norm.sf((away - mean) / sd)
    assert law.exceedance(away)[0] == pytest.approx(tail, rel=1e-6)
    assert post.weights @ norm.cdf((law.quantile(0.1)[0] - mean) / sd) == pytest.approx(0.1)


def test_what_is_asked_is_exact_and_agrees_with_its_draws(fit: bm.Fit) -> None:
    asked = [fit.predictions(at={"x": (0, 1)}), fit.comparisons("x"), fit.slopes("x")]
    asked += [fit.hypothesis(["x > 0.3", "intercept + 2 * x = 1"])]
    if "g" in fit.data.design.levels or any(
        p.factor == "g" for p in posterior_of(fit).predictor.groups
    ):
        asked += [fit.predictions(by="g").pairwise()]
    for found in asked:
        assert found.law.how == "exact"
        assert found.mcse is None
        drawn = found.sample(20_000, rng=1)
        assert drawn.mean(axis=0) == pytest.approx(found.mean, abs=5e-2 * found.sd.max())
        assert np.atleast_2d(np.cov(drawn.T)) == pytest.approx(
            found.covariance, abs=6e-2 * found.sd.max() ** 2
        )


def test_what_all_rows_of_a_group_share_cancels() -> None:
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + (1 | g)", rows()), bm.Exact(), rng=0)
    by_group = fit.comparisons("x", by="g")
    assert by_group.sd == pytest.approx(np.full(6, by_group.sd[0]), rel=1e-9)
    weights = fit.summary()
    assert by_group.mean[0] == pytest.approx(weights["mean"]["weights[x]"], rel=1e-6)
    assert by_group.sd[0] == pytest.approx(weights["sd"]["weights[x]"], rel=1e-6)


def test_effects_of_levels_in_hypotheses_are_exact_and_scales_are_not() -> None:
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + (1 | g)", rows()), bm.Exact(), rng=0)
    found = fit.hypothesis("`effects[g, g1, intercept]` = `effects[g, g0, intercept]`")
    assert found.law.how == "exact"
    table = fit.effects("g")["mean"]
    assert found.mean[0] == pytest.approx(table["g1", "intercept"] - table["g0", "intercept"])
    assert isinstance(fit.hypothesis("`sd[g, intercept]` > 0.5").law, DrawnLaw)


def test_too_many_nodes_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + (1 | g)", rows()), bm.Exact(), rng=0)
    exact = fit.comparisons("x")
    monkeypatch.setattr(grouped_module, "MOST_WORK", 0.0)
    drawn = fit.comparisons("x")
    assert isinstance(drawn.law, DrawnLaw)
    assert drawn.mcse is not None
    assert drawn.mean == pytest.approx(exact.mean, abs=5 * drawn.mcse[0])


def test_of_many_rows_sigma_is_its_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node for every θ: means and standard deviations stay, quantiles to a thousandth."""
    rng = np.random.default_rng(3)
    g, x = np.arange(900) % 30, rng.normal(size=900)
    rows = pd.DataFrame({"y": x + rng.normal(size=30)[g] + rng.normal(size=900), "x": x, "g": g})
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + (1 | g)", rows), bm.Exact())
    right, predicted = fit.effects("g").sort_index(), fit.predict(rows[:50])
    ends = predicted.interval(0.9)
    monkeypatch.setattr(grouped_module, "MANY", 1.0)
    monkeypatch.setattr(grouped_module, "MOST_HELD", 1)
    found, again = fit.effects("g").sort_index(), fit.predict(rows[:50])
    np.testing.assert_allclose(found[["mean", "sd"]], right[["mean", "sd"]], rtol=1e-6, atol=1e-9)
    assert np.all(np.abs(found - right).div(right["sd"], axis=0) < 1e-3)
    np.testing.assert_allclose(again.sd, predicted.sd, rtol=1e-9)
    np.testing.assert_allclose(again.interval(0.9), ends, atol=2e-3)
