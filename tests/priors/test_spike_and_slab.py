"""The prior over models: what it says, what it refuses, and that it says what it draws."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

import bayesml as bm
from bayesml.priors import SelectsFeatures

INCLUSIONS = [0.3, (0.1, 1.0, 0.6), bm.BetaBinomial(), bm.BetaBinomial(2.0, 5.0)]


def problem(inclusion: Any, slab: Any = 1.0) -> Any:
    X = np.random.default_rng(1).normal(size=(30, 3)) * [1.0, 10.0, 0.1] + 5.0
    data = bm.Data(X, X @ [1.0, 0.1, 2.0], feature_names=["a", "b", "c"])
    return bm.Model(prior=bm.SpikeAndSlab(inclusion, slab)).resolve(data)


def log_probabilities(prior: SelectsFeatures, n: int) -> Any:
    models = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
    odds = prior.log_inclusion(n)
    each = np.where(models, odds.within, odds.without).sum(axis=1)
    return models, odds.by_size[models.sum(axis=1)] + each


@pytest.mark.parametrize("inclusion", INCLUSIONS)
def test_probabilities_of_models_add_up(inclusion: Any) -> None:
    _, log_p = log_probabilities(bm.SpikeAndSlab(inclusion), 3)
    assert np.exp(log_p).sum() == pytest.approx(1.0, rel=1e-13)


def test_sizes_are_beta_binomial() -> None:
    models, log_p = log_probabilities(bm.SpikeAndSlab(bm.BetaBinomial(2.0, 5.0)), 6)
    sizes = np.bincount(models.sum(axis=1), np.exp(log_p))
    np.testing.assert_allclose(sizes, stats.betabinom(6, 2.0, 5.0).pmf(range(7)), rtol=1e-12)


@pytest.mark.parametrize("inclusion", INCLUSIONS)
def test_draws_are_of_the_models_and_of_the_slab(inclusion: Any) -> None:
    here = problem(inclusion)
    beta = here.prior.sample(
        here, {"sigma": np.full(20_000, 2.0)}, np.random.default_rng(3), (20_000,)
    )
    _, log_p = log_probabilities(here.prior, 3)
    found = np.bincount((beta[:, 1:] != 0) @ [1, 2, 4], minlength=8)
    expected = np.exp(log_p) * 20_000
    there = expected > 0
    assert stats.chisquare(found[there], expected[there]).pvalue > 1e-4
    assert found[~there].sum() == 0
    for j in range(3):
        law = stats.norm(0.0, 2.0 * here.prior.slab.scale[j])
        drawn = beta[beta[:, 1 + j] != 0, 1 + j]
        assert stats.kstest(drawn, law.cdf).pvalue > 1e-4
    assert not np.any(np.signbit(beta[:, 1:]) & (beta[:, 1:] == 0))


def test_the_slab_is_in_units_of_the_data() -> None:
    here = problem(0.5)
    np.testing.assert_allclose(here.prior.slab.scale, 1.0 / here.statistics.sd_X, rtol=1e-14)
    assert here.prior.slab.rate == pytest.approx(0.005 * here.statistics.sd_y**2)
    assert here.prior.slab.intercept_mean == here.statistics.mean_y
    twice = problem(0.5, 2.0)
    np.testing.assert_allclose(twice.prior.slab.scale, 2.0 * np.array(here.prior.slab.scale))


def test_it_says_what_it_is() -> None:
    said = str(bm.Model(prior=bm.SpikeAndSlab((0.25, 0.5), slab=2.0)))
    assert "Normal(0, 2·σ/sd(x)) if its feature is in the model" in said
    assert "P(a feature is in the model) = 0.25, 0.5" in said
    resolved = str(problem(0.3).model)
    assert "P(a feature is in the model) = 0.3" in resolved
    assert "σ² ~ InverseGamma(0.5, " in resolved
    assert "sd(x)" not in resolved
    without = bm.Model(bm.Linear(intercept=False), prior=bm.SpikeAndSlab())
    assert "intercept" not in str(without)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"inclusion": 0.0}, "above 0 and at most 1"),
        ({"inclusion": 1.5}, "above 0 and at most 1"),
        ({"inclusion": (0.5, -1.0)}, "above 0 and at most 1"),
        ({"inclusion": "half"}, "inclusion must be a number"),
        ({"slab": -1.0}, "slab must be positive"),
        ({"slab": (1.0, 2.0)}, "slab must be one number"),
        ({"slab": bm.NormalInverseGamma(mean=1.0)}, "centred at zero"),
    ],
)
def test_what_is_no_prior_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=words):
        bm.SpikeAndSlab(**arguments)


def test_the_number_of_features_has_to_agree() -> None:
    with pytest.raises(bm.IncompatibleModelError, match="inclusion has 2 entries, but there are 3"):
        _ = problem((0.5, 0.5)).prior
    with pytest.raises(bm.IncompatibleModelError, match="scale has 2 entries"):
        _ = problem(0.5, bm.NormalInverseGamma(scale=(1.0, 2.0))).prior


@pytest.mark.parametrize("name", ["a", "b"])
def test_sizes_need_positive_numbers(name: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=f"{name} must be positive"):
        bm.BetaBinomial(**{name: 0.0})
    with pytest.raises(bm.IncompatibleModelError, match=f"{name} must be one number"):
        bm.BetaBinomial(**{name: (1.0, 2.0)})  # type: ignore[arg-type]


def test_it_has_no_density() -> None:
    here = problem(0.5)
    assert here.prior.normal_rows(here) is None
    with pytest.raises(bm.IncompatibleModelError, match="no density"):
        here.prior.log_density_and_score(here, np.zeros(4), {"sigma": 1.0})
    with pytest.raises(bm.IncompatibleModelError, match="which only data know"):
        bm.SpikeAndSlab().hyperparameters(here)
