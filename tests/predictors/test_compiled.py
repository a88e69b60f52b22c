"""Compiled passes through layers against those of numpy in double precision."""

from typing import Any

import numpy as np
import pytest

from bayesml.predictors import MLP, Beside, Standardisation, flat


@pytest.mark.parametrize(
    ("hidden", "k", "n", "m"), [((7,), 1, 3, 20), ((5, 6), 2, 9, 300), ((), 1, 4, 513)]
)
@pytest.mark.parametrize("skip", [False, True])
def test_passes_in_single_precision_are_those_in_double(
    hidden: Any, k: int, n: int, m: int, skip: bool, rng: np.random.Generator
) -> None:
    """Blocks that are full and not, columns in fours and not, a batch of chains."""
    outputs = ((0.5, 2.0), (-1.0, 0.3))[:k]
    network = MLP(hidden, standardisation=Standardisation((), (), outputs), skip=skip)
    shapes = network.shapes(n)
    theta, X = rng.normal(size=(3, flat.size(shapes))), rng.normal(size=(m, n))
    exact, back = network.pullback(flat.split(theta, shapes), X)
    singles = flat.split(theta.astype(np.float32), shapes)
    eta, single_back = network.pullback(singles, X.astype(np.float32))
    assert eta.dtype == np.float32
    assert eta.shape == exact.shape
    np.testing.assert_allclose(eta, exact, atol=3e-6 * np.abs(exact).max())
    cotangent = rng.normal(size=exact.shape)
    expected = flat.join(back(cotangent), shapes)
    found = flat.join(single_back(cotangent.astype(np.float32)), shapes)
    np.testing.assert_allclose(found, expected, atol=3e-6 * np.abs(expected).max())


def test_far_out_units_are_saturated_and_what_is_not_a_number_stays_none() -> None:
    network = MLP((2,), standardisation=Standardisation((), (), ((0.0, 1.0),)))
    shapes = network.shapes(1)
    theta = np.array([1e30, -1e30, 0.0, 0.0, 1.0, 2.0, 0.0])
    X = np.array([[1.0], [-2.0]], dtype=np.float32)
    eta, _ = network.pullback(flat.split(theta.astype(np.float32), shapes), X)
    np.testing.assert_allclose(eta, [-1.0, 1.0], rtol=1e-6)
    theta[2] = np.nan
    eta, _ = network.pullback(flat.split(theta.astype(np.float32), shapes), X)
    assert np.all(np.isnan(eta))


def test_an_offset_is_beside_the_passes(rng: np.random.Generator) -> None:
    network = MLP((3,), standardisation=Standardisation((), (), ((0.0, 1.0),)))
    shapes, X = network.shapes(2), rng.normal(size=(10, 3)).astype(np.float32)
    parameters = flat.split(rng.normal(size=flat.size(shapes)).astype(np.float32), shapes)
    beside = network.reading(Beside(1, -1, (), 1))
    plain, with_offset = (
        network.pullback(parameters, X[:, :2])[0],
        beside.pullback(parameters, X)[0],
    )
    np.testing.assert_allclose(with_offset, plain + X[:, 2], rtol=1e-6)
