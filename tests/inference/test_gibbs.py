"""Gibbs' sampler under the horseshoe, against quadrature over the scales, and the slices alone."""

import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

import bayesml as bm
from bayesml.inference.single_scales import Weights
from bayesml.samplers.slice import slice_step

Vector = np.ndarray[Any, Any]
SIGMA, SCALE, M = 1.0, 0.5, 12


@cache
def data() -> bm.Data:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(M, 2)) @ [[1.0, 0.6], [0.0, 1.0]]
    return bm.Data(X, 2.0 + X @ [0.9, 0.1] + SIGMA * rng.normal(size=M))


def prior(slab: float | None) -> bm.Horseshoe:
    return bm.Horseshoe(scale=SCALE, slab_scale=slab, intercept=bm.Normal(0, 3))


def by_quadrature(slab: float | None) -> dict[str, float]:
    """E[θ], E[log τ] and E[log λ], the coefficients integrated out, on a grid of log scales."""
    X, y = np.asarray(data().X), np.asarray(data().y)
    A, unit = np.column_stack([np.ones(M), X - X.mean(axis=0)]), 1.0 / X.std(axis=0, ddof=1)
    u = np.linspace(-9.0, 7.0, 41)
    axes = [u, u, u] if slab is None else [u, u, u, np.linspace(-2.0, 3.0, 15)]
    grid = [g.ravel() for g in np.meshgrid(*axes, indexing="ij")]
    tau, one, two = (np.exp(g) for g in grid[:3])
    log_w = sum(
        stats.halfcauchy.logpdf(v, scale=s) + np.log(v)
        for v, s in ((tau, SCALE), (one, 1), (two, 1))
    )
    products = np.column_stack([tau * one, tau * two])
    if slab is not None:
        c = np.exp(grid[3])
        log_w = log_w + stats.invgamma(2.0, scale=2.0 * slab**2).logpdf(c**2) + 2.0 * np.log(c)
        products = products / np.sqrt(1.0 + (products / c[:, None]) ** 2)
    sd = np.column_stack([np.full(len(tau), 3.0), unit * products])
    # log p(y | scales) by the matrix inversion lemma, Cov(y) = σ²I + A diag(sd²) Aᵀ.
    P = A.T @ A / SIGMA**2 + np.eye(3) * sd[:, None, :] ** -2.0
    pull = A.T @ y / SIGMA**2
    mean = np.linalg.solve(P, np.broadcast_to(pull, (len(P), 3))[..., None])[..., 0]
    log_w = log_w + 0.5 * mean @ pull - 0.5 * np.linalg.slogdet(P)[1] - np.log(sd).sum(axis=1)
    w = np.exp(log_w - log_w.max())
    w /= w.sum()
    found = dict(zip(("level", "weights[x0]", "weights[x1]"), w @ mean, strict=True))
    logs = dict(zip(("global_scale", "local_scale[x0]", "local_scale[x1]"), grid[:3], strict=True))
    return found | {name: float(w @ v) for name, v in logs.items()}


@pytest.mark.parametrize("slab", [None, 1.0])
def test_it_samples_the_posterior(slab: float | None) -> None:
    model = bm.Model(likelihood=bm.Gaussian(SIGMA), prior=prior(slab))
    fit = bm.fit(model, data(), bm.Gibbs(draws=800, tune=150), rng=2)
    truth = by_quadrature(slab)
    posterior = fit.idata["posterior"]
    weights = posterior["weights"].to_numpy()
    scales = posterior["local_scale"].to_numpy()
    draws = {
        "weights[x0]": weights[..., 0],
        "weights[x1]": weights[..., 1],
        "global_scale": np.log(posterior["global_scale"].to_numpy()),
        "local_scale[x0]": np.log(scales[..., 0]),
        "local_scale[x1]": np.log(scales[..., 1]),
    }
    ess = fit.summary()["ess_bulk"]
    for name, values in draws.items():
        error = 5.0 * float(values.std()) / np.sqrt(ess[name])
        assert float(values.mean()) == pytest.approx(truth[name], abs=error), name


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Checks of this fit:bayesml.ConvergenceWarning")  # few draws
def test_nuts_agrees_where_the_noise_is_inferred() -> None:
    model = bm.Model(prior=prior(1.0))
    gibbs = bm.fit(model, data(), bm.Gibbs(), rng=1).summary()
    how = bm.NUTS(draws=250, tune=250, chains=2, target_accept=0.95, progress=False)
    nuts = bm.fit(model, data(), how, rng=1).summary()
    assert list(gibbs.index) == list(nuts.index)
    for name in ("weights[x0]", "weights[x1]", "sigma"):
        error = 5.0 * np.hypot(gibbs.loc[name, "mcse_mean"], nuts.loc[name, "mcse_mean"])
        assert gibbs.loc[name, "mean"] == pytest.approx(nuts.loc[name, "mean"], abs=error)
        assert gibbs.loc[name, "sd"] == pytest.approx(nuts.loc[name, "sd"], rel=0.2)


