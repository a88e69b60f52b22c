"""A fit as the weighted least squares that it is near its estimate (C1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.data import Block, Data
from bayesml.data.roles import TRIALS
from bayesml.distributions import Support
from bayesml.linalg import gram_factor, rank_report, triangular_factor
from bayesml.linalg.centred import GRAM_SAFE
from bayesml.log_joint import Rows
from bayesml.log_joint.rows import by_row, jacobian_of
from bayesml.model import Problem
from bayesml.posteriors.base import HasGroupEffects, Marginal
from bayesml.predictors import HasJacobian, Network
from bayesml.results.answer import Answer
from bayesml.typing import Array, Integers

MOST_COEFFICIENTS = 500
"""Beyond it the rows in coordinates of their own are more numbers than the checks are worth."""

CACHED = 8192
"""Rows at a time, so that what is made of them on the way stays in the cache."""


SATURATED = 1e-8
"""What leverage leaves of a row, below which it is rounding: the row alone decides its fit."""


@dataclass(frozen=True, eq=False)
class Linearised:
    r"""Residuals of unit variance and the rows that they belong to.

    .. math:: z_i = \sqrt{w_i}\,\frac{s_i}{\sqrt{I_i}}, \qquad
              \tilde a_i = \sqrt{w_i I_i}\,\frac{\partial\eta_i}{\partial\beta} \qquad (C1)

    Attributes
    ----------
    z : ndarray, shape (m,)
        In units of their own standard deviation over the rows.
    Q : ndarray, shape (m, r)
        The rows :math:`\tilde a_i` in an orthonormal basis of their range.
    eta : ndarray, shape (m,)
        On the link scale.
    weight : ndarray, shape (m,)
        √(wᵢ Iᵢ), by which a column of the predictor becomes one of the least squares.
    rows : ndarray of int, shape (m,)
        Which rows of the data these are: those of positive weight.
    labels : ndarray or None
        Names of the rows of the data.
    ordered_by : str
        What the rows are in order of, or empty.
    spread : float
        The standard deviation of the residuals before they were divided by it.
    support : Support
        Of y.
    trials : bool
        Whether y counts successes among trials that are known.
    """

    z: Array
    Q: Array
    eta: Array
    weight: Array
    rows: Integers
    labels: NDArray[Any] | None
    ordered_by: str
    spread: float
    support: Support
    trials: bool

    @property
    def m(self) -> int:
        """Number of rows."""
        return len(self.z)

    @property
    def p(self) -> int:
        """Number of coefficients that the rows determine."""
        return int(self.Q.shape[1])

    @cached_property
    def leverage(self) -> Array:
        """Diagonal of the hat matrix, shape (m,) (C2)."""
        return np.asarray(np.einsum("ij,ij->i", self.Q, self.Q))

    @property
    def free(self) -> NDArray[np.bool]:
        """Rows that do not alone decide their own fit: of others nothing is left over."""
        return np.asarray(self.leverage < 1.0 - SATURATED)

    @cached_property
    def standardised(self) -> Array:
        """Residuals of variance one in every free row, z/√(1 − h) (C2); zero in others."""
        rest = np.maximum(1.0 - self.leverage, SATURATED)
        return np.where(self.free, self.z / np.sqrt(rest), 0.0)

    def left(self, v: Array) -> Array:
        """Return what the columns of the model leave of another one."""
        return np.asarray(v - self.Q @ (self.Q.T @ v))

    def name(self, k: int) -> str:
        """Name a row as the data do."""
        return row_name(self.labels, int(self.rows[k]))

    def names(self, where: Integers, most: int = 5) -> str:
        """Name some rows, in the order given."""
        said = ", ".join(self.name(int(k)) for k in where[:most])
        return said if len(where) <= most else f"{said} and {len(where) - most} more"


def row_name(labels: NDArray[Any] | None, row: int) -> str:
    """Name a row as the data do, a date without the hours that it does not have.

    >>> row_name(None, 3), row_name(np.array(["1871-01-01"], "datetime64[us]"), 0)
    ('row 3', 'row 1871-01-01')
    """
    if labels is None:
        return f"row {row}"
    label = labels[row]
    if labels.dtype.kind == "M":
        day = label.astype("datetime64[D]")
        label = day if day == label else label.astype("datetime64[s]")
    return f"row {label}"


def linearise(answer: Answer) -> Linearised | str:
    """Linearise a fit at its estimate; or say why that is not done."""
    problem, data = answer.problem, answer.data
    predictor = problem.model.predictor
    if isinstance(predictor, Network):
        return "a network has no coefficients of which one could say what a row does to them."
    if problem.grouped is None and not isinstance(predictor, HasJacobian):
        return f"{predictor!r} states no Jacobian."
    if not data.in_memory:
        return f"the rows are {data.whereabouts}, not in memory; data.collect() puts them there."
    if answer.statistics.rows != data.m:
        return "the fit has seen earlier rows, which are gone."
    if problem.frame.p > MOST_COEFFICIENTS:
        return f"there are {problem.frame.p} coefficients, more than {MOST_COEFFICIENTS}."
    if answer.statistics.weight <= problem.frame.p:
        return "there are no more rows than coefficients."
    if outputs_read(problem) > 1:
        return "the likelihood reads several outputs."
    return _at_the_estimate(answer)


def outputs_read(problem: Problem) -> int:
    """Count the outputs that a likelihood reads of the predictor, without what is known."""
    statistics = problem.statistics
    return len(problem.model.likelihood.outputs(statistics.mean_y, statistics.sd_y))


def estimates(answer: Answer) -> dict[str, Array]:
    """Return every parameter at its mean, or at its median where that does not exist."""
    problem, posterior = answer.problem, answer.learned.posterior
    known = {name: np.asarray(v) for name, v in (problem.known | dict(posterior.constants)).items()}
    found = {name: _centre(marginal) for name, marginal in posterior.marginals().items()}
    if isinstance(posterior, HasGroupEffects) and problem.grouped is not None:
        blocks = problem.grouped.blocks
        found |= {part.name: _centre(posterior.effects(part.factor)) for part in blocks}
    return known | found


def _centre(marginal: Marginal) -> Array:
    mean = np.asarray(marginal.mean)
    return mean if np.all(np.isfinite(mean)) else np.asarray(marginal.quantile(0.5))


def _at_the_estimate(answer: Answer) -> Linearised | str:
    problem, data, at = answer.problem, answer.data, estimates(answer)
    shapes, likelihood = problem.shapes, problem.model.likelihood
    beta = problem.frame.unnamed({name: at[name].reshape(s) for name, s in shapes.items()})
    values = by_row({name: at[name].reshape(()) for name in likelihood.parameters})
    none, w = Rows.none_of(problem), data.row_weights
    kept = np.flatnonzero(w)
    z, eta, weight = np.empty((3, data.m))
    A = np.empty((data.m, problem.frame.p), order="F")
    for start in range(0, data.m, CACHED):
        part = slice(start, start + CACHED)
        rows = none.read(_block(data, w, part))
        with np.errstate(divide="ignore", invalid="ignore"):  # shows in the residuals
            eta[part], weight[part], z[part] = _at_rows(rows, beta, values)
            np.multiply(_columns(problem, rows, beta), weight[part, None], out=A[part])
    if len(kept) < data.m:
        z, eta, weight, A = z[kept], eta[kept], weight[kept], A[kept]
    if not np.isfinite(z @ z):
        return "some residuals are not finite."
    Q = _orthonormal(A)
    z -= Q @ (Q.T @ z)  # what a prior holds back is not the residuals' (C2)
    spread = float(np.sqrt(z @ z / (float(w.sum()) - Q.shape[1])))
    if not spread > 0:
        return "the residuals are zero."
    labels, order, trials = (
        data.row_labels,
        order_of_rows(answer),
        TRIALS in data.design.roles.known,
    )
    return Linearised(
        z / spread, Q, eta, weight, kept, labels, order, spread, likelihood.support, trials
    )


def _block(data: Data, w: NDArray[np.float64], rows: slice) -> Block:
    # columns contiguous: what follows is done a column at a time, and rows are short
    return Block(np.asfortranarray(data.X[rows], dtype=np.float64), data.y[rows], w[rows])


def _columns(problem: Problem, rows: Rows, beta: Array) -> Array:
    """Return ∂η/∂β, effects of groups and curves among β as if they varied freely (C1)."""
    if problem.grouped is None:
        return _free(jacobian_of(rows.frame, rows.parameters(beta), rows.A), 2)
    return problem.grouped.columns(rows.A)


def _at_rows(rows: Rows, beta: Array, values: Mapping[str, Any]) -> tuple[Array, Array, Array]:
    """Return η, √(wI) and z of a cacheful of rows (C1)."""
    eta = np.asarray(rows.eta(beta), dtype=np.float64)
    information = _free(rows.likelihood.information(eta, values), 1)
    score = _free(rows.likelihood.score(rows.y, eta, values), 1)
    return _free(eta, 1), np.sqrt(rows.w * information), score * np.sqrt(rows.w / information)


def _free(values: Array, axes: int) -> Array:
    """Return what belongs to the one output that is not known, before these axes."""
    return values if values.ndim == axes else np.asarray(values[0])


def _orthonormal(A: Array) -> Array:
    """Make of the columns an orthonormal basis, by the one decision about rank, in place (C2)."""
    R, condition = gram_factor(A.T @ A)
    if condition > GRAM_SAFE:
        R = triangular_factor(A)
    report = rank_report(R, np.zeros(R.shape[1]))
    k = report.rank
    inverse = report.right[:k] / report.singular[:k, None] / report.scale
    for start in range(0, len(A), CACHED):
        part = slice(start, start + CACHED)
        A[part, :k] = (inverse @ A[part].T).T
    return A[:, :k]


def order_of_rows(answer: Answer) -> str:
    """Name what the rows are in order of: dates, or a column that only rises or only falls."""
    data = answer.data
    labels = data.row_labels
    if labels is not None and labels.dtype.kind == "M" and _monotone(labels):
        return "their dates"
    if data.columns is None:
        columns = dict(zip(data.feature_names, np.asarray(data.X).T, strict=True))
    else:
        columns = {k: v for k, v in data.columns.items() if isinstance(v, np.ndarray)}
    return next((name for name, v in columns.items() if _monotone(v)), "")


def _monotone(values: NDArray[Any]) -> bool:
    """Say whether values only rise or only fall; the first few say no at once where they do not."""
    for part in (values[:100], values):
        up = part[1:] > part[:-1]
        if len(part) < 3 or not (up.all() or (part[1:] < part[:-1]).all()):
            return False
    return True
