"""Integrals over log σ of factors that move its mass to where there are no nodes.

An observation far out, put in or left out, moves the posterior of σ by many of its standard
deviations. Derived in docs/theory/quadrature.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from bayesml.distributions import Distribution
from bayesml.errors import ConvergenceError
from bayesml.posteriors.linear_gaussian import LinearGaussian
from bayesml.posteriors.log_scale import (
    EPS,
    REACH,
    LogDensity,
    LogScalePosterior,
    integrate_log_scale,
    maximise_log_scale,
)
from bayesml.posteriors.rows import row_blocks
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array, Integers

AT_THE_ENDS = 1e-14
ALTERNATE = 1e-6  # squared by the nodes between them
FAR = 3.0
"""Up to which z the rule of few nodes is tested (Q5)."""
LARGEST_ERROR = 1e-8
LARGEST_LOG = 1e13  # beyond it the peak is narrower than it can be located
NOTHING = -1000.0
"""The logarithm of a probability that is zero in floating point."""

At = Callable[[Integers, Array], tuple[Array, dict[str, Array]]]
Kernel = Callable[[Array, Array], Array]


@dataclass(frozen=True, eq=False)
class ScaleDensity:
    """The density of u = log(σ/σ₀) anywhere, up to the constant of the evidence (Q1)."""

    geometry: LinearGaussian
    prior: Distribution

    def __call__(self, u: Array) -> Array:
        """Evaluate log p(y | σ) + log p(σ) + u + log σ₀."""
        u, sigma_0 = np.asarray(u), self.geometry.sigma_0
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            log_prior = self.prior.log_density(sigma_0 * np.exp(u))
            log_density = self.geometry.log_marginal(u) + log_prior + u
        return np.where(np.isnan(log_density), -np.inf, log_density + np.log(sigma_0))


def summed(logs: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Sum terms over nodes, given their logs, (b, K), and say which sums stand for integrals (Q6).

    Returns
    -------
    log_total : ndarray, shape (b,)
    shares : ndarray, shape (b, K)
        Of each term in its total.
    held : ndarray of bool, shape (b,)
        Whether the terms are negligible at both ends and fall there, and every other node gives
        the same.
    """
    top = np.max(logs, axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    terms = np.exp(logs - top)
    total = np.sum(terms, axis=1)
    ends = np.maximum(terms[:, 0], terms[:, -1])
    held = np.abs(2.0 * np.sum(terms[:, ::2], axis=1) - total) <= ALTERNATE * total
    held &= ends <= AT_THE_ENDS * total
    held &= (logs[:, 0] <= logs[:, 1]) & (logs[:, -1] <= logs[:, -2])
    with np.errstate(divide="ignore", invalid="ignore"):
        return top[:, 0] + np.log(total), terms / total[:, None], held


def tilted(density: LogDensity, tilt: LogDensity) -> LogDensity:
    """Return the density of u times a factor, both by their logarithms."""

    def product(u: Array) -> Array:
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            values = density(u) + tilt(u)
        return np.where(np.isnan(values), -np.inf, values)

    return product


def integrate_tilted(
    product: LogDensity, peak: tuple[float, float], sigma_0: float, what: str
) -> LogScalePosterior:
    """Integrate a product on nodes around its own peak, or say why it cannot be (Q7).

    Parameters
    ----------
    product : callable
        From `tilted`.
    peak : (float, float)
        From `maximise_log_scale`.
    sigma_0 : float
    what : str
        Says for errors what the product is, as a sentence.

    Raises
    ------
    ImproperPosteriorError
        If the product does not fall off on both sides.
    ConvergenceError
        If its peak lies beyond the scales that are searched, or is not resolved.
    """
    where, size = abs(peak[0]), abs(peak[1])
    if where > REACH - 1.0 or size > LARGEST_LOG:
        raise ConvergenceError(
            f"{what} It peaks at σ = {sigma_0:.3g}·e^{peak[0]:.3g} with a log density of "
            f"{peak[1]:.3g}, and has to peak within e^±{REACH - 1:g}, at less than "
            f"{LARGEST_LOG:g}, for its integral to have digits. Check the value and the unit of y."
        )
    found = integrate_log_scale(product, peak, sigma_0, what)
    largest = LARGEST_ERROR + 100.0 * EPS * size
    if not found.error <= largest:
        raise ConvergenceError(
            f"{what} Its integral over σ has an error of {found.error:.1e}, and has to be within "
            f"{largest:.1e}. Check the value and the unit of y, and the prior of σ."
        )
    return found


@dataclass(frozen=True, eq=False)
class FarOut:
    """Densities and probabilities of a Gaussian mixture over σ, wherever y lies.

    Attributes
    ----------
    scale : LogScalePosterior
    density : ScaleDensity
    at : callable
        Maps b rows and K nodes u to means and standard deviations, (b, K).
    """

    scale: LogScalePosterior
    density: LogDensity
    at: At

    def rows(self, y: Array, eta: Array, parameters: Any, weights: Array) -> Integers:
        """Return the rows whose y a rule of few nodes was not tested for: |z| > 3 (Q5)."""
        heaviest = int(np.argmax(weights))
        sd = parameters["sigma"][:, heaviest]
        return np.flatnonzero((np.abs(y - eta[:, heaviest]) > FAR * sd) & (sd > 0))

    def log_density(self, rows: Integers, y: Array) -> Array:
        """Evaluate log p(y) of these rows."""
        return self._log_expectation(rows, y, _log_normal, -np.inf)

    def cdf(self, rows: Integers, y: Array) -> Array:
        """Evaluate P(Y ≤ y) of these rows."""
        logs = self._log_expectation(rows, y, lambda z, _: log_ndtr(z), NOTHING)
        return np.minimum(np.exp(logs), 1.0)

    def survival(self, rows: Integers, y: Array) -> Array:
        """Evaluate P(Y > y) of these rows."""
        logs = self._log_expectation(rows, y, lambda z, _: log_ndtr(-z), NOTHING)
        return np.minimum(np.exp(logs), 1.0)

    def _log_expectation(self, rows: Integers, y: Array, kernel: Kernel, least: float) -> Array:
        """Evaluate log E[kernel(z, sd)] over σ: on all nodes, or around its own peak (Q7)."""
        out = np.empty(len(rows))
        for part in row_blocks(len(rows), len(self.scale.nodes)):
            eta, parameters = self.at(rows[part], self.scale.nodes)
            sd = parameters["sigma"]
            logs = kernel((y[part, None] - eta) / sd, sd) + self.scale.log_weights
            out[part], _, held = summed(logs)
            for i in part.start + np.flatnonzero(~held):
                out[i] = self._around_its_peak(rows[i : i + 1], float(y[i]), kernel, least)
        return out

    def _around_its_peak(self, row: Integers, y: float, kernel: Kernel, least: float) -> float:
        def tilt(u: Array) -> Array:
            eta, parameters = self.at(row, u)
            sd = parameters["sigma"][0]
            return kernel((y - eta[0]) / sd, sd)

        product = tilted(self.density, tilt)
        peak = maximise_log_scale(product)
        if abs(peak[0]) < REACH - 1.0 and peak[1] - self.scale.log_normaliser < least:
            return -np.inf
        what = f"This is the posterior of σ given y = {y:g} in row {int(row[0])} as well."
        found = integrate_tilted(product, peak, self.scale.sigma_0, what)
        return found.log_normaliser - self.scale.log_normaliser


def _log_normal(z: Array, sd: Array) -> Array:
    return np.asarray(-0.5 * z**2 - np.log(sd) - HALF_LOG_2PI)
