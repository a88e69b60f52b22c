"""A fit as the weighted least squares that it is near its estimate (C1)."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.distributions import Support
from bayesml.linalg import rank_report, triangular_factor
from bayesml.log_joint import Rows
from bayesml.log_joint.rows import by_row, jacobian_of
from bayesml.posteriors.base import Marginal
from bayesml.predictors import HasJacobian, Network
from bayesml.results.answer import Answer
from bayesml.typing import Array, Integers

MOST_COEFFICIENTS = 500
"""Beyond it the rows in coordinates of their own are more numbers than the checks are worth."""


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
    if not isinstance(predictor, HasJacobian):
        return f"{predictor!r} states no Jacobian."
    if not data.in_memory:
        return f"the rows are {data.whereabouts}, not in memory; data.collect() puts them there."
    if answer.statistics.rows != data.m:
        return "the fit has seen earlier rows, which are gone."
    if problem.frame.p > MOST_COEFFICIENTS:
        return f"there are {problem.frame.p} coefficients, more than {MOST_COEFFICIENTS}."
    if answer.statistics.weight <= problem.frame.p:
        return "there are no more rows than coefficients."
    return _at_the_estimate(answer)


def estimates(answer: Answer) -> dict[str, Array]:
    """Return every parameter at its mean, or at its median where that does not exist."""
    problem, posterior = answer.problem, answer.learned.posterior
    known = {name: np.asarray(v) for name, v in (problem.known | dict(posterior.constants)).items()}
    return known | {name: _centre(marginal) for name, marginal in posterior.marginals().items()}


def _centre(marginal: Marginal) -> Array:
    mean = np.asarray(marginal.mean)
    return mean if np.all(np.isfinite(mean)) else np.asarray(marginal.quantile(0.5))


def _at_the_estimate(answer: Answer) -> Linearised | str:
    problem, data, at = answer.problem, answer.data, estimates(answer)
    shapes, likelihood = problem.shapes, problem.model.likelihood
    beta = problem.frame.unnamed({name: at[name].reshape(s) for name, s in shapes.items()})
    values = by_row({name: at[name].reshape(()) for name in likelihood.parameters})
    kept = np.flatnonzero(data.row_weights > 0)
    every = Rows(
        problem.frame,
        likelihood,
        problem.frame.prepare(np.asarray(data.X, dtype=np.float64)),
        np.asarray(data.y),
        data.row_weights,
    )
    rows = every if len(kept) == every.m else every.of_rows(kept)
    eta = np.asarray(rows.eta(beta), dtype=np.float64)
    if eta.ndim > 1:
        return "the likelihood reads several outputs."
    information = likelihood.information(eta, values)
    z = np.sqrt(rows.w / information) * likelihood.score(rows.y, eta, values)
    weight = np.sqrt(rows.w * information)
    A = jacobian_of(problem.frame, rows.parameters(beta), rows.A) * weight[:, None]
    Q = _orthonormal(A)
    freedom = float(rows.w.sum()) - Q.shape[1]
    spread = float(np.sqrt(z @ z / freedom))
    if not (np.isfinite(spread) and spread > 0):
        return "the residuals are zero, or not finite."
    labels, order = data.row_labels, order_of_rows(answer)
    return Linearised(z / spread, Q, eta, weight, kept, labels, order, spread, likelihood.support)


def _orthonormal(A: Array) -> Array:
    """Return an orthonormal basis of the columns, by the one decision about rank (C2)."""
    R = triangular_factor(A)
    report = rank_report(R, np.zeros(R.shape[1]))
    k = report.rank
    return np.asarray(A @ (report.right[:k].T / report.singular[:k] / report.scale[:, None]))


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
