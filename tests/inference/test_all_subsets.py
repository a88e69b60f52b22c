"""All subsets against brute force, refits, mpmath, and the conjugate posterior."""

import warnings
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import betaln

import bayesml as bm
from bayesml.inference import all_subsets, kept_models
from bayesml.inference.kept_models import Kept, represented
from bayesml.inference.subset_regression import subset_regression
from tests.parts.every_model import EveryModel
from tests.parts.subset_evidence import log_evidences

Vector = np.ndarray[Any, Any]


def table(n: int, m: int, seed: int = 0) -> tuple[Vector, Vector]:
    """Features of different units off the origin, two of them collinear, three that matter."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, n))
    X[:, 1] = X[:, 0] + 0.1 * X[:, 1]
    y = 2.0 + X[:, :3] @ [0.4, 0.2, -0.3] + rng.normal(size=m)
    return X * np.exp(np.linspace(-3, 3, n)) + np.linspace(-5, 50, n), y


def log_size_prior(n: int) -> Vector:
    """Uniform on sizes, as a log probability of each model."""
    size = np.array([k.bit_count() for k in range(2**n)])
    return np.asarray(betaln(1.0 + size, 1.0 + n - size))


class Twelve:
    """A fit of twelve features, and the same by brute force."""

    @cached_property
    def data(self) -> bm.Data:
        return bm.Data(*table(12, 30))

    @cached_property
    def fit(self) -> bm.Fit:
        return bm.fit(bm.Model(prior=bm.SpikeAndSlab()), self.data, bm.Exact(), rng=1)

    @cached_property
    def truth(self) -> EveryModel:
        X, y = table(12, 30)
        slab = self.fit.resolved.prior.slab
        return EveryModel(X - X.mean(axis=0), y, slab, log_size_prior(12))


@pytest.fixture(scope="module")
def twelve() -> Twelve:
    return Twelve()


def test_evidence_and_inclusion_are_those_of_brute_force(twelve: Twelve) -> None:
    posterior, truth = twelve.fit.learned.posterior, twelve.truth
    assert twelve.fit.log_evidence == pytest.approx(truth.log_evidence, abs=1e-10)
    inclusion = truth.probabilities @ truth.models
    np.testing.assert_allclose(posterior.inclusion_probabilities, inclusion, rtol=0, atol=1e-10)


def test_the_models_have_their_probabilities(twelve: Twelve) -> None:
    posterior, truth = twelve.fit.learned.posterior, twelve.truth
    number = posterior.models @ (1 << np.arange(12))
    np.testing.assert_allclose(
        posterior.model_probabilities, truth.probabilities[number], rtol=1e-9
    )
    best = np.argmax(truth.probabilities)
    assert bm.model_table(twelve.fit, 1)["features"][0] == ", ".join(
        name for j, name in enumerate(twelve.data.feature_names) if best >> j & 1
    )


def test_weights_have_the_moments_of_all_models(twelve: Twelve) -> None:
    mean, covariance = twelve.truth.weights()
    posterior, sd = twelve.fit.learned.posterior, np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(posterior.mean / sd, mean / sd, rtol=0, atol=1e-9)
    outer = np.outer(sd, sd)
    np.testing.assert_allclose(posterior.covariance / outer, covariance / outer, rtol=0, atol=1e-9)
    rows = twelve.fit.summary().loc[[f"weights[x{j}]" for j in range(12)]]
    np.testing.assert_allclose(rows["sd"], sd, rtol=1e-9)


def test_predictions_are_the_average_of_all_models(twelve: Twelve) -> None:
    X, _ = table(12, 30)
    far = X.mean(axis=0) + 3.0 * X.std(axis=0)
    p = twelve.fit.predict([X[3], far])
    for k, x in enumerate((X[3], far)):
        w, t = twelve.truth.predictive(x - X.mean(axis=0))
        mean = float(w @ t.mean())
        sd = np.sqrt(w @ (t.var() + (t.mean() - mean) ** 2))
        # models of a millionth of probability are left out
        assert p.mean[k] == pytest.approx(mean, abs=1e-5 * sd)
        assert p.sd[k] == pytest.approx(sd, rel=1e-4)
        for at in (mean - 2 * sd, mean, mean + 3 * sd):
            assert p.distribution.cdf(at)[k] == pytest.approx(float(w @ t.cdf(at)), abs=2e-6)
            assert p.log_prob(at)[k] == pytest.approx(float(np.log(w @ t.pdf(at))), abs=1e-4)


def test_a_weight_has_an_atom_at_zero(twelve: Twelve) -> None:
    marginal = twelve.fit.learned.posterior.marginals()["weights"]
    below, at = marginal.cdf(-1e-13), marginal.cdf(0.0)
    inclusion = twelve.fit.learned.posterior.inclusion_probabilities
    np.testing.assert_allclose(at - below, 1.0 - inclusion, atol=1e-6)
    for q in (0.001, 0.05, 0.3, 0.5, 0.9, 0.999):
        found = marginal.quantile(q)
        inside = (below < q) & (q <= at)
        np.testing.assert_array_equal(found[inside], 0.0)
        np.testing.assert_allclose(marginal.cdf(found)[~inside], q, atol=1e-9)


def test_draws_follow_the_table(twelve: Twelve) -> None:
    draws, summary = twelve.fit.draws(4, 5000), twelve.fit.summary()
    assert np.array_equal(draws["weights"] != 0.0, draws["inclusion"] == 1.0)
    for name in ("weights", "inclusion"):
        flat = draws[name].reshape(-1, 12)
        rows = summary.loc[[f"{name}[x{j}]" for j in range(12)]]
        error = rows["sd"] / np.sqrt(len(flat))
        np.testing.assert_array_less(np.abs(flat.mean(axis=0) - rows["mean"]), 5 * error + 1e-6)
    marginal, theta = twelve.fit.learned.posterior.marginals()["weights"], draws["weights"]
    for q in (0.1, 0.5, 0.9):  # of draws that are not zero
        at = np.array([np.quantile(d[d != 0.0], q) for d in theta.reshape(-1, 12).T])
        share = (theta.reshape(-1, 12) <= at).mean(axis=0)
        np.testing.assert_allclose(marginal.cdf(at), share, atol=5 * 0.5 / np.sqrt(20_000))
    for name in ("intercept", "sigma"):
        flat = draws[name].ravel()
        row = summary.loc[name]
        assert abs(flat.mean() - row["mean"]) < 5 * row["sd"] / np.sqrt(len(flat))
        assert flat.std() == pytest.approx(row["sd"], rel=0.05)
        assert np.quantile(flat, 0.05) == pytest.approx(row["5%"], abs=0.05 * row["sd"])


@pytest.mark.parametrize("intercept", [True, False])
def test_leaving_one_row_out_is_a_refit_under_the_same_prior(intercept: bool) -> None:
    X, y = table(4, 14)
    model = bm.Model(bm.Linear(intercept), prior=bm.SpikeAndSlab())
    fit = bm.fit(model, bm.Data(X, y))
    left = fit.leave_one_out()
    for i in range(0, 14, 5):
        rest = np.delete(np.arange(14), i)
        slab = fit.resolved.prior.slab
        centre = X.mean(axis=0) if intercept else 0.0  # where the slab's intercept is stated
        truth = EveryModel(X[rest] - centre, y[rest], slab, log_size_prior(4), intercept)
        w, t = truth.predictive(X[i] - centre)
        assert left.log_density[i] == pytest.approx(float(np.log(w @ t.pdf(y[i]))), abs=2e-5)
        assert left.mean[i] == pytest.approx(float(w @ t.mean()), abs=1e-5)


def test_without_an_intercept() -> None:
    X, y = table(5, 20)
    fit = bm.fit(bm.Model(bm.Linear(intercept=False), prior=bm.SpikeAndSlab(0.3)), bm.Data(X, y))
    size = np.array([k.bit_count() for k in range(32)])
    prior = size * np.log(0.3) + (5 - size) * np.log(0.7)
    truth = EveryModel(X, y, fit.resolved.prior.slab, prior, intercept=False)
    assert fit.log_evidence == pytest.approx(truth.log_evidence, abs=1e-8)
    w, t = truth.predictive(X[0])
    assert fit.predict(X[:1]).mean[0] == pytest.approx(float(w @ t.mean()), rel=1e-6)
    assert "intercept" not in fit.summary().index
    assert np.all(np.isfinite(fit.predict(X[:3]).interval(0.9).lower))


def test_features_that_always_are_in_give_the_conjugate_posterior() -> None:
    data = bm.Data(*table(6, 25))
    every = bm.fit(bm.Model(prior=bm.SpikeAndSlab(1.0)), data)
    slab = every.resolved.prior.slab
    conjugate = bm.fit(bm.Model(prior=slab), data)
    assert every.log_evidence == pytest.approx(conjugate.log_evidence, rel=1e-12)
    ours = every.summary().drop([f"inclusion[x{j}]" for j in range(6)])
    np.testing.assert_allclose(ours, conjugate.summary(), rtol=1e-8)
    X, _ = table(6, 25)
    np.testing.assert_allclose(every.predict(X).sd, conjugate.predict(X).sd, rtol=1e-10)
    left, right = every.leave_one_out(), conjugate.leave_one_out()
    np.testing.assert_allclose(left.log_density, right.log_density, rtol=1e-9)
    np.testing.assert_allclose(left.leverage, right.leverage, rtol=1e-9)


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch, twelve: Twelve) -> None:
    monkeypatch.setattr(all_subsets, "BLOCK", 3)
    prior = bm.SpikeAndSlab((0.1, 1.0, *np.linspace(0.2, 0.9, 10)))
    problem = bm.Model(prior=prior).resolve(twelve.data)
    regression, odds = subset_regression(problem, problem.prior), problem.prior.log_inclusion(12)
    small = all_subsets.enumerate_models(regression, odds, np.random.default_rng(1))
    monkeypatch.setattr(all_subsets, "BLOCK", 15)
    whole = all_subsets.enumerate_models(regression, odds, np.random.default_rng(1))
    assert small.log_mass == pytest.approx(whole.log_mass, rel=1e-13)
    np.testing.assert_allclose(small.inclusion, whole.inclusion, rtol=1e-11)
    np.testing.assert_allclose(small.moments.mean, whole.moments.mean, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(
        small.moments.covariance, whole.moments.covariance, rtol=1e-9, atol=1e-13
    )
    assert small.inclusion[1] == pytest.approx(1.0, abs=1e-13)


def test_digits_of_collinear_features_that_explain_everything() -> None:
    """Against mpmath: a Schur complement of the Gram matrix would keep four digits of τ²."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 4))
    X[:, 1] = X[:, 0] + 1e-7 * X[:, 1]
    y = X[:, 0] + X[:, 2] + 1e-6 * rng.normal(size=40)
    slab = bm.NormalInverseGamma(scale=1e7, shape=0.5, rate=1e-16, intercept_scale=10.0)
    problem = bm.Model(prior=bm.SpikeAndSlab(0.5, slab)).resolve(bm.Data(X, y))
    regression, odds = subset_regression(problem, problem.prior), problem.prior.log_inclusion(4)
    found = all_subsets.enumerate_models(regression, odds, rng)
    given = found.kept.log_weights[np.argsort(found.kept.numbers)] + regression.log_constant
    exact = [_log_evidence(X, y, problem.prior.slab, k) - 4 * np.log(2.0) for k in range(16)]
    # y has 16 digits and its residual 6 of them fewer: log τ² has ten, times a of twenty
    np.testing.assert_allclose(given, exact, rtol=0, atol=1e-7)
    models = (np.arange(16)[:, None] >> np.arange(4)) & 1 == 1
    one_by_one = log_evidences(regression, models)
    np.testing.assert_allclose(one_by_one - 4 * np.log(2.0), given, rtol=0, atol=1e-7)


