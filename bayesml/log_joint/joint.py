"""The log joint density of a problem. Derived in docs/theory/log_joint.md."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from bayesml.errors import DataError
from bayesml.likelihoods import Canonical
from bayesml.log_joint.coordinates import Coordinates, coordinates_of
from bayesml.log_joint.folded import SingleRows, folded
from bayesml.log_joint.rows import Rows
from bayesml.log_joint.statistics import has_linear_eta, not_linear_gaussian, statistics_of
from bayesml.log_joint.sums import RowSum, Sums, Values
from bayesml.model import Problem
from bayesml.predictors import HasJacobian
from bayesml.priors import NormalRows, PriorTerms, Resolved, Spread, normal_terms
from bayesml.typing import Array, Integers


class PriorSum(Protocol):
    """The log prior density of β as a function of β and of what it is scaled by."""

    def terms(self, beta: Array, values: Values) -> PriorTerms:
        """Evaluate log p(β | values) and its derivatives."""

    def precision(self, beta: Array, values: Values) -> Array:
        """Return −∂² log p/∂β², shape (p, p)."""


@dataclass(frozen=True, eq=False)
class GaussianPrior:
    """Gaussian rows, made once (J6).

    Attributes
    ----------
    rows : NormalRows
    """

    rows: NormalRows

    def terms(self, beta: Array, values: Values) -> PriorTerms:
        """Evaluate the Normal densities of the rows."""
        return normal_terms(self.rows, beta, values)

    def precision(self, beta: Array, values: Values) -> Array:
        """Return PᵀP."""
        precision = self.rows.precision(values)
        return np.diag(precision) if precision.ndim == 1 else precision


@dataclass(frozen=True, eq=False)
class StatedPrior:
    """A prior that is not Gaussian, asked itself.

    Attributes
    ----------
    problem : Problem
    prior : Resolved
    """

    problem: Problem
    prior: Resolved

    def terms(self, beta: Array, values: Values) -> PriorTerms:
        """Evaluate its log density."""
        return self.prior.log_density_and_score(self.problem, beta, values)

    def precision(self, beta: Array, values: Values) -> Array:
        """Difference its score."""
        return -differenced(lambda at: self.terms(at, values).score, beta)


@dataclass(frozen=True, eq=False)
class LogJoint:
    r"""log p(y, β, φ, τ) and its derivatives in unbounded coordinates x (J3).

    .. math:: \log p = \sum_i w_i \log p(y_i \mid \eta_i, \phi) + \log p(\beta \mid \tau)
              + \log p(\phi) + \log p(\tau) \quad [\,+ \log |\partial(\phi, \tau)/\partial u|\,]

    Without the Jacobian it is the density of the parameters as the user states them, whose
    maximum is the MAP; with it that of x itself, which is sampled and expanded.

    Attributes
    ----------
    rows : RowSum
    prior : PriorSum
    coordinates : Coordinates
    jacobian : bool
        Whether the density is of x itself.
    """

    rows: RowSum
    prior: PriorSum
    coordinates: Coordinates
    jacobian: bool = False

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return self.coordinates.size

    @property
    def weight(self) -> float:
        """W, the sum of the weights of the rows."""
        return self.rows.weight

    @property
    def of_coefficients(self) -> bool:
        """Whether nothing but coefficients is free, and their curvature is known in closed form."""
        closed = isinstance(self.coordinates.frame.predictor, HasJacobian)
        return closed and not self.coordinates.free and isinstance(self.prior, GaussianPrior)

    def unconstrained(self) -> "LogJoint":
        """Return the density of x itself, with the Jacobian (J5)."""
        return replace(self, jacobian=True)

    def in_units(self, power: Array) -> "LogJoint":
        """Return the density with coefficients in units of powers of their scales (Z3)."""
        return replace(self, coordinates=replace(self.coordinates, power=power))

    def given(self, values: Values) -> "LogJoint":
        """Return the density of β alone, with all else known."""
        return replace(self, coordinates=self.coordinates.given(values))

    def log_density(self, x: Array) -> Any:
        """Evaluate the density at x of shape (..., size), without the way back to a gradient."""
        beta, values = self.coordinates.beta(x), self.coordinates.values(x)
        data = Sums(self.rows.value(beta, values), np.zeros_like(beta), {})
        return self.joined(x, data, beta, values)[0]

    def log_density_and_gradient(self, x: Array) -> tuple[Any, Array]:
        """Evaluate the density and its gradient in x."""
        beta, values = self.coordinates.beta(x), self.coordinates.values(x)
        return self.joined(x, self.rows.sums(beta, values), beta, values)

    def joined(self, x: Array, data: Sums, beta: Array, values: Values) -> tuple[Any, Array]:
        """Add the priors to a sum over rows, and take both to x by the chain rule (J4)."""
        at, p = self.coordinates, self.coordinates.p
        prior = self.prior.terms(beta, values)
        value, gradient = data.value + prior.value, np.empty(x.shape)
        along = at.unit(values) * (data.gradient + prior.score)
        gradient[..., :p] = along
        of_scales: Mapping[str, Any] = {}
        if at.spread is not None:
            of_scales, change = self._of_scales(at.spread, along * x[..., :p], values)
            value = value + change
        for block, where in at.blocks():
            u, phi = block.reference + x[..., where], values[block.name]
            slope = block.prior.score(phi)
            for terms in (data.by_value, prior.by_value, of_scales):
                slope = slope + terms.get(block.name, 0.0)
            density, slope = block.prior.log_density(phi), slope * block.support.slope(u)
            if self.jacobian:
                density = density + block.support.log_jacobian(u)
                slope = slope + block.support.log_jacobian_slope(u)
            value = value + (density.sum(axis=-1) if block.shape else density)
            gradient[..., where] = slope
        return value, gradient

    def _of_scales(
        self, spread: Spread, along: Array, values: Values
    ) -> tuple[Mapping[str, Any], Any]:
        """Return what moves with the scales: β, and the volume of its coordinates (Z4)."""
        w = self.coordinates.power
        slopes = np.where(spread.scaled, w * (along + self.jacobian), 0.0)
        volume = (w * np.log(spread.scale(values))).sum(axis=-1) if self.jacobian else 0.0
        return spread.pull(values, slopes), volume

    def precision(self, x: Array) -> Array:
        """Return the curvature −∂² log p/∂x² by the expected information, (size, size) (J7).

        JᵀΛJ and the prior's precision in z; differences of the gradient along what else is
        free, of which there is little. A predictor without a Jacobian is differenced whole.
        """
        at, p, d = self.coordinates, self.coordinates.p, self.size
        if not isinstance(at.frame.predictor, HasJacobian):
            return self.observed(x)
        beta, values = at.beta(x), at.values(x)
        scale = at.unit(values)
        of_beta = self.rows.information(beta, values) + self.prior.precision(beta, values)
        H = np.empty((d, d))
        H[:p, :p] = of_beta * np.outer(scale, scale)
        if d > p:
            along = np.arange(p, d)
            columns = -differenced(lambda v: self.log_density_and_gradient(v)[1], x, along)
            H[:, p:], H[p:, :] = columns, columns.T
            H[p:, p:] = 0.5 * (columns[p:] + columns[p:].T)
        return H

    def observed(self, x: Array) -> Array:
        """Return the curvature that these data have: the observed information.

        Where it does not depend on y it is the expected one; otherwise central differences of the
        gradient.
        """
        linear = has_linear_eta(self.coordinates.frame.predictor)
        if linear and self.of_coefficients and isinstance(self.rows, SingleRows):
            likelihood = self.rows.likelihood
            if isinstance(likelihood, Canonical) and likelihood.canonical:
                return self.precision(x)
        H = -differenced(lambda v: self.log_density_and_gradient(v)[1], x)
        return np.asarray(0.5 * (H + H.T))


def differenced(
    gradient: Callable[[Array], Array], x: Array, along: Integers | None = None
) -> Array:
    """Difference a gradient centrally, a column for every coordinate; error about 1e-10 at O(1)."""
    h = float(np.finfo(np.float64).eps) ** (1 / 3)
    columns = []
    for k in range(len(x)) if along is None else along:
        step = np.zeros(len(x))
        step[k] = h * max(1.0, abs(x[k]))
        columns.append((gradient(x + step) - gradient(x - step)) / (2.0 * step[k]))
    return np.column_stack(columns)


def log_joint(problem: Problem) -> LogJoint:
    """Return the log joint density of a problem: from statistics where they stand for the rows.

    Parameters
    ----------
    problem : Problem
        For maximum likelihood, one without priors.

    Raises
    ------
    DataError
        If single rows are needed and only their statistics are left.

    Examples
    --------
    >>> import bayesml as bm
    >>> problem = bm.Model(bm.Linear(), bm.StudentT()).resolve(bm.Data([[0.0], [1.0]], [1.0, 2.0]))
    >>> joint = log_joint(problem)
    >>> joint.size, joint.log_density_and_gradient(np.zeros(4))[1].shape
    (4, (4,))
    """
    prior = prior_sum(problem, problem.prior)
    return LogJoint(row_sum(problem), prior, coordinates_of(problem))


def prior_sum(problem: Problem, prior: Resolved) -> PriorSum:
    """Return the log density of a prior: by Gaussian rows where it has them."""
    normal = prior.normal_rows(problem)
    return StatedPrior(problem, prior) if normal is None else GaussianPrior(normal)


def row_sum(problem: Problem) -> RowSum:
    """Return the sum over the rows of a problem: statistics, rows at hand, or rows read in turn."""
    why = not_linear_gaussian(problem)
    return statistics_of(problem) if why is None else single_rows(problem, why)


def single_rows(problem: Problem, why: str) -> SingleRows:
    """Return the sum over single rows, at hand or read in turn."""
    data = problem.data
    if not (data.has_rows and problem.complete):
        raise DataError(
            f"Of these rows only the sufficient statistics are left, which stand for them in a "
            f"linear Gaussian model alone; here {why.rstrip('.')}. Give the rows."
        )
    if data.in_memory:
        return Rows.of(problem)
    return folded(problem)
