"""The density of scales with effects of the largest factor integrated, and all else by Laplace.

Derived in docs/theory/group_effects.md, (G44) and (G45).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from bayesml.data.grouped_rows import design_of_effects
from bayesml.errors import ConvergenceError
from bayesml.log_joint.group_joint import GroupJoint, OfCoefficients, group_joint, of_coefficients
from bayesml.log_joint.group_quadrature import Expected, Integral, Nodes, expected, integral, slopes
from bayesml.log_joint.joint import differenced
from bayesml.log_joint.level_rows import LevelRows
from bayesml.log_joint.rows import Rows
from bayesml.model import Problem
from bayesml.predictors import Grouped
from bayesml.priors import WithGroups
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array

MOST_STEPS = 50
SETTLED = 1e-5
"""Nats that Newton's next step would gain, below which it is the last."""

HALVINGS, SLACK = 12, 0.1
"""Of steps, until no more nats are lost: few nodes have a slope that is not quite their own."""


class Mode(NamedTuple):
    """All else at its mode given h (G44).

    Attributes
    ----------
    log_density : float
        log p̃(y, h).
    c : ndarray, shape (n,)
        Coefficients in their frame, and unit effects of the other factors.
    centre : ndarray, shape (d, L)
        v̂ of the largest factor.
    linear, curvature : ndarray, shape (n,) and (n, n)
        b and M: the likelihood and the prior of coefficients as exp(bᵀa − ½aᵀMa), with a the
        coefficients and the effects themselves.
    """

    log_density: float
    c: Array
    centre: Array
    linear: Array
    curvature: Array