def _log_evidence(X: Vector, y: Vector, slab: Any, model: int) -> float:
    """The evidence of a model in 60 digits, from the covariance of y."""
    with mpmath.workdps(60):
        m, columns = len(y), [j for j in range(X.shape[1]) if model >> j & 1]
        A = mpmath.matrix(X.tolist())
        means = [mpmath.fsum(A[i, j] for i in range(m)) / m for j in range(X.shape[1])]
        C = mpmath.matrix(m, len(columns) + 1)
        for i in range(m):
            C[i, 0] = mpmath.mpf(slab.intercept_scale)
            for k, j in enumerate(columns):
                C[i, k + 1] = (A[i, j] - means[j]) * mpmath.mpf(slab.scale[j])
        inner = mpmath.eye(C.cols) + C.T * C
        away = mpmath.matrix([mpmath.mpf(v) - slab.intercept_mean for v in y.tolist()])
        pulled = C.T * away
        squares = (away.T * away)[0] - (pulled.T * mpmath.lu_solve(inner, pulled))[0]
        a0, b0 = mpmath.mpf(slab.shape), mpmath.mpf(slab.rate)
        a = a0 + mpmath.mpf(m) / 2
        value = -mpmath.mpf(m) / 2 * mpmath.log(2 * mpmath.pi) - mpmath.log(mpmath.det(inner)) / 2
        value += a0 * mpmath.log(b0) - mpmath.loggamma(a0) + mpmath.loggamma(a)
        return float(value - a * mpmath.log(b0 + squares / 2))


