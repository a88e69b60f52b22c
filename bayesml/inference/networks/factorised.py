"""A network near one point by Kronecker factors of its curvature, without its Jacobian.

Derived in docs/theory/network.md, (M24) to (M27).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from bayesml.inference.networks.by_layers import (
    factors_of,
    inner_network,
    pulled,
    tangent_kernel,
    traces,
)
from bayesml.linalg.kronecker import KroneckerFactors
from bayesml.linalg.regression import Regression, multiple
from bayesml.log_joint import Rows
from bayesml.predictors import flat
from bayesml.predictors.layers import tangent
from bayesml.typing import Array

RESIDUAL = 0.01
"""Where conjugate gradients stop, relative to the gradient: a step leads to the next one."""

PRODUCTS = 50
"""The most products with the curvature in a step. A step cut short lowers the parabola too."""

MOST_OUTPUTS = 8000
"""Outputs of all rows up to which steps are solved in their space: a matrix of half a gigabyte."""


@dataclass(frozen=True, eq=False)
class FactorSource:
    """What the factors are made of, and they once they are asked for.

    Attributes
    ----------
    rows : Rows
    x : ndarray, shape (p,)
    information : ndarray, shape (k m,)
        wᵢ Λ.
    """

    rows: Rows
    x: Array
    information: Array

    @cached_property
    def factors(self) -> KroneckerFactors:
        """The factors of every layer (M24, M26)."""
        return factors_of(self.rows, self.x, self.information)


@dataclass(frozen=True, eq=False)
class Factorised:
    """A network near one point; its Gauss-Newton matrix by Kronecker factors.

    Attributes
    ----------
    source : FactorSource
    eta : ndarray, shape (m,) or (k, m)
    ratio : float
        How many times the information of the source the information is.
    """

    source: FactorSource
    eta: Array
    ratio: float = 1.0

    @property
    def rows(self) -> Rows:
        """The rows."""
        return self.source.rows

    @property
    def x(self) -> Array:
        """The parameters, flat."""
        return self.source.x

    @property
    def information(self) -> Array:
        """The weights wᵢ Λ of the outputs."""
        return self.ratio * self.source.information

    @property
    def factors(self) -> KroneckerFactors:
        """The factors of every layer."""
        return self.source.factors.scaled(self.ratio)

    @property
    def gram(self) -> None:
        """Not formed."""
        return

    def pulled(self, score: Array) -> Array:
        """Return Jᵀ·score by backpropagation."""
        return pulled(self.rows, self.x, score)

    def pushed(self, v: Array) -> Array:
        """Return Jv, (k m,), forward (M5)."""
        network, shapes = inner_network(self.rows), self.rows.frame.shapes
        layers, directions = (network.layers(flat.split(at, shapes)) for at in (self.x, v))
        parts = [tangent(layers, seen, directions) for _, seen in traces(self.rows, layers)]
        scale = np.array([s for _, s in network.outputs])
        return np.ravel((scale * np.concatenate(parts)).T)

    def reweighted(self, information: Array) -> "Factorised":
        """Return the same with another Fisher information, for free if it is a multiple."""
        ratio = multiple(information, self.source.information)
        if ratio is None:
            return factorised(self.rows, self.x, self.eta, information)
        return replace(self, ratio=ratio)

    def regression(self, precision: Array) -> Regression:
        """Return the Gaussian of the factors (M25)."""
        return self.factors.with_prior(precision)

    def solve(self, g: Array, precision: Array) -> Array:
        """Return (JᵀΛJ + diag(precision))⁻¹g, to the last digit in the space of outputs (M28)."""
        if self.information.size > min(MOST_OUTPUTS, g.size):
            return self._by_conjugate_gradients(g, precision)
        root = np.sqrt(self.information)
        K = tangent_kernel(self.rows, self.x, precision) * (root[:, None] * root)
        K[np.diag_indices_from(K)] += 1.0
        scaled = g / precision
        inner = cho_solve(cho_factor(K, lower=True, overwrite_a=True), root * self.pushed(scaled))
        return np.asarray(scaled - self.pulled(root * inner) / precision)

    def _by_conjugate_gradients(self, g: Array, precision: Array) -> Array:
        """Solve the same by products with H, the factors as a preconditioner (M27)."""
        from scipy.sparse.linalg import LinearOperator, cg

        def product(v: Array) -> Array:
            return self._product(v) + precision * v

        shape, preconditioner = (g.size, g.size), self.regression(precision)
        found, _ = cg(
            LinearOperator(shape, matvec=product, dtype=np.float64),
            g,
            rtol=RESIDUAL,
            maxiter=PRODUCTS,
            M=LinearOperator(shape, matvec=preconditioner.solve, dtype=np.float64),
        )
        return np.asarray(found)

    def diagonal(self) -> Array:
        """Return the diagonal of the factors' Gram matrix."""
        return self.factors.diagonal()

    def _product(self, v: Array) -> Array:
        """Return JᵀΛJ v."""
        return self.pulled(self.information * self.pushed(v))


def factorised(rows: Rows, x: Array, eta: Array, information: Array) -> Factorised:
    """Keep what the factors at x are made of."""
    return Factorised(FactorSource(rows, x, information), eta)
