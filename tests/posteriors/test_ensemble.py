"""Mixtures of different forms against one large sample of both."""

import numpy as np
import pytest
from scipy import stats

import bayesml as bm
from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.ensemble import mixed
from bayesml.posteriors.linearised import normals


@pytest.fixture
def halves(rng):
    """Two rows: normals, and fixed draws of gammas."""
    mean, sd = np.array([0.0, 5.0]), np.array([1.0, 2.0])
    draws = rng.gamma(3.0, 1.0, (2, 4000))
    atoms = Atoms(2, np.full(4000, 1 / 4000), draws.__getitem__)
    return mean, sd, draws, mixed([normals(mean, sd), atoms])


def test_moments_and_probabilities_are_those_of_the_mixture(halves):
    mean, sd, draws, mixture = halves
    np.testing.assert_allclose(mixture.mean, 0.5 * (mean + draws.mean(axis=1)))
    square = 0.5 * (sd**2 + mean**2 + (draws**2).mean(axis=1))
    np.testing.assert_allclose(mixture.sd**2, square - mixture.mean**2)
    below = 0.5 * (stats.norm.cdf(2.0, mean, sd) + (draws <= 2.0).mean(axis=1))
    np.testing.assert_allclose(mixture.cdf(2.0), below)
    np.testing.assert_allclose(mixture.survival(2.0), 1 - below)


def test_quantiles_invert_and_intervals_are_short(halves):
    *_, mixture = halves
    for level in (0.02, 0.5, 0.9):
        np.testing.assert_allclose(mixture.cdf(mixture.quantile(level)), level, atol=3e-4)
    low, high = mixture.highest_density_interval(0.8)
    np.testing.assert_allclose(mixture.cdf(high) - mixture.cdf(low), 0.8, atol=1e-3)
    assert np.all(high - low <= mixture.quantile(0.9) - mixture.quantile(0.1) + 1e-9)


def test_nodes_integrate(halves):
    *_, mixture = halves
    for block, y, weights in mixture.nodes():
        np.testing.assert_allclose(np.sum(weights * y, axis=1), mixture.mean[block], rtol=1e-6)


def test_members_that_take_turns_are_shared_equally():
    with pytest.raises(bm.IncompatibleModelError, match="shared equally"):
        bm.Ensemble(3, (bm.Laplace(), bm.MAP()))
    with pytest.raises(bm.IncompatibleModelError, match="inference method"):
        bm.Ensemble(2, (bm.Laplace(), "MAP"))
    assert bm.Ensemble(4, (bm.Laplace(), bm.MAP())).methods == (bm.Laplace(), bm.MAP())