@dataclass(frozen=True, eq=False)
class Nested:
    r"""log p(y, c, h) with the effects of the largest factor integrated, c = (z, v) (G44).

    Attributes
    ----------
    joint : GroupJoint
        Of everything: its coordinates, priors and names.
    rows : LevelRows
    predictor : Grouped
    prior : OfCoefficients
    """

    joint: GroupJoint
    rows: LevelRows
    predictor: Grouped
    prior: OfCoefficients

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return self.joint.count

    @property
    def n(self) -> int:
        """Number of coefficients and effects of other factors."""
        return self.rows.n

    @cached_property
    def free(self) -> int:
        """Number of parameters of the likelihood that are inferred."""
        return sum(block.size for block in self.joint.inner.coordinates.free)

    @property
    def size(self) -> int:
        """Number of coordinates of h: parameters of the likelihood, and of covariances."""
        return self.free + self.joint.scales.size

    @cached_property
    def _precision(self) -> Array | None:
        """The precision of the coefficients where it is a number, not a function."""
        rows = self.prior.prior.normal_rows(self.prior.view)
        if rows is None or rows.scale is not None:
            return None
        precision = rows.precision({})
        return np.diag(precision) if precision.ndim == 1 else precision

    @cached_property
    def others(self) -> tuple[tuple[int, int], ...]:
        """Levels and terms of the other factors; a curve has a level for every direction."""
        tables = tuple(part.table for part in self.predictor.in_order())
        return tables[1:] if self.predictor.groups else tables

    def values(self, h: Array) -> dict[str, Any]:
        """Return the likelihood's parameters at h of shape (..., size)."""
        at = self.joint.inner.coordinates
        start, out = 0, dict(at.known)
        for block in at.free:
            out[block.name] = block.support.constrain(block.reference + h[..., start])
            start += block.size
        return out

    def roots(self, h: Array) -> list[Array]:
        """Return Λ of every factor, the largest first, of no terms if there are only curves."""
        found = self.joint.scales.factors(h[..., self.free :])
        return found if self.predictor.groups else [np.empty((*h.shape[:-1], 0, 0)), *found]

    def log_prior(self, h: Array) -> Array:
        """Evaluate log p(h), the Jacobian of its coordinates included."""
        theta = h[..., self.free :]
        out, start = self.joint.scales.log_prior(theta, np.zeros(h.shape[:-1])), 0
        for block in self.joint.inner.coordinates.free:
            u = block.reference + h[..., start]
            out = out + block.prior.log_density(block.support.constrain(u))
            start += block.size
        return np.asarray(out + self.log_jacobian(h))

    def log_jacobian(self, h: Array) -> Array:
        """Evaluate log |∂(φ, scales, partial correlations)/∂h|."""
        theta, start = h[..., self.free :], 0
        out = self.joint.scales.log_jacobian(theta, np.zeros(h.shape[:-1]))
        for block in self.joint.inner.coordinates.free:
            out = out + block.support.log_jacobian(block.reference + h[..., start])
            start += block.size
        return np.asarray(out)

    def turned(self, columns: Array, roots: list[Array], *, back: bool = False) -> Array:
        """Return Λ times the rows of the other factors, or Λᵀ times; columns of shape (n, ...)."""
        return turned(columns, self.others, roots[1:], first=self.p, back=back)

    def eta(self, c: Array, h: Array) -> Array:
        """Return e at c of shape (B, n) and h of shape (B, size)."""
        roots = self.roots(h)
        a = np.stack([self.turned(own, [root[k] for root in roots]) for k, own in enumerate(c)])
        return self.rows.eta(a)

    def integral(
        self, c: Array, h: Array, start: Array, nodes: Nodes, tolerance: float
    ) -> Integral:
        """Integrate over the effects of the largest factor at B points."""
        e, root = self.eta(c, h), self.roots(h)[0]
        with np.errstate(all="ignore"):  # a draw beyond the density's reach has no weight
            return integral(self.rows, e, self.values(h), root, start, nodes, tolerance)

    def log_prior_of(self, c: Array, h: Array) -> Array:
        """Evaluate log p(z | φ) + log Normal(v; 0, I) + log p(h), shape (B,)."""
        beta, v = self.beta(c[:, : self.p]), c[:, self.p :]
        of_beta = self.prior.terms(beta, self.values(h)).value
        of_v = -0.5 * np.sum(v * v, axis=1) - v.shape[1] * HALF_LOG_2PI
        return np.asarray(of_beta + of_v + self.log_prior(h))

    def mode(
        self, h: Array, start: Mode, nodes: Nodes, tolerance: float, settled: float = SETTLED
    ) -> Mode:
        """Maximise over c given h by Newton's method, and expand there (G44).

        Its last step would gain no more than so many nats; values that are differenced need few.
        """
        c, roots, wide = start.c, self.roots(h), h[None]
        found = self.integral(c[None], wide, start.centre[None], nodes, tolerance)
        before: Array = np.zeros(self.n)
        damped, bent = 1.0, True
        for _ in range(MOST_STEPS):
            slope, M = self._expanded(c, h, found, nodes)
            gradient = self.turned(slope, roots, back=True)
            gradient[self.p :] -= c[self.p :]
            if gradient @ before < -SETTLED:  # few nodes may bend too little, and steps go too far
                damped, bent = damped if bent else 0.5 * damped, False
            L = self._root(M, roots) if bent else None
            if L is None:
                M = self.expected(c, h, found.centre[0]).curvature(roots[0])
                L = self._root(M, roots)
            if L is None:
                break
            step = np.linalg.solve(L.T, np.linalg.solve(L, gradient))
            gain = 0.5 * float(gradient @ step)
            if gain < settled:
                half_det = float(np.log(np.diag(L)).sum())
                value = float(found.value[0] + self.log_prior_of(c[None], wide)[0]) + gain
                value += self.n * HALF_LOG_2PI - half_det
                b = M @ self.turned(c, roots) + slope
                return Mode(value, c + step, found.centre[0], b, M)
            before = damped * step
            c, found = self._ascended(c, before, wide, found, nodes, tolerance)
        raise ConvergenceError(
            "The mode of coefficients and effects given scales was not found: state proper priors, "
            "or use NUTS()."
        )

    def precision(self, M: Array, roots: list[Array]) -> Array:
        """Return K = TᵀMT + P, of c (G44)."""
        half = self.turned(M, roots, back=True)
        K = self.turned(half.T, roots, back=True)
        at = np.arange(self.p, self.n)
        K[at, at] += 1.0
        return 0.5 * (K + K.T)

    def blank(self) -> Mode:
        """Return where a search begins: nothing known of anything."""
        d, n = self.rows.terms, self.n
        centre = np.zeros((d, len(self.rows.levels)))
        return Mode(-np.inf, np.zeros(n), centre, np.zeros(n), np.zeros((n, n)))

    def x(self, c: Array, v: Array, h: Array) -> Array:
        """Return the coordinates of `joint`, from v of the largest factor, (B, levels, d)."""
        names = [part.factor for part in self.predictor.in_order()]
        blocks, start = {names[0]: v.reshape(len(c), -1)}, self.p
        for name, (levels, terms) in zip(names[1:], self.others, strict=True):
            blocks[name] = c[:, start : (start := start + levels * terms)]
        effects = [blocks[part.factor] for part in self.predictor.blocks]
        return np.concatenate([c[:, : self.p], *effects, h], axis=1)

    def beta(self, z: Array) -> Array:
        """Return coefficients in their frame's units, centred, from z."""
        frame = self.joint.inner.coordinates.frame
        return np.asarray(frame.start[: self.p] + frame.scale[: self.p] * z)

    def _ascended(
        self, c: Array, step: Array, h: Array, found: Integral, nodes: Nodes, tolerance: float
    ) -> tuple[Array, Integral]:
        """Go along Newton's step, halved until it ascends."""
        value = found.value[0] + self.log_prior_of(c[None], h)[0]
        for _ in range(HALVINGS):
            tried = self.integral((c + step)[None], h, found.centre, nodes, tolerance)
            if tried.value[0] + self.log_prior_of((c + step)[None], h)[0] > value - SLACK:
                break
            step = 0.5 * step
        return c + step, tried

    def _expanded(self, c: Array, h: Array, found: Integral, nodes: Nodes) -> tuple[Array, Array]:
        """Return the gradient of likelihood and prior of coefficients in a, and −∂² (G43)."""
        values, root, p = self.values(h), self.roots(h)[0][None], self.p
        found_slopes = slopes(self.rows, self.eta(c[None], h[None]), values, root, found, nodes)
        beta, units = self.beta(c[:p]), self.joint.inner.coordinates.frame.scale[:p]
        slope, M = found_slopes
        slope[:p] += units * self.prior.terms(beta, values).score
        M[:p, :p] += self._of_prior(c, values)
        return slope, M

    def expected(self, c: Array, h: Array, centre: Array) -> Expected:
        """Return expected information and the curvature of the prior of coefficients (G45)."""
        e, root, values = self.eta(c[None], h[None]), self.roots(h)[0][None], self.values(h)
        found = expected(self.rows, e, values, root, centre)
        found.gram[: self.p, : self.p] += self._of_prior(c, values)
        return found

    def _of_prior(self, c: Array, values: Mapping[str, Any]) -> Array:
        """Return the curvature of the prior of coefficients in their frame."""
        units, P = self.joint.inner.coordinates.frame.scale[: self.p], self._precision
        if P is None:
            prior, beta = self.prior, self.beta(c[: self.p])
            P = -differenced(lambda at: prior.terms(at, values).score, beta)
        return P * np.outer(units, units)

    def _root(self, M: Array, roots: list[Array]) -> Array | None:
        """Return a root of K, or None where it is not positive definite."""
        K = self.precision(M, roots)
        try:
            return np.linalg.cholesky(K) if np.isfinite(K).all() else None
        except np.linalg.LinAlgError:
            return None