def test_units_and_order_do_not_matter() -> None:
    X, y = table(7, 40)
    prior = bm.Model(prior=bm.SpikeAndSlab())
    fit = bm.fit(prior, bm.Data(X, y))
    order = np.random.default_rng(5).permutation(7)
    units = np.exp(np.linspace(8, -8, 7))
    moved = bm.Data(X[:, order] * units - 3.0, 1e3 * y + 5.0)
    other = bm.fit(prior, moved)
    ours, theirs = (f.learned.posterior.inclusion_probabilities for f in (fit, other))
    np.testing.assert_allclose(theirs, ours[order], rtol=1e-9)
    assert other.log_evidence == pytest.approx(fit.log_evidence - 40 * np.log(1e3), abs=1e-8)
    predicted = other.predict(X[:5][:, order] * units - 3.0)
    np.testing.assert_allclose(predicted.mean, 1e3 * fit.predict(X[:5]).mean + 5.0, rtol=1e-6)


def test_statistics_stand_for_rows(tmp_path: Path) -> None:
    X, y = table(6, 60)
    model, data = bm.Model(prior=bm.SpikeAndSlab()), bm.Data(X, y, target_name="y")
    fit = bm.fit(model, data)
    frame = pd.DataFrame(X, columns=data.feature_names).assign(y=y)
    frame.iloc[:25].to_parquet(tmp_path / "a.parquet")
    frame.iloc[25:].to_parquet(tmp_path / "b.parquet")
    streamed = bm.Data.from_parquet(tmp_path, "y ~ x0 + x1 + x2 + x3 + x4 + x5")
    counted = bm.Data(X[:40], y[:40], observation_weights=np.repeat([1.0, 2.0], 20))
    repeated = bm.Data(np.r_[X[:40], X[20:40]], np.r_[y[:40], y[20:40]])
    for other in (data.summarised(), streamed):
        again = bm.fit(model, other)
        assert again.log_evidence == pytest.approx(fit.log_evidence, abs=1e-9)
        np.testing.assert_allclose(again.summary(), fit.summary(), rtol=1e-7, atol=1e-9)
    twice, weighted = (bm.fit(model, d) for d in (repeated, counted))
    np.testing.assert_allclose(weighted.summary(), twice.summary(), rtol=1e-7, atol=1e-9)


