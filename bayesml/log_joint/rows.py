"""The sum over rows, for every predictor and every likelihood: the only place where it is written.

Derived in docs/theory/log_joint.md, whose labels are cited.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from operator import add
from typing import Any

import numpy as np

from bayesml.data import Block
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import Likelihood, terms_of
from bayesml.log_joint.sums import Sums, Values
from bayesml.model import Problem
from bayesml.predictors import Frame, HasJacobian, Predictor, flat
from bayesml.typing import Array, Integers

LAYERED, PLAIN = 1024, 16384
"""Rows that go through the predictor at a time, so that layers stay in the cache."""

NUMBERS = 80_000
"""Of X that a plain predictor is given at a time, which is read twice while it is in the cache."""

SINGLE = 4096
"""Rows in single precision, whatever the batch: compiled passes have blocks of their own."""

LEAST = 64
"""Rows that go through all members of a batch at a time at least: products stay products."""


@dataclass(frozen=True, eq=False)
class Rows:
    r"""Rows at hand, prepared: :math:`\sum_i w_i \log p(y_i \mid \eta_i, \phi)` (J1).

    Numbers that the predictor sees keep the precision of `A`; everything per row is double.

    Attributes
    ----------
    frame : Frame
    likelihood : Likelihood
    A : ndarray, shape (m, n)
        Features, prepared by the frame.
    y, w : ndarray, shape (m,)
        Target, and how many times every row counts.
    """

    frame: Frame
    likelihood: Likelihood
    A: Array
    y: Array
    w: Array

    @classmethod
    def of(cls, problem: Problem) -> "Rows":
        """Prepare the rows of a problem that are in memory."""
        none, m = cls.none_of(problem), problem.data.m
        filled, start = none, 0
        for block in problem.data.blocks():
            part = none.read(block)
            if part.m == m:
                return part
            if not start:  # of the precision of the blocks, written once
                filled = replace(
                    none, A=np.empty((m, part.n), part.A.dtype), y=np.empty(m), w=np.empty(m)
                )
            rows = slice(start, start := start + part.m)
            filled.A[rows], filled.y[rows], filled.w[rows] = part.A, part.y, part.w
        return filled

    @classmethod
    def none_of(cls, problem: Problem) -> "Rows":
        """Return no rows: what reads those of a block."""
        A, nothing = np.empty((0, problem.data.n)), np.empty(0)
        return cls(problem.frame, problem.model.likelihood, A, nothing, nothing)

    def read(self, block: Block) -> "Rows":
        """Return the rows of a block in place of these."""
        return replace(self, A=self.frame.prepare(block.X), y=block.y, w=block.row_weights)

    @property
    def m(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def n(self) -> int:
        """Number of features."""
        return int(self.A.shape[1])

    @property
    def read_from(self) -> str | None:
        """None: they are at hand."""
        return None

    def at_hand(self) -> "Rows":
        """Return itself."""
        return self

    @property
    def weight(self) -> float:
        """W, the sum of the weights."""
        return float(self.w.sum())

    def under(self, frame: Frame, likelihood: Likelihood) -> "Rows":
        """Return the same rows for another predictor on them, and another likelihood."""
        return replace(self, frame=frame, likelihood=likelihood)

    def of_rows(self, rows: Integers) -> "Rows":
        """Return some of the rows."""
        return replace(self, A=self.A[rows], y=self.y[rows], w=self.w[rows])

    def parts(self, members: int = 1) -> Iterator["Rows"]:
        """Hand the rows out a cacheful at a time."""
        plain = min(PLAIN, max(LAYERED, NUMBERS // max(self.n, 1)))
        size = max(LEAST, (LAYERED if self.frame.layered else plain) // max(members, 1))
        if self.A.dtype == np.float32:
            size = SINGLE
        if self.m <= size:
            yield self
            return
        for start in range(0, self.m, size):
            rows = slice(start, start + size)
            yield replace(self, A=self.A[rows], y=self.y[rows], w=self.w[rows])

    def fold[T](self, function: Callable[["Rows"], T], combine: Callable[[T, T], T]) -> T:
        """Bring `function` of every cacheful together by the associative `combine`."""
        return reduce(combine, map(function, self.parts()))

    def parameters(self, beta: Array) -> dict[str, Array]:
        """Return the predictor's parameters by name, in the precision of the rows."""
        at = beta.astype(self.A.dtype, copy=False)
        return flat.split(at, self.frame.shapes)

    def eta(self, beta: Array) -> Array:
        """Evaluate η at every row, shape (..., m) or (k, ..., m)."""
        return self.frame.predictor.eta(self.parameters(beta), self.A)

    def log_likelihood(self, eta: Array, values: Values) -> Any:
        """Evaluate Σ wᵢ log p(yᵢ | ηᵢ, φ) from η, over the last axis."""
        return self.likelihood.log_density(self.y, eta, by_row(values)) @ self.w

    def value(self, beta: Array, values: Values) -> Any:
        """Return the sum alone, rows taken a cacheful at a time (J1)."""
        members = prod(beta.shape[:-1])
        return sum(part._value(beta, values) for part in self.parts(members))

    def _value(self, beta: Array, values: Values) -> Any:
        return self.log_likelihood(self.eta(beta).astype(np.float64, copy=False), values)

    def sums(self, beta: Array, values: Values) -> Sums:
        """Return the sum and its derivatives, rows taken a cacheful at a time (J1)."""
        at, members = by_row(values), prod(beta.shape[:-1])
        return reduce(Sums.plus, (part._sums(beta, at) for part in self.parts(members)))

    def _sums(self, beta: Array, at: Mapping[str, Any]) -> Sums:
        eta, back = self.frame.pullback(self.parameters(beta), self.A)
        eta = eta.astype(np.float64, copy=False)
        density, score, by_value = terms_of(self.likelihood, self.y, eta, at)
        gradient = back((self.w * score).astype(self.A.dtype, copy=False))
        return Sums(
            density @ self.w,
            flat.join(gradient, self.frame.shapes).astype(np.float64, copy=False),
            {name: slopes @ self.w for name, slopes in by_value.items()},
        )

    def information(self, beta: Array, values: Values) -> Array:
        """Return JᵀΛJ, rows taken a cacheful at a time (J7)."""
        at = by_row(values)
        return reduce(add, (part._information(beta, at) for part in self.parts()))

    def _information(self, beta: Array, at: Mapping[str, Any]) -> Array:
        parameters = self.parameters(beta)
        eta = self.frame.predictor.eta(parameters, self.A)
        information = self.w * self.likelihood.information(eta, at)
        if self.frame.gram is not None:
            return self.frame.gram.gram(parameters, self.A, information)
        J = jacobian_of(self.frame, parameters, self.A)
        if information.ndim > eta.ndim:  # of outputs that are not orthogonal
            turned = np.einsum("klm,lmp->kmp", information, J, optimize=True)
            return np.asarray(J.reshape(-1, J.shape[-1]).T @ turned.reshape(-1, J.shape[-1]))
        J = J.reshape(-1, J.shape[-1])
        return np.asarray((J * np.ravel(information)[:, None]).T @ J)

    def minibatches(self, size: int, rng: np.random.Generator) -> Iterator["Rows"]:
        """Yield all rows once, shuffled, at most `size` at a time."""
        for rows in np.array_split(rng.permutation(self.m), -(-self.m // size)):
            yield self.of_rows(rows)


def by_row(values: Values) -> dict[str, Any]:
    """Return values that broadcast against rows on the last axis."""
    return {name: v if np.ndim(v) == 0 else np.asarray(v)[..., None] for name, v in values.items()}


def jacobian_of(frame: Frame, parameters: Mapping[str, Array], A: Array) -> Array:
    """Return the Jacobian, or refuse a predictor that has none by name."""
    return with_jacobian(frame.predictor, "Curvature").jacobian(parameters, A)


def with_jacobian(predictor: Predictor, needed_by: str) -> HasJacobian:
    """Return a predictor that has a Jacobian, or refuse it by name."""
    if not isinstance(predictor, HasJacobian):
        raise IncompatibleModelError(
            f"{needed_by} needs the Jacobian of the predictor, and {predictor!r} has no "
            "jacobian(parameters, X). Write one, or use MLE(), MAP() or NUTS(), which need eta and "
            "vjp alone."
        )
    return predictor
