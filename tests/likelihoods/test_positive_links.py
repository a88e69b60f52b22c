"""Links of positive means: where η has to be, what is learned there, what is refused outside."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

import bayesml as bm
from bayesml.likelihoods import PositiveLink

RNG = np.random.default_rng(3)
X = RNG.uniform(0.0, 2.0, (60, 2))
ETA = 0.8 + X @ [1.0, 0.5]
POSITIVE: list[PositiveLink] = [bm.Identity(), bm.Inverse(), bm.Sqrt()]
MEANS = {
    "identity": lambda eta: eta,
    "inverse": lambda eta: 1.0 / eta,
    "sqrt": lambda eta: eta**2,
    "log": np.exp,
}
each = pytest.mark.parametrize("link", [*POSITIVE, bm.Log()], ids=repr)
limited = pytest.mark.parametrize("link", POSITIVE, ids=repr)


@each
def test_a_link_its_slopes_and_its_inverse(link: PositiveLink) -> None:
    eta, h = np.array([0.2, 1.0, 4.5]), 1e-6
    mean = MEANS[link.name]
    np.testing.assert_allclose(link.mean(eta), mean(eta), rtol=1e-15)
    np.testing.assert_allclose(link.log_mean(eta), np.log(mean(eta)), rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(link.eta(link.mean(eta)), eta, rtol=1e-15)
    for of, slope in ((link.mean, link.slope), (link.log_mean, link.log_mean_slope)):
        np.testing.assert_allclose(slope(eta), (of(eta + h) - of(eta - h)) / (2 * h), rtol=1e-8)


@each
def test_typical_is_where_the_mean_is_and_how_far_it_moves(link: PositiveLink) -> None:
    centre, spread = link.typical(4.0, 0.5)
    assert float(link.mean(centre)) == pytest.approx(4.0)
    moved = 0.5 / abs(float(link.slope(centre)))
    assert spread == pytest.approx(1.0 if link == bm.Log() else moved)


@limited
@pytest.mark.parametrize("family", [bm.Poisson, lambda link: bm.GammaResponse(2.0, link)])
def test_there_is_no_density_where_there_is_no_mean(link: PositiveLink, family: Any) -> None:
    likelihood, phi = family(link=link), {"shape": 2.0}
    for y in (0.0, 1.0, 3.0):
        found = likelihood.log_density(y, np.array([-1.0, 0.0, 0.5]), phi)
        assert np.isneginf(found[:2]).all()
        assert np.isfinite(found[2]) == bool(likelihood.support.contains(y))
    assert np.isnan(likelihood.score(1.0, np.array([-1.0, 0.0]), phi)).all()
    for method in ("mean", "sd"):
        with pytest.raises(bm.DataError, match=r"no mean where η is -0\.2: .* 1 of 2 values"):
            getattr(likelihood, method)(np.array([-0.2, 1.0]), phi)
    with pytest.raises(bm.DataError, match="use the link Log"):
        likelihood.sample(np.array([-0.2]), phi, RNG)
    with pytest.raises(bm.DataError, match="use the link Log"):
        likelihood.cdf(1.0, np.array([-0.2]), phi)


def test_without_an_intercept_the_search_starts_where_there_is_a_density() -> None:
    model = bm.Model(bm.Linear(intercept=False), bm.Poisson(bm.Identity()), bm.Flat())
    fit = bm.fit(model, bm.Data(X + 0.2, RNG.poisson(ETA).astype(float)), bm.MLE())
    eta = (X + 0.2) @ fit.summary()["mean"].to_numpy()
    score = fit.data.y / eta - 1.0
    np.testing.assert_allclose(score @ (X + 0.2), 0.0, atol=1e-10)


def test_columns_of_both_signs_alone_have_no_start() -> None:
    model = bm.Model(bm.Linear(intercept=False), bm.Poisson(bm.Identity()), bm.Flat())
    with pytest.raises(bm.ConvergenceError, match="no coefficients were found at which it is"):
        bm.fit(model, bm.Data(X[:, :1] - 1.0, RNG.poisson(ETA).astype(float)), bm.MLE())


def test_a_maximum_at_the_edge_is_named() -> None:
    x = np.arange(20.0)
    y = np.maximum(x - 5.0, 0.0)
    with pytest.warns(bm.ConvergenceWarning, match="at the edge of where there is a mean: η is"):
        fit = bm.fit(
            bm.Model(likelihood=bm.Poisson(bm.Identity())), bm.Data(x[:, None], y), bm.MLE()
        )
    assert not fit.check().passed


def test_steps_stay_inside_from_a_far_start() -> None:
    """One large count draws the first step over the edge, and the damping brings it back."""
    x = np.append(np.zeros(30), [1.0, 2.0])
    y = np.append(np.ones(30), [40.0, 1000.0])
    fit = bm.fit(bm.Model(likelihood=bm.Poisson(bm.Identity())), bm.Data(x[:, None], y), bm.MLE())
    b, w = fit.summary()["mean"]
    eta = b + w * x
    assert eta.min() > 0.0
    assert fit.check().computed
    np.testing.assert_allclose([np.sum(y / eta - 1.0), np.sum(x * (y / eta - 1.0))], 0, atol=1e-8)


@pytest.mark.filterwarnings("ignore::bayesml.ConvergenceWarning")  # steps over the edge diverge
def test_draws_are_those_of_the_posterior_cut_off_at_the_edge() -> None:
    """Few counts: against a grid of the density over intercept and weight."""
    x, y = np.array([0.0, 0.2, 1.0, 2.0, 3.0]), np.array([1.0, 1.0, 2.0, 3.0, 4.0])
    prior = bm.Independent(bm.Normal(0, 2), bm.Normal(1, 2))
    model = bm.Model(bm.Linear(), bm.Poisson(bm.Identity()), prior)
    sampler = bm.NUTS(400, 200, 2, target_accept=0.95, progress=False)
    fit = bm.fit(model, bm.Data(x[:, None], y), sampler, rng=1)
    c, w = np.meshgrid(np.linspace(-4, 8, 1201), np.linspace(-3, 5, 801), indexing="ij")
    eta = c[..., None] + w[..., None] * (x - x.mean())
    rows = np.where(eta > 0, stats.poisson(np.maximum(eta, 1e-300)).logpmf(y), -np.inf)
    log_p = rows.sum(-1) + stats.norm(1, 2).logpdf(c) + stats.norm(0, 2).logpdf(w)
    mass = np.exp(log_p - log_p.max())
    at, table = {"intercept": c - w * x.mean(), "weights[x0]": w}, fit.summary()
    for name, grid in at.items():
        mean = np.sum(mass * grid) / mass.sum()
        sd = np.sqrt(np.sum(mass * (grid - mean) ** 2) / mass.sum())
        error = 5.0 * sd / np.sqrt(table.loc[name, "ess_bulk"])
        assert table.loc[name, "mean"] == pytest.approx(mean, abs=error)
    assert np.all(fit.predict([[0.5], [2.5]]).mean > 0)
    with pytest.raises(bm.DataError, match=r"has no mean where η is -.* values are not"):
        fit.predict([[-9.0]])


def test_what_puts_mass_outside_is_refused_by_name() -> None:
    data, likelihood = bm.Data(X, np.ones(len(X))), bm.Poisson(bm.Sqrt())
    with pytest.raises(bm.IncompatibleModelError, match=r"Laplace\(\) has a Gaussian η"):
        bm.fit(bm.Model(likelihood=likelihood), data, bm.Laplace())
    with pytest.raises(bm.IncompatibleModelError, match="positive only, which MLP"):
        bm.fit(bm.Model(bm.MLP((2,)), likelihood), data, bm.MAP())
    frame = {"y": np.ones(60), "g": list("ab") * 30}
    grouped = bm.Data.from_formula("y ~ 1 + (1 | g)", frame)
    with pytest.raises(bm.IncompatibleModelError, match="which effects of groups do not"):
        bm.fit(bm.Model(likelihood=likelihood), grouped, bm.NUTS())
    for wrapped in (bm.ZeroInflated, bm.Hurdle, bm.Censored, bm.Truncated):
        with pytest.raises(bm.IncompatibleModelError, match="and so no tails there"):
            wrapped(likelihood)


@pytest.mark.parametrize("link", [bm.Logit(), "log", bm.Log])
@pytest.mark.parametrize("family", [bm.Poisson, lambda link: bm.GammaResponse(link=link)])
def test_a_link_of_no_positive_mean_is_refused(family: Any, link: Any) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=r"link must be Log\(\), I"):
        family(link)