def test_auto_chooses_it_from_statistics_and_it_is_audited(tmp_path: Any) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 30))
    y = 2.0 * X[:, 0] - X[:, 1] + rng.normal(size=400)
    summarised = bm.Data(X, y).summarised()
    fit = bm.fit(bm.Model(prior=bm.Horseshoe(relevant=3, slab_scale=3)), summarised, rng=1)
    assert "Auto chose Gibbs()" in fit.explanation
    assert fit.check().computed
    fit.save(tmp_path / "fit.nc")
    assert bm.load(tmp_path / "fit.nc").summary().equals(fit.summary())
    table = fit.summary()
    assert {"weights[x3]", "local_scale[x3]", "global_scale", "slab"} <= set(table.index)
    assert table["ess_bulk"].min() > 400
    assert table.loc["weights[x0]", "mean"] == pytest.approx(2.0, abs=0.2)
    assert np.abs(table["mean"].iloc[3:31]).max() < 0.1
    noise = np.std(y - X[:, :2] @ [2.0, -1.0])
    assert table.loc["sigma", "mean"] == pytest.approx(noise, rel=0.05)


@pytest.mark.slow
def test_other_likelihoods_are_sampled_by_nuts_without_divergences() -> None:
    rng = np.random.default_rng(6)
    X = rng.normal(size=(60, 2))
    y = (rng.random(60) < 1.0 / (1.0 + np.exp(-2.0 * X[:, 0]))).astype(float)
    model = bm.Model(likelihood=bm.Bernoulli(), prior=bm.Horseshoe(relevant=1, slab_scale=3))
    how = bm.NUTS(draws=100, tune=250, chains=2, target_accept=0.99, progress=False)
    with warnings.catch_warnings():  # few draws, which is said
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        fit = bm.fit(model, bm.Data(X, y), how, rng=1)
    assert int(fit.idata["sample_stats"]["diverging"].sum()) <= 1
    assert fit.summary().loc["weights[x0]", "mean"] > 1.0


def test_noise_of_many_rows_is_where_it_is_from_the_start() -> None:
    """Its posterior is narrow, and slices step no further: of 1.2e7 rows in a few sweeps."""
    rows = bm.Data(data().X, data().y, observation_weights=np.full(M, 1e6))
    few = bm.Gibbs(draws=4, tune=2).learn(
        bm.Model(prior=prior(None)).resolve(rows), np.random.default_rng(1)
    )
    X, y = np.column_stack([np.ones(M), np.asarray(data().X)]), np.asarray(data().y)
    least = np.sqrt(np.linalg.lstsq(X, y)[1][0] / M)
    posterior: Any = few.posterior
    np.testing.assert_allclose(posterior.chains["sigma"], least, rtol=0.01)


def test_what_does_not_apply_is_refused() -> None:
    with pytest.raises(bm.IncompatibleModelError, match=r"Gibbs\(\) does not apply: the prior is"):
        bm.fit(bm.Model(), data(), bm.Gibbs())
    heavy = bm.Model(likelihood=bm.StudentT(), prior=bm.Horseshoe())
    with pytest.raises(bm.IncompatibleModelError, match="the likelihood is StudentT"):
        bm.fit(heavy, data(), bm.Gibbs())
    wide = bm.Data(np.random.default_rng(1).normal(size=(30, 25)), np.arange(30.0))
    with pytest.raises(bm.IncompatibleModelError, match=r"MAP\(\) takes 20 at most"):
        bm.fit(bm.Model(prior=bm.Horseshoe()), wide, bm.MAP())
    with pytest.raises(bm.IncompatibleModelError, match="relevant and scale"):
        bm.Horseshoe(relevant=1, scale=1)
    with pytest.raises(bm.IncompatibleModelError, match="leaves none to shrink"):
        bm.fit(bm.Model(prior=bm.Horseshoe(relevant=2)), data(), bm.Gibbs())


def test_weights_flow_with_their_scales_and_their_volume_is_known(rng: np.random.Generator) -> None:
    gram = np.diag([50.0, 3.0, 0.0])  # the last column has no data, and flows freely
    weights = Weights(np.arange(3), np.array([0.0, 1.0, 0.0]), gram, np.zeros(3))
    beta, sigma, shift = rng.normal(size=(1, 3)), np.array([0.7]), np.array([[0.3, -1.2, 0.8]])
    there, volume = weights.carried(beta, sigma, shift)
    h = 1e-6 * np.eye(3)
    jacobian = (
        np.concatenate([weights.carried(beta + e, sigma, shift)[0] for e in h])
        - np.concatenate([weights.carried(beta - e, sigma, shift)[0] for e in h])
    ) / 2e-6
    assert volume[0] == pytest.approx(np.linalg.slogdet(jacobian)[1], abs=1e-8)
    halfway = weights.carried(beta, sigma, 0.4 * shift)[0]
    np.testing.assert_allclose(weights.carried(halfway, sigma, 0.6 * shift)[0], there, rtol=1e-12)
    assert there[0, 2] / beta[0, 2] == pytest.approx(np.exp(0.8))


def test_slices_sample_densities_of_their_own() -> None:
    """Half the numbers Gamma(2), half Gumbel, by Kolmogorov-Smirnov at level 1e-4."""
    rng, first = np.random.default_rng(4), np.arange(4000) < 2000

    def log_density(x: Vector) -> Vector:
        with np.errstate(all="ignore"):
            gamma = np.where(x > 0, np.log(x) - x, -np.inf)
            return np.where(first, gamma, -x - np.exp(-x))

    x = np.ones(4000)
    for _ in range(40):
        x = slice_step(log_density, x, rng)
    assert stats.kstest(x[first], stats.gamma(2).cdf).pvalue > 1e-4
    assert stats.kstest(x[~first], stats.gumbel_r().cdf).pvalue > 1e-4
