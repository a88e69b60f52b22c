"""A network near one point by its Gauss-Newton matrix, added up over rows without the Jacobian."""

from dataclasses import dataclass, replace

import numpy as np

from bayesml.inference.networks.by_layers import columns_of, inner_network, pulled
from bayesml.linalg.regression import Regression, WeightedRows, multiple
from bayesml.log_joint import Rows
from bayesml.log_joint.rows import jacobian_of
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class Accumulated:
    """A network near one point, with JᵀΛJ alone: as much memory as parameters ask for.

    Attributes
    ----------
    source : Rows
    x : ndarray, shape (p,)
        The parameters, flat.
    eta : ndarray, shape (m,) or (k, m)
    information : ndarray, shape (k m,)
        wᵢ Λ.
    gram : ndarray, shape (p, p)
        JᵀΛJ.
    """

    source: Rows
    x: Array
    eta: Array
    information: Array
    gram: Array

    def pulled(self, score: Array) -> Array:
        """Return Jᵀ·score by backpropagation."""
        return pulled(self.source, self.x, score)

    def reweighted(self, information: Array) -> "Accumulated":
        """Return the same with another Fisher information, for free if it is a multiple."""
        ratio = multiple(information, self.information)
        if ratio is None:
            return accumulated(self.source, self.x, self.eta, information)
        return replace(self, information=information, gram=ratio * self.gram)

    def regression(self, precision: Array) -> Regression:
        """Return the Gaussian with precision JᵀΛJ + diag(precision) (M7)."""
        none = np.empty((0, len(self.x)))
        return WeightedRows(none, np.empty(0), self.gram).with_prior(precision)

    def solve(self, g: Array, precision: Array) -> Array:
        """Return (JᵀΛJ + diag(precision))⁻¹g."""
        return self.regression(precision).solve(g)

    def diagonal(self) -> Array:
        """Return the diagonal of JᵀΛJ."""
        return np.diag(self.gram).copy()


def accumulated(rows: Rows, x: Array, eta: Array, information: Array) -> Accumulated:
    """Add up JᵀΛJ at x, a cacheful of rows at a time."""
    parameters, gram = rows.parameters(x), np.zeros((len(x), len(x)))
    roots, start = np.sqrt(columns_of(information, inner_network(rows))), 0
    for part in rows.parts():
        end = start + part.m
        J = jacobian_of(rows.frame, parameters, part.A).reshape(-1, part.m, len(x))
        for k in range(roots.shape[1]):
            R = roots[start:end, k, None] * J[k]
            gram += R.T @ R
        start = end
    return Accumulated(rows, x, eta, information, gram)