def test_more_rows_are_learned_as_if_all_had_been_there() -> None:
    X, y = table(5, 60)
    first, rest = bm.Data(X[:30], y[:30]), bm.Data(X[30:], y[30:])
    fit = bm.fit(bm.Model(prior=bm.SpikeAndSlab()), first)
    updated = fit.update(rest)
    together = bm.fit(bm.Model(prior=fit.resolved.prior), bm.Data(X, y))
    gained = together.log_evidence - fit.log_evidence
    assert updated.log_evidence == pytest.approx(gained, abs=1e-9)
    ours, all_at_once = (f.learned.posterior for f in (updated, together))
    np.testing.assert_allclose(
        ours.inclusion_probabilities, all_at_once.inclusion_probabilities, rtol=1e-9
    )


def test_improbable_models_stand_for_each_other() -> None:
    """Weights are unbiased for every model's probability, whether it was taken or not."""
    rng = np.random.default_rng(2)
    p = np.sort(rng.dirichlet(np.full(40, 0.3)))[::-1]
    total, runs = np.zeros(40), 4000
    for _ in range(runs):
        keys = np.log(p) + rng.standard_exponential(40)
        kept = Kept(keys, np.log(p), np.arange(40)).largest(13)
        chosen = represented(kept, 0.0, 12)
        total[chosen.numbers] += chosen.weights / runs
        assert chosen.weights.sum() == pytest.approx(1.0)
        assert chosen.sampled <= 1.0 - p[0]
        np.testing.assert_allclose(chosen.probabilities, p[chosen.numbers])
    np.testing.assert_allclose(total, p, atol=5e-3)
    assert total[0] == pytest.approx(p[0], rel=1e-9)


