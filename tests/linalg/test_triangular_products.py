"""Products of triangles with vectors that share them."""

import numpy as np
import pytest

from bayesml.linalg.triangular_products import transposed_products, upper_products


@pytest.mark.parametrize(("kind", "digits"), [(np.float32, 1e-5), (np.float64, 1e-13)])
def test_every_vector_meets_its_triangle(kind, digits, rng):
    U = np.triu(rng.normal(size=(2, 9, 9))).astype(kind)
    of, z = np.array([1, 0, 1, 1]), rng.normal(size=(4, 9)).astype(kind)
    below = U + np.tril(np.full((9, 9), np.nan), -1).astype(kind)  # is never read
    each = [U[k].astype(float) for k in of]
    forward, back = upper_products(below, of, z), transposed_products(below, of, z)
    for T, v, one, other in zip(each, z, forward, back, strict=True):
        np.testing.assert_allclose(one, T @ v, atol=20 * digits)
        np.testing.assert_allclose(other, T.T @ v, atol=20 * digits)
