"""Leave-one-out over σ: the copy of a row that is left out is divided out of its posterior.

Given σ, leaving out a row moves its prediction by the residual over what remains (V1). What is left
is to reweight the nodes of σ, or to place others. Derived in docs/theory/leave_one_out.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayesml.posteriors.leave_one_out import Part, Rows, check_digits, check_remaining
from bayesml.posteriors.log_scale import LogDensity, LogScalePosterior, maximise_log_scale
from bayesml.posteriors.tilted import integrate_tilted, summed, tilted
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array, Integers

At = Callable[[Integers, Array], tuple[Array, Array]]


@dataclass(frozen=True, eq=False)
class Reweighting:
    """Rows of which a copy is taken out, at any σ.

    Attributes
    ----------
    part : Part
    at : callable
        Maps some of the rows and K nodes of u to means and standard deviations of their
        expectations given σ, (b, K), in the unit of y.
    sigma_0 : float
    """

    part: Part
    at: At
    sigma_0: float

    def without(self, some: Integers, u: Array) -> tuple[Array, Array, Array, Array]:
        """Evaluate what leaving out a copy of some rows changes at nodes, (b, K) each (V1–V3).

        Returns
        -------
        given, predicted : ndarray
            Log densities given σ and the others: of the copy, and of one observation. They differ
            where the copy weighs less than one.
        mean : ndarray
            E[y | σ, others].
        relative_variance : ndarray
            Of the expectation with the row, in units of σ².
        """
        c, y = self.part.copy[some, None], self.part.y[some, None]
        eta, sd = self.at(some, u)
        variance = (self.sigma_0 * np.exp(u)) ** 2
        g = sd**2 / variance
        remaining = np.maximum(1.0 - c * g, 1e-300)
        away = (y - eta) / remaining
        exponent = 0.5 * away**2 * remaining / variance
        constant = HALF_LOG_2PI + 0.5 * np.log(variance)
        given = -c * (constant + exponent) + 0.5 * np.log(remaining)
        if np.all(c == 1.0):
            return given, given, y - away, g
        wider = 1.0 + g / remaining
        predicted = -constant - 0.5 * np.log(wider) - 0.5 * away**2 / (variance * wider)
        return given, np.where(c == 1.0, given, predicted), y - away, g

    def around_its_peak(
        self, row: int, density: LogDensity, scale: LogScalePosterior
    ) -> tuple[float, float]:
        """Return log density and mean of a row without which σ lies beyond the nodes (Q7)."""
        only = np.array([row])
        without = tilted(density, lambda u: -self.without(only, u)[0][0])
        what = f"This is the posterior of σ without row {self.part.rows[row]}."
        peak = maximise_log_scale(without)
        given = self.without(only, np.array([peak[0]]))[0]
        check_digits(self.part.some(only), np.abs(given[:, 0]))
        left = integrate_tilted(without, peak, self.sigma_0, what)
        log_total = scale.log_normaliser
        if self.part.copy[row] < 1.0:
            whole = tilted(without, lambda u: self.without(only, u)[1][0])
            what = f"This is the posterior of σ with row {self.part.rows[row]} once."
            found = integrate_tilted(whole, maximise_log_scale(whole), self.sigma_0, what)
            log_total = found.log_normaliser
        mean = self.without(only, left.nodes)[2]
        return log_total - left.log_normaliser, float(mean[0] @ left.weights)


def by_nodes(part: Part, at: At, scale: LogScalePosterior, density: LogDensity) -> Rows:
    """Take a copy of each row out of the posterior of σ: on its nodes, or on others (V3).

    Parameters
    ----------
    part : Part
        b rows.
    at : callable
        As in `Reweighting`.
    scale : LogScalePosterior
    density : callable
        Log density of u anywhere.
    """
    copies, every = Reweighting(part, at, scale.sigma_0), np.arange(len(part.y))
    given, predicted, mean, g = copies.without(every, scale.nodes)
    leverage = g @ scale.weights
    check_remaining(part, part.remaining(leverage))
    log_total, pi, held = summed(scale.log_weights - given)
    log_density, means = -log_total, np.sum(pi * mean, axis=1)
    partial = np.flatnonzero(part.copy < 1.0)
    if len(partial):
        gained, _, also = summed(scale.log_weights + (predicted - given)[partial])
        log_density[partial] += gained
        held[partial] &= also
    for row in np.flatnonzero(~held):
        log_density[row], means[row] = copies.around_its_peak(int(row), density, scale)
    return log_density, means, part.weights * leverage


def given_scale(part: Part, at: At, sigma_0: float, u: Array) -> Rows:
    """Take a copy of each row out where σ is known, u = log(σ/σ₀) (V1, V2)."""
    copies, every = Reweighting(part, at, sigma_0), np.arange(len(part.y))
    _, predicted, mean, g = copies.without(every, u)
    check_remaining(part, part.remaining(g[:, 0]))
    return predicted[:, 0], mean[:, 0], part.weights * g[:, 0]