def test_a_sample_of_models_predicts_as_all_do(
    monkeypatch: pytest.MonkeyPatch, twelve: Twelve
) -> None:
    monkeypatch.setattr(all_subsets, "MOST_MODELS", 300)
    monkeypatch.setattr(kept_models, "MOST_MODELS", 300)
    monkeypatch.setattr(represented, "__defaults__", (300,))
    few = bm.fit(twelve.fit.model, twelve.data, bm.Exact(), rng=3)
    share = few.diagnostics["probability_sampled"]
    assert 0.0 < share < 0.5
    assert few.diagnostics["models_mixed"] <= 300
    assert "a sample of them for" in few.explanation
    X, _ = table(12, 30)
    p, q = few.predict(X[:5]), twelve.fit.predict(X[:5])
    assert np.all(np.abs(p.mean - q.mean) < 5 * share * q.sd / np.sqrt(200))
    posteriors = [f.learned.posterior for f in (few, twelve.fit)]
    np.testing.assert_allclose(posteriors[0].mean, posteriors[1].mean, rtol=1e-12)


def test_a_slab_that_takes_effects_for_noise_is_noticed() -> None:
    """A feature with 99.5 % of the variance of 50 rows, (Y15); and none of it by chance."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(50, 1))
    data = bm.Data(x, x[:, 0] + 0.07 * rng.normal(size=50))
    with pytest.warns(bm.PriorConflictWarning, match="weights larger than their slab"):
        narrow = bm.fit(bm.Model(prior=bm.SpikeAndSlab(slab=1.0)), data)
    wide = bm.fit(bm.Model(prior=bm.SpikeAndSlab(slab=20.0)), data)
    assert narrow.learned.posterior.slab_misfit > 0.7
    assert wide.learned.posterior.slab_misfit < 0.02
    ratio = narrow.summary().loc["sigma", "mean"] / wide.summary().loc["sigma", "mean"]
    assert 1.0 / ratio**2 == pytest.approx(1.0 - narrow.learned.posterior.slab_misfit, abs=0.1)


def test_inclusion_is_as_probable_as_it_says() -> None:
    """Over data sets of the prior: features that are in against the sum of their probabilities."""
    rng, n, m = np.random.default_rng(8), 4, 25
    X = rng.normal(size=(m, n))
    X[:, 1] += X[:, 0]
    prior = bm.SpikeAndSlab(0.4, bm.NormalInverseGamma(scale=0.6, shape=3.0, rate=2.0))
    model, inside, variance, levels, alarms = bm.Model(prior=prior), 0.0, 0.0, [], 0
    for _ in range(200):
        sigma = 1.0 / np.sqrt(rng.gamma(3.0, 0.5))
        there = rng.random(n) < 0.4
        theta = there * 0.6 * sigma * rng.normal(size=n)
        level = 10.0 * sigma * rng.normal()
        eta = level + (X - X.mean(axis=0)) @ theta
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            fit = bm.fit(model, bm.Data(X, eta + sigma * rng.normal(size=m)))
        alarms += sum(w.category is bm.PriorConflictWarning for w in said)
        p = fit.learned.posterior.inclusion_probabilities
        inside += (there - p).sum()
        variance += (p * (1.0 - p)).sum()
        levels.append(float(fit.learned.posterior.marginals()["sigma"].cdf(sigma)[0]))
    assert abs(inside) < 4.0 * np.sqrt(variance)
    assert stats.kstest(levels, "uniform").pvalue > 1e-4
    assert alarms <= 4


def test_one_row_has_a_posterior_without_moments() -> None:
    slab = bm.NormalInverseGamma(scale=1.0, shape=0.4, rate=1.0)
    fit = bm.fit(bm.Model(prior=bm.SpikeAndSlab(0.5, slab)), bm.Data([[1.0], [1.0]], [1.0, 2.0]))
    assert np.all(np.isfinite(fit.summary()["mean"]))
    with pytest.warns(bm.DesignWarning):
        one = bm.fit(bm.Model(prior=bm.SpikeAndSlab(0.5, slab)), bm.Data([[1.0]], [1.0]))
    assert np.isinf(one.summary().loc["weights[x0]", "sd"])


def test_a_fit_is_stored_and_drawn(tmp_path: Path, twelve: Twelve) -> None:
    twelve.fit.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc")
    X, _ = table(12, 30)
    assert np.array_equal(again.predict(X).mean, twelve.fit.predict(X).mean)
    assert again.model == twelve.fit.model
    pd.testing.assert_frame_equal(bm.model_table(again), bm.model_table(twelve.fit))
    tree = twelve.fit.idata["posterior"]
    assert tree["inclusion"].dims == ("chain", "draw", "feature")
    assert tree["inclusion"].coords["feature"].to_numpy().tolist() == list(
        twelve.data.feature_names
    )
    pytest.importorskip("matplotlib")
    import matplotlib.pyplot as plt

    assert len(bm.plots.posterior(twelve.fit).axes) <= 14
    bm.plots.coefficients(
        {"average": twelve.fit, "all": bm.fit(bm.Model(prior=bm.SpikeAndSlab(1.0)), twelve.data)}
    )
    plt.close("all")


def test_the_whole_report_is_made(twelve: Twelve) -> None:
    assert twelve.fit.check().passed
    assert "inclusion[x0]" in repr(twelve.fit)
    assert twelve.fit.kind == "exact"
    with pytest.raises(bm.IncompatibleModelError, match="model_table is of a fit that averages"):
        bm.model_table(bm.fit(bm.Model(), bm.Data(*table(3, 20))))


def test_what_does_not_apply_is_refused_by_name() -> None:
    X, y = table(4, 30)
    data, prior = bm.Data(X, y), bm.SpikeAndSlab()
    wide = bm.Data(np.random.default_rng(0).normal(size=(40, 26)), np.arange(40.0))
    cases: list[tuple[Any, bm.Data, Any, str]] = [
        (bm.Model(prior=prior), wide, bm.Exact(), r"26 features have 2\^26 models.*SubsetSampler"),
        (bm.Model(likelihood=bm.StudentT(), prior=prior), data, bm.Auto(), "StudentT, not Gauss"),
        (bm.Model(bm.MLP(), prior=prior), data, bm.Auto(), "chooses among the features of Linear"),
        *(
            (bm.Model(prior=prior), data, method, r"no density.* Use Exact\(\), or SubsetSampler")
            for method in (bm.MAP(), bm.Laplace(), bm.NUTS(progress=False), bm.Langevin())
        ),
        (bm.Model(), data, bm.SubsetSampler(), r"samples models of SpikeAndSlab\(\)"),
    ]
    for model, rows, method, words in cases:
        with pytest.raises(bm.IncompatibleModelError, match=words):
            bm.fit(model, rows, method)
    with pytest.raises(bm.IncompatibleModelError, match="states the prior of sigma"):
        bm.Model(likelihood=bm.Poisson(), prior=prior)


def test_data_without_a_choice_are_refused_by_name() -> None:
    X, y = table(3, 20)
    model = bm.Model(prior=bm.SpikeAndSlab())
    X[:, 1] = 7.0
    with pytest.raises(bm.DataError, match=r"column\(s\) \['x1'\] are constant"):
        bm.fit(model, bm.Data(X, y))
    with pytest.raises(bm.DataError, match="target is constant"):
        bm.fit(model, bm.Data(X[:, :1], np.ones(20)))
    none = bm.Data.from_formula("y ~ 1", {"y": y})
    with pytest.raises(bm.DataError, match="no features to choose among"):
        bm.fit(model, none)


def test_a_resolved_prior_is_resolved_once() -> None:
    data = bm.Data(*table(4, 30))
    resolved = bm.Model(prior=bm.SpikeAndSlab((0.1, 0.2, 0.3, 1.0))).resolve(data).model
    assert resolved.resolve(data).model == resolved
    assert eval(repr(resolved.prior), vars(bm)) == resolved.prior
    assert replace(resolved.prior, inclusion=0.5).slab == resolved.prior.slab
