"""The scales of a network: prior precisions of its groups, and the noise; and how they are learned.

Derived in docs/theory/network.md, (M10) to (M12).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize_scalar

from bayesml.distributions import Distribution
from bayesml.errors import ImproperPosteriorError
from bayesml.inference.networks.local import Near
from bayesml.inference.networks.objective import GivenScales, Point
from bayesml.likelihoods import HasNoiseScale
from bayesml.log_joint import Folded, Rows
from bayesml.priors import Groups, Layered
from bayesml.typing import Array

OUTSIDE = 1e30
"""In place of infinity where a prior has no density: the search reckons with differences."""

NEARBY = (0.0, 0.02)
"""Where the search for one parameter begins, in its log: it changes little from step to step."""

MOST = 3.0
"""How far the log of a parameter may move in a step."""

PRECISIONS = (1e-6, 1e8)
"""Bounds of learned precisions: a group is free, or switched off."""

EXACT, TOLD = 1e-4, 0.02
"""Of the spread of y: what is told more closely has no noise. And of the rows that may be."""


@dataclass(frozen=True, eq=False)
class NetworkScales:
    """Prior precisions by group, and the noise.

    Attributes
    ----------
    precision : ndarray, shape (G,)
        1/τ² of every group, in the network's own units.
    values : mapping of name to float
        φ, in the data's units.
    """

    precision: Array
    values: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Hyperprior:
    """What is assumed of the scales before the data.

    Attributes
    ----------
    prior : Layered
    groups : Groups
    parameter_priors : mapping of name to Distribution
        Of the likelihood's parameters that are inferred.
    known : mapping of name to float
    """

    prior: Layered
    groups: Groups
    parameter_priors: Mapping[str, Distribution]
    known: Mapping[str, float]

    def objective(self, rows: Rows | Folded, near: Near, scales: NetworkScales) -> GivenScales:
        """Return the objective under given scales."""
        return GivenScales(rows, near, scales.precision[self.groups.members], scales.values)

    def log_density(self, scales: NetworkScales) -> float:
        """Evaluate log p of the logs of the learned scales, up to a constant."""
        total = 0.0
        if self.prior.learned:
            alpha = scales.precision
            total += float(np.sum(self.prior.shape * np.log(alpha) - self.prior.rate * alpha))
        for name, density in self.parameter_priors.items():
            value = scales.values[name]
            total += float(density.log_density(value)) + float(np.log(value))
        return total


def log_evidence(rows: Rows | Folded, point: Point, scales: NetworkScales, log_det: float) -> float:
    """Evaluate Laplace's evidence with the Gauss-Newton matrix (M10); −∞ without a prior."""
    if np.any(point.precision <= 0):
        return -np.inf
    fit = float(rows.at_hand().log_likelihood(point.here.eta, scales.values))
    penalty = 0.5 * float(point.precision @ point.x**2)
    return fit - penalty + 0.5 * float(np.sum(np.log(point.precision))) - 0.5 * log_det


@dataclass(frozen=True, eq=False)
class ByEvidence:
    """Learn the scales from the Laplace evidence (MacKay 1992)."""

    hyperprior: Hyperprior

    def judge(self, rows: Rows, point: Point, scales: NetworkScales) -> tuple[float, NetworkScales]:
        """Return the log evidence of the scales with their own density, and better ones."""
        refuse_exact(rows, point, scales, self.hyperprior.known)
        regression = point.regression()
        value = log_evidence(rows, point, scales, regression.log_det)
        groups, prior = self.hyperprior.groups, self.hyperprior.prior
        shrunk = scales.precision * groups.total(regression.inverse_diagonal())
        determined = np.clip(groups.sizes - shrunk, 0.0, groups.sizes)
        precision = scales.precision
        if prior.learned:
            squares = groups.total(point.x**2)
            precision = np.clip(
                (determined + 2.0 * prior.shape) / (squares + 2.0 * prior.rate), *PRECISIONS
            )
        values = learn_values(
            rows, point, scales, self.hyperprior.parameter_priors, float(determined.sum()), 1.0
        )
        return value + self.hyperprior.log_density(scales), NetworkScales(precision, values)


def refuse_exact(
    rows: Rows, point: Point, scales: NetworkScales, known: Mapping[str, float]
) -> None:
    """Refuse rows that are told exactly: their density has no bound (M35).

    Raises
    ------
    ImproperPosteriorError
        If the noise is not known, and more than two rows in a hundred are told to a ten-thousandth
        of the spread of y.
    """
    likelihood, sd = rows.likelihood, float(np.std(rows.y))
    stated = isinstance(likelihood, HasNoiseScale) and likelihood.noise_scale in known
    if stated or sd == 0.0 or likelihood.support.discrete:
        return
    density = likelihood.log_density(rows.y, point.here.eta, scales.values)
    told = float(rows.w[density > -np.log(EXACT * sd)].sum()) / rows.weight
    if told > TOLD:
        raise ImproperPosteriorError(
            f"The posterior of the noise is improper: the network tells {told:.0%} of the rows to "
            f"less than {EXACT:g} of the target's spread, and the density of such rows grows "
            "without end as their noise goes to zero. State what is known of the noise, for "
            f"example Gaussian(sigma={1e-3 * sd:.1g})."
        )


@dataclass(frozen=True, eq=False)
class ByJointMode:
    """Keep the precisions, and take the noise at the mode of the density of φ itself."""

    hyperprior: Hyperprior

    def judge(self, rows: Rows, point: Point, scales: NetworkScales) -> tuple[float, NetworkScales]:
        """Return the log joint density, and better scales."""
        density = sum(
            float(prior.log_density(scales.values[name]))
            for name, prior in self.hyperprior.parameter_priors.items()
        )
        values = learn_values(rows, point, scales, self.hyperprior.parameter_priors, 0.0, 0.0)
        return density - point.value * point.weight, replace(scales, values=values)


def learn_values(
    rows: Rows,
    point: Point,
    scales: NetworkScales,
    priors: Mapping[str, Distribution],
    determined: float,
    jacobian: float,
) -> dict[str, float]:
    """Maximise (M12) over the log of every φ in turn.

    `jacobian` is 1 for the density of log φ, and 0 for that of φ.
    """
    names = list(priors)
    if not names:
        return dict(scales.values)
    eta, likelihood = point.here.eta, rows.likelihood
    now = np.array([scales.values[name] for name in names])
    before = likelihood.information(eta, scales.values)
    told = before > 0  # of what is known of a row nothing is

    def at(logs: Array) -> dict[str, float]:
        return {**scales.values, **dict(zip(names, (now * np.exp(logs)).tolist(), strict=True))}

    def negative(logs: Array) -> float:
        values = at(logs)
        ratio = float(np.mean(likelihood.information(eta, values)[told] / before[told]))
        value = float(rows.log_likelihood(eta, values)) - 0.5 * determined * ratio
        for name in names:
            value += float(priors[name].log_density(values[name])) + jacobian * np.log(values[name])
        return -value / rows.weight

    logs = np.zeros(len(names))
    for k in range(len(names)):  # in turn: training comes back to them at every step

        def along(log: float, k: int = k) -> float:
            return min(negative(np.where(np.arange(len(names)) == k, log, logs)), OUTSIDE)

        line = minimize_scalar(along, bracket=NEARBY, tol=1e-9)
        logs[k] = np.clip(line.x, -MOST, MOST)
    return at(logs)
