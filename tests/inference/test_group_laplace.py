"""Nested Laplace approximations: brute force, the exact posterior, the certificate, faces."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import norm

import bayesml as bm
from bayesml.errors import ImproperPosteriorError, IncompatibleModelError
from bayesml.inference.group_laplace import doubts_of
from bayesml.samplers.interpolated import interpolated_draws
from bayesml.samplers.proposals import Kernels

COUNTS = [[2, 4, 0], [1, 3, 2], [7, 5, 6], [0, 1, 1], [3, 2, 9]]


def few() -> bm.Data:
    y = np.ravel(COUNTS)
    return bm.Data.from_formula("y ~ 1 + (1 | g)", {"y": y, "g": np.repeat(list("abcde"), 3)})


@pytest.fixture(scope="module")
def crossed() -> tuple[bm.Data, dict[str, Any]]:
    rng = np.random.default_rng(5)
    m = 400
    g, h, x, n = rng.integers(0, 30, m), rng.integers(0, 6, m), rng.normal(size=m), np.full(m, 5)
    eta = 0.5 * x + rng.normal(size=30)[g] + 0.7 * rng.normal(size=6)[h]
    frame = {"x": x, "n": n, "g": [f"g{k}" for k in g], "h": [f"h{k}" for k in h]}
    frame["y"] = rng.binomial(5, expit(eta))
    return bm.Data.from_formula("y | trials(n) ~ x + (1 | g) + (1 | h)", frame), frame


@pytest.fixture(scope="module")
def fit(crossed: tuple[bm.Data, dict[str, Any]]) -> bm.Fit:
    return bm.fit(bm.Model(likelihood=bm.Binomial()), crossed[0], rng=1)


def by_brute_force() -> dict[str, float]:
    """Integrate counts with one effect a group on a grid of (intercept, log sd, effect)."""
    problem = bm.Model(likelihood=bm.Poisson()).resolve(few())
    rows = problem.prior.coefficients.normal_rows(problem)
    sd_prior = next(problem.prior.parts())[2][0]
    b, s, v = np.linspace(-3, 4, 71), np.linspace(-7, 2.5, 80), np.linspace(-6, 6, 81)
    y, S = np.array(COUNTS, dtype=float), np.exp(s)
    eta = b[:, None, None] + S[:, None] * v  # (b, s, v)
    fact = np.log(np.array([float(np.prod(np.arange(1, k + 1))) for k in range(10)]))
    base = -3 * np.exp(eta) + norm.logpdf(v) + np.log(v[1] - v[0])
    per_level = [base + k.sum() * eta - fact[k.astype(int)].sum() for k in y]
    inside = [logsumexp(level, axis=2) for level in per_level]
    prior = norm.logpdf(b, rows.mean[0], rows.sd[0])[:, None] + sd_prior.log_density(S) + s
    joint = sum(inside) + prior
    total = logsumexp(joint) + np.log((b[1] - b[0]) * (s[1] - s[0]))
    weight = np.exp(joint - logsumexp(joint))
    given = np.exp(per_level[2] - inside[2][..., None])
    effect = np.sum(given * S[:, None] * v, axis=2)
    squares = np.sum(given * (S[:, None] * v) ** 2, axis=2)
    mean_b, mean_s, mean_u = np.sum(weight.sum(1) * b), np.sum(weight * S), np.sum(weight * effect)
    return {
        "evidence": float(total),
        "intercept": float(mean_b),
        "intercept_sd": float(np.sqrt(np.sum(weight.sum(1) * (b - mean_b) ** 2))),
        "sd[g, intercept]": float(mean_s),
        "sd[g, intercept]_sd": float(np.sqrt(np.sum(weight * (S - mean_s) ** 2))),
        "effects[g, c, intercept]": float(mean_u),
        "effects[g, c, intercept]_sd": float(np.sqrt(np.sum(weight * squares) - mean_u**2)),
    }


def test_counts_agree_with_brute_force() -> None:
    truth = by_brute_force()
    fits = [bm.fit(bm.Model(likelihood=bm.Poisson()), few(), bm.Laplace(), rng=k) for k in (1,)]
    for fit in fits:
        assert fit.learned.log_evidence == pytest.approx(truth["evidence"], abs=0.1)
        table = fit.summary()
        effects = fit.effects("g").loc[("c", "intercept")]
        for name in ("intercept", "sd[g, intercept]", "effects[g, c, intercept]"):
            own = effects if name.startswith("effects") else table.loc[name]
            sd = truth[f"{name}_sd"]
            error = sd / np.sqrt(fit.diagnostics["effective_draws"])
            assert own["mean"] == pytest.approx(truth[name], abs=3 * error)
            assert own["sd"] == pytest.approx(sd, rel=0.15)


def test_a_gaussian_likelihood_has_its_exact_posterior() -> None:
    rng = np.random.default_rng(2)
    g, h, x = rng.integers(0, 8, 60), rng.integers(0, 4, 60), rng.normal(size=60)
    y = 1 + x + rng.normal(size=8)[g] + 0.5 * rng.normal(size=4)[h] + rng.normal(size=60)
    frame = {"x": x, "y": y, "g": [f"g{k}" for k in g], "h": [f"h{k}" for k in h]}
    data = bm.Data.from_formula("y ~ x + (1 | g) + (1 | h)", frame)
    exact, nested = bm.fit(bm.Model(), data), bm.fit(bm.Model(), data, bm.Laplace(), rng=3)
    assert nested.kind == "approximate"
    assert nested.learned.log_evidence == pytest.approx(exact.learned.log_evidence, abs=0.1)
    away = (nested.summary()["mean"] - exact.summary()["mean"]) / exact.summary()["sd"]
    assert float(away.abs().max()) < 3.5 / np.sqrt(nested.diagnostics["effective_draws"])


def test_auto_takes_what_is_certified_and_says_so(fit: bm.Fit) -> None:
    assert fit.explanation.startswith("Auto chose Laplace(), since the likelihood is Binomial")
    assert "its draws passed: Pareto k̂" in fit.explanation
    assert fit.check().computed
    assert fit.diagnostics["pareto_k"] < 0.5


def test_two_modes_a_level_are_not_certified() -> None:
    y = np.tile([0.0, 0.3, 3.0, 3.3], 3)
    data = bm.Data.from_formula("y ~ 1 + (1 | g)", {"y": y, "g": np.repeat(list("abc"), 4)})
    prior = bm.Hierarchical(groups={"g": bm.GroupEffects(bm.HalfNormal(3))})
    model = bm.Model(likelihood=bm.StudentT(sigma=0.1, df=1.0), prior=prior)
    learned = bm.Laplace().learn(model.resolve(data), np.random.default_rng(1))
    assert doubts_of(learned)


def test_auto_samples_where_quadrature_does_not_reach(rng: np.random.Generator) -> None:
    frame = {name: rng.normal(size=15) for name in "abc"}
    frame |= {"y": np.ravel(COUNTS), "g": np.repeat(list("abcde"), 3)}
    data = bm.Data.from_formula("y ~ 1 + (a + b + c || g)", frame)
    nuts = bm.NUTS(chains=1, draws=4, tune=4, max_depth=3)
    with pytest.warns(bm.errors.ConvergenceWarning):
        fit = bm.fit(bm.Model(likelihood=bm.Poisson()), data, bm.Auto(otherwise=nuts), rng=1)
    assert fit.explanation.startswith("Auto chose NUTS(), since the likelihood is Poisson")
    assert "4 terms a level, and quadrature is for 3 at most" in fit.explanation


@pytest.mark.parametrize(
    ("name", "number", "match"),
    [
        ("pareto_k", 0.9, "Pareto k̂ of 0.90"),
        ("effective_draws", 150.0, "150 are effective"),
        ("quadrature_nats", 0.2, "change the log density by 0.2"),
        ("effective_draws", np.nan, "nan are effective"),
    ],
)
def test_doubts_are_named(fit: bm.Fit, name: str, number: float, match: str) -> None:
    from dataclasses import replace

    assert not doubts_of(fit.learned)
    found = {**fit.diagnostics, "tail_excess": 0.5, name: number}
    assert match in doubts_of(replace(fit.learned, diagnostics=found))[0]


def test_faces_of_the_answer(
    fit: bm.Fit, crossed: tuple[bm.Data, dict[str, Any]], tmp_path: Any
) -> None:
    assert fit.effects("g").shape == (30, 4)
    posterior = fit.idata["posterior"]
    assert posterior["effects[h]"].coords["h"].values.tolist() == sorted(set(crossed[1]["h"]))
    rows = {"x": [0.0, 0.0], "n": [5, 5], "g": ["g1", "new"], "h": ["h0", "h0"]}
    with pytest.raises(bm.errors.DataError, match="never had"):
        fit.predict(rows)
    known, new = fit.predict(rows, new_groups=True).expectation.sd
    assert new > 1.5 * known
    population = fit.predict({"x": [0.0], "n": [5]}, population=True)
    assert 0 < float(population.mean[0]) < 5
    fit.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc")
    assert np.array_equal(
        again.predict(rows, new_groups=True).mean, fit.predict(rows, new_groups=True).mean
    )
    assert again.explanation == fit.explanation
    with pytest.raises(IncompatibleModelError, match="weighted already"):
        fit.reweighted()


def test_new_groups_vary_by_the_scales_and_trials_do_not(fit: bm.Fit) -> None:
    predictor = fit.resolved.predictor
    X = next(iter(fit.data.blocks())).X
    draws = {
        name: v[0]
        for name, v in fit.learned.posterior.draws(1, 50, np.random.default_rng(0)).items()
    }
    eta = predictor.eta(draws, X)
    assert np.array_equal(eta[1], np.full(eta[1].shape, 5.0))
    more = predictor.with_new_levels(draws, np.array([[0.0, 5, 40, 9]]), np.random.default_rng(0))
    assert {v.shape[1] for name, v in more.items() if name.startswith("effects")} == {41, 10}


@pytest.mark.parametrize(
    ("likelihood", "formula", "method", "match"),
    [
        (bm.LaplaceResponse(), "y ~ 1 + (1 | g)", bm.Laplace(), "has kinks"),
        (bm.Poisson(), "y ~ 1 + (a + b + c | g)", bm.Laplace(), "4 terms a level"),
        (bm.Poisson(), "y ~ 1 + (1 | g)", bm.Laplace(bm.LBFGS()), "without these arguments"),
    ],
)
def test_what_is_refused_is_named(
    likelihood: Any, formula: str, method: Any, match: str, rng: np.random.Generator
) -> None:
    frame = {name: rng.normal(size=15) for name in "abc"}
    frame |= {"y": np.ravel(COUNTS), "g": np.repeat(list("abcde"), 3)}
    data = bm.Data.from_formula(formula, frame)
    with pytest.raises(IncompatibleModelError, match=match):
        bm.fit(bm.Model(likelihood=likelihood), data, method)


def test_a_flat_prior_of_a_scale_is_refused() -> None:
    prior = bm.Hierarchical(groups={"g": bm.GroupEffects(bm.Flat())})
    with pytest.raises(ImproperPosteriorError, match="State a proper one"):
        bm.fit(bm.Model(likelihood=bm.Poisson(), prior=prior), few(), bm.Laplace())


def test_draws_between_nodes_have_the_moments_of_the_interpolant() -> None:
    line, weights = np.polynomial.hermite_e.hermegauss(7)
    weights = weights / weights.sum()

    def log_ratio(a: Any, b: Any) -> Any:
        return 0.3 * a - 0.04 * a**3 + 0.35 * a * b - 0.1 * b * b

    table = log_ratio(line[:, None], line[None])
    u = np.random.default_rng(0)
    x = interpolated_draws(line, np.tile(table, (60_000, 1, 1)), u)
    w = weights[:, None] * weights * np.exp(table)
    w /= w.sum()
    first, second = w.sum(1) @ line, w.sum(0) @ line
    product = line @ w @ line
    assert x.mean(axis=0) == pytest.approx([first, second], abs=0.02)
    assert np.mean(x[:, 0] * x[:, 1]) == pytest.approx(product, abs=0.03)


def test_kernels_have_the_moments_of_their_points() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.gamma(2.0, size=(60, 2)), rng.random(60)
    kernels = Kernels.around(x, w / w.sum())
    drawn = kernels.draw(rng.random((40_000, kernels.uniforms)))
    mean = w @ x / w.sum()
    assert drawn.mean(axis=0) == pytest.approx(mean, abs=0.04)
    grid = np.stack(np.meshgrid(*[np.linspace(-8, 18, 105)] * 2, indexing="ij"), -1).reshape(-1, 2)
    total = np.exp(kernels.log_density(grid)).sum() * 0.25**2
    assert total == pytest.approx(1.0, abs=0.01)
