"""Counts with zeros of their own: parameters that pass through, ends of ranges, draws."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import bayesml as bm
from bayesml.likelihoods import restated

WRAPPERS = [bm.ZeroInflated, bm.Hurdle]
both = pytest.mark.parametrize("wrap", WRAPPERS)


def made(pi: float, m: int = 400, seed: int = 3) -> bm.Data:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, 1))
    y = rng.poisson(np.exp(0.8 + 0.4 * X[:, 0])).astype(float)
    return bm.Data(X, np.where(rng.random(m) < pi, 0.0, y))


@both
def test_parameters_of_the_counts_are_stated_through_the_wrapper(wrap: Any) -> None:
    counts = wrap(bm.NegativeBinomial())
    assert list(counts.parameters) == ["concentration", "zero_probability"]
    known = restated(counts, {"concentration": 2.0, "zero_probability": 0.1})
    assert known == wrap(bm.NegativeBinomial(2.0), 0.1)
    assert restated(counts, {}) == counts
    assert restated(bm.NegativeBinomial(), {"concentration": 3.0}) == bm.NegativeBinomial(3.0)
    data = made(0.3)
    fit = bm.fit(bm.Model(likelihood=wrap(bm.NegativeBinomial(2.0))), data, bm.MAP())
    assert list(fit.summary().index) == ["intercept", "weights[x0]", "zero_probability"]
    resolved = bm.fit(bm.Model(likelihood=counts), data, bm.MAP()).resolved.likelihood
    assert resolved == wrap(bm.NegativeBinomial(bm.InverseGamma(0.5, 0.5)), bm.Beta(1.0, 1.0))


@both
@pytest.mark.parametrize(
    "inner", [bm.Gaussian(), bm.Bernoulli(), bm.Poisson, bm.Hurdle(bm.Poisson()), 3.0]
)
def test_only_counts_are_wrapped(wrap: Any, inner: Any) -> None:
    with pytest.raises(bm.IncompatibleModelError, match="count_likelihood must be one of counts"):
        wrap(inner)


@both
@pytest.mark.parametrize("wrong", [0.0, 1.0, -0.2, bm.Normal(0, 1), "half"])
def test_the_probability_is_one(wrap: Any, wrong: Any) -> None:
    with pytest.raises(bm.IncompatibleModelError, match="zero_probability must be"):
        wrap(bm.Poisson(), wrong)


@both
@pytest.mark.parametrize("y", [-1.0, 0.5])
def test_what_is_no_count_is_named(wrap: Any, y: float) -> None:
    data = bm.Data([[0.0], [1.0], [2.0]], [1.0, y, 0.0])
    with pytest.raises(bm.DataError, match=r"row 1 is .* each must be a count"):
        bm.fit(bm.Model(likelihood=wrap(bm.Poisson())), data)


@pytest.mark.parametrize("method", [bm.MLE(), bm.MAP()])
def test_counts_without_zeros_of_their_own_have_none(method: Any, tmp_path: Path) -> None:
    """Fewer zeros than Poisson has: the likelihood is highest at π = 0, which is Poisson."""
    data = made(0.0)
    y = np.where((data.y == 0) & (np.arange(400) % 2 == 0), 1.0, data.y)
    data = bm.Data(data.X, y)
    fit = bm.fit(bm.Model(likelihood=bm.ZeroInflated(bm.Poisson())), data, method)
    plain = bm.fit(bm.Model(likelihood=bm.Poisson()), data, method)
    table = fit.summary()
    np.testing.assert_array_equal(table.drop("zero_probability"), plain.summary())
    assert table.loc["zero_probability"].tolist() == [0.0, np.inf, 0.0, 1.0]
    assert "zero_probability = 0, since the density does not fall off" in fit.explanation
    assert fit.check().computed
    fit.save(tmp_path / "fit.nc")
    np.testing.assert_array_equal(bm.load(tmp_path / "fit.nc").summary(), table)
    at = data.X[:5]
    np.testing.assert_allclose(fit.predict(at).sd, plain.predict(at).sd, rtol=1e-14)
    np.testing.assert_allclose(
        fit.predict(at).log_prob(0.0), plain.predict(at).log_prob(0.0), rtol=1e-13
    )


def test_a_prior_that_excludes_zero_keeps_the_mode_inside() -> None:
    model = bm.Model(likelihood=bm.ZeroInflated(bm.Poisson(), bm.Beta(2.0, 2.0)))
    fit = bm.fit(model, made(0.0), bm.MAP())
    assert fit.summary().loc["zero_probability", "mean"] > 0
    assert fit.check().computed


def test_both_ends_are_searched() -> None:
    """Poisson counts: neither clusters nor zeros of their own are left."""
    data = made(0.0, seed=5)
    table = bm.fit(
        bm.Model(likelihood=bm.ZeroInflated(bm.NegativeBinomial())), data, bm.MLE()
    ).summary()

    def log_likelihood(likelihood: Any, at: Any) -> float:
        eta = at["intercept"] + at["weights[x0]"] * data.X[:, 0]
        phi = {k: at[k] for k in likelihood.parameters}
        return float(np.sum(likelihood.log_density(data.y, eta, phi)))

    ours = log_likelihood(bm.ZeroInflated(bm.NegativeBinomial()), table["mean"])
    for other in (bm.Poisson(), bm.NegativeBinomial(), bm.ZeroInflated(bm.Poisson())):
        theirs = bm.fit(bm.Model(likelihood=other), data, bm.MLE()).summary()["mean"]
        assert ours >= log_likelihood(other, theirs) - 1e-9


@pytest.mark.filterwarnings("ignore::bayesml.ConvergenceWarning")  # few draws
def test_a_flat_probability_is_no_improper_posterior() -> None:
    """It lives on an interval; a flat concentration on a half line is refused."""
    data, nuts = made(0.3), bm.NUTS(draws=200, tune=200, chains=2, progress=False)
    with pytest.raises(bm.ImproperPosteriorError, match="likelihood of concentration"):
        bm.fit(
            bm.Model(likelihood=bm.ZeroInflated(bm.NegativeBinomial(bm.Flat()))), data, nuts, rng=1
        )
    model = bm.Model(likelihood=bm.ZeroInflated(bm.Poisson(), bm.Flat()))
    assert bm.fit(model, data, nuts, rng=1).kind == "sampled"


def test_the_hurdle_is_two_models() -> None:
    """The share of zeros with its binomial error, and truncated counts that know nothing of it."""
    data = made(0.4)
    table = bm.fit(bm.Model(likelihood=bm.Hurdle(bm.Poisson())), data, bm.MLE()).summary()
    share = float(np.mean(data.y == 0))
    assert table.loc["zero_probability", "mean"] == pytest.approx(share, rel=1e-10)
    error = np.sqrt(share * (1 - share) / data.m)
    assert table.loc["zero_probability", "std_error"] == pytest.approx(error, rel=1e-6)
    some = bm.Data(data.X[data.y > 0], data.y[data.y > 0])
    known = bm.Model(likelihood=bm.Hurdle(bm.Poisson(), 0.5))
    truncated = bm.fit(known, some, bm.MLE()).summary()
    np.testing.assert_allclose(table["mean"].iloc[:2], truncated["mean"], rtol=1e-9)
    np.testing.assert_allclose(table["std_error"].iloc[:2], truncated["std_error"], rtol=1e-6)


@pytest.mark.parametrize("eta", [-30.0, -2.0, 1.0, 8.0])
@pytest.mark.parametrize("counts", [bm.Poisson(), bm.NegativeBinomial()], ids=repr)
def test_counts_above_the_hurdle_are_drawn_at_any_rate(counts: Any, eta: float) -> None:
    phi = {"zero_probability": 1e-9} | dict.fromkeys(counts.parameters, 0.7)
    hurdle, rng = bm.Hurdle(counts), np.random.default_rng(4)
    drawn = hurdle.sample(np.full(3000, eta), phi, rng)
    assert drawn.min() >= 1.0
    assert drawn.mean() == pytest.approx(
        float(hurdle.mean(eta, phi)), abs=5 * float(hurdle.sd(eta, phi)) / np.sqrt(3000) + 1e-9
    )
    if eta > 5:
        below = np.asarray(hurdle.cdf(drawn, eta, phi)) - rng.random(3000) * np.exp(
            hurdle.log_density(drawn, eta, phi)
        )
        assert stats.kstest(below, "uniform").pvalue > 1e-4


def test_limits_of_a_probability_are_probabilities() -> None:
    data = bm.Data(np.empty((30, 0)), np.array([0.0] + [2.0] * 29))
    row = bm.fit(bm.Model(likelihood=bm.Hurdle(bm.Poisson())), data, bm.MLE()).summary()
    low, high = row.loc["zero_probability"].iloc[2:]
    error = np.sqrt(1 / 30 * 29 / 30 / 30) / (1 / 30 * 29 / 30)
    z = stats.norm.ppf(0.95)
    expected = 1 / (1 + np.exp(np.log(29) - np.array([-z, z]) * error))
    np.testing.assert_allclose([low, high], expected, rtol=1e-5)