def turned(
    columns: Array,
    shapes: tuple[tuple[int, int], ...],
    roots: list[Array],
    *,
    first: int = 0,
    back: bool = False,
) -> Array:
    """Return Λ times the rows of factors, the first from `first` on, or with `back` Λᵀ times."""
    out, start = np.array(columns, dtype=np.float64), first
    for (levels, terms), root in zip(shapes, roots, strict=True):
        here = slice(start, start := start + levels * terms)
        own = out[here].reshape(levels, terms, -1)
        times = np.einsum("ab,gbn->gan", root.T if back else root, own)
        out[here] = times.reshape(out[here].shape)
    return out


def nested(problem: Problem, predictor: Grouped, prior: WithGroups) -> Nested:
    """Return the density of a problem with groups whose rows are in memory."""
    joint = group_joint(problem, predictor, prior)
    rows = _level_rows(problem, predictor, joint)
    return Nested(joint, rows, predictor, of_coefficients(problem, predictor, prior))


def _level_rows(problem: Problem, predictor: Grouped, joint: GroupJoint) -> LevelRows:
    """Put the rows in the order of the levels of the largest factor."""
    rows, frame, part = Rows.of(problem), joint.inner.coordinates.frame, predictor.part
    groups = list(predictor.by_levels())
    codes = groups[0].codes(rows.A) if groups else np.zeros(rows.m, dtype=np.intp)
    order = np.argsort(codes, kind="stable")
    A, y, w, codes = rows.A[order], rows.y[order], rows.w[order], codes[order]
    levels, starts = np.unique(codes, return_index=True)
    ones = [np.ones((len(y), 1))] if part.intercept else []
    columns = np.hstack([*ones, A[:, part.where]])
    base = columns @ frame.start[: joint.count]
    if predictor.fixed.known.offset is not None:
        base = base + A[:, predictor.fixed.known.offset]
    Z = [design_of_effects(other, A) for other in groups[1:]]
    Z += [_dense(curve.rows(A)) for curve in predictor.smooths]
    return LevelRows(
        problem.model.likelihood,
        y,
        w,
        base,
        A[:, list(predictor.fixed.known.outputs)].T,
        columns * frame.scale[: joint.count],
        sp.hstack([sp.csr_matrix((len(y), 0)), *Z]).tocsr(),
        groups[0].terms(A).T if groups else np.empty((0, len(y))),
        levels,
        starts,
    )


def _dense(rows: Array) -> sp.csr_matrix:
    """Return a matrix whose zeros are stored, as many in every row."""
    m, k = rows.shape
    return sp.csr_matrix((rows.ravel(), np.tile(np.arange(k), m), np.arange(m + 1) * k), (m, k))
