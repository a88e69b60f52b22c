"""The linear Gaussian model under a conjugate slab, for any subset of its features.

Derived in docs/theory/all_subsets.md, whose labels are cited.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bayesml.linalg import triangular_factor
from bayesml.typing import Array, Bools, Integers

NUMBERS = 4_000_000
"""Of the factors that are made at a time."""


@dataclass(frozen=True, eq=False)
class SubsetRegression:
    r"""The weights in units of their slab, u = θ/(σ s), and what all models share (Y2).

    Attributes
    ----------
    factor : ndarray, shape (n + 1, n + 1)
        Upper triangular: that of the centred features in units of their slab, beside that of y,
        below which stands what no weight changes.
    scale : ndarray, shape (n,)
        s, standard deviations of the slab in multiples of σ, in units of 1/x.
    shape : float
        Posterior shape a of the variance, the same for every model.
    intercept, intercept_variance : float
        Posterior mean of the intercept at the mean of the features, and its variance in units of
        σ²; zero without one.
    log_constant : float
        What log evidences of all models have in common.
    """

    factor: Array
    scale: Array
    shape: float
    intercept: float
    intercept_variance: float
    log_constant: float

    @property
    def n(self) -> int:
        """Number of features."""
        return len(self.scale)

    @property
    def with_slab(self) -> Array:
        """The triangular factor with the slab's rows, one a feature (Y3)."""
        return triangular_factor(np.vstack([self.factor, np.eye(self.n, self.n + 1)]))

    def solutions(self, models: Bools) -> tuple[Array, Array, Array]:
        """Return the posterior of every model (Y4).

        Returns
        -------
        mean : ndarray, shape (K, n)
            Of the weights, zero outside the model.
        root : ndarray, shape (K, n, k)
            Of their covariance in units of σ², for k features in the largest model.
        rate : ndarray, shape (K,)
            b of the variance, in squared units of y.
        """
        K, n = models.shape
        most = int(models.sum(axis=1).max(initial=0))
        mean, root, rate = np.zeros((K, n)), np.zeros((K, n, most)), np.empty(K)
        for which, columns, R in self._factors(models):
            k, each = columns.shape[1], which[:, None]
            inverse = np.linalg.inv(R[:, :k, :k])
            unit = self.scale[columns]
            mean[each, columns] = unit * np.einsum("gij,gj->gi", inverse, R[:, :k, k])
            root[each, columns, :k] = unit[:, :, None] * inverse
            rate[which] = 0.5 * R[:, k, k] ** 2
        return mean, root, rate

    def _factors(self, models: Bools) -> Iterator[tuple[Integers, Integers, Array]]:
        """Yield which models of one size these are, their features, and their factors (Y3)."""
        sizes, columns = models.sum(axis=1), self.factor.T
        for k in np.unique(sizes):
            same, slab = np.flatnonzero(sizes == k), np.eye(k, k + 1)
            step = max(1, NUMBERS // (self.n + 1 + k) // (k + 1))
            for start in range(0, len(same), step):
                which = same[start : start + step]
                inside = np.nonzero(models[which])[1].reshape(len(which), k)
                y = np.broadcast_to(columns[-1], (len(which), 1, self.n + 1))
                rows = np.concatenate([columns[inside], y], axis=1).transpose(0, 2, 1)
                slabs = np.broadcast_to(slab, (len(which), *slab.shape))
                yield which, inside, np.linalg.qr(np.concatenate([rows, slabs], axis=1), mode="r")
