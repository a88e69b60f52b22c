"""Factors of subsets of columns against a QR factorisation of each."""

import numpy as np

from bayesml.linalg import triangular_factor
from bayesml.linalg.subsets import triangles, without_and_with_first


def dense(rows: list[np.ndarray], k: int) -> np.ndarray:
    """The k-th matrix of triangles."""
    out = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows):
        out[i, i:] = row[:, k]
    return out


def test_every_subset_has_the_factor_of_its_columns() -> None:
    rng = np.random.default_rng(1)
    A = rng.normal(size=(9, 5)) * [1.0, 1e-3, 1e4, 2.0, 5.0]
    A[:, 2] = 1e4 * A[:, 0] + 1e-6 * A[:, 2]  # nearly collinear
    rows = triangles(triangular_factor(A))
    for _ in range(3):
        rows = without_and_with_first(rows)
    for model in range(8):
        kept = [j for j in range(3) if model >> j & 1]
        expected = triangular_factor(A[:, [*kept, 3, 4]])[len(kept) :, len(kept) :]
        np.testing.assert_allclose(dense(rows, model), expected, rtol=1e-9, atol=1e-14)
