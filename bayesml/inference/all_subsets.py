"""The sum over every subset of the features. Derived in docs/theory/all_subsets.md."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from bayesml.inference.kept_models import MOST_MODELS, Kept
from bayesml.linalg.subsets import Triangles, triangles, without_and_with_first
from bayesml.posteriors.subset_regression import SubsetRegression
from bayesml.priors import LogInclusion
from bayesml.typing import Array, Integers

BLOCK = 15
"""Features whose models are taken together: their arrays stay in the cache."""

NEGLIGIBLE = -690.0
"""Below this a weight relative to the largest is as good as zero, and still a number."""


class Moments(NamedTuple):
    """Of the weights in units of their slab, and of σ², over a branch; models come last."""

    mean: Array
    covariance: Array
    variance: Array


@dataclass(frozen=True, eq=False)
class Branch:
    """All models that agree on some first features, averaged over the others.

    Attributes
    ----------
    log_mass : float
        Log of the sum of their prior probabilities times evidences, constants left out.
    moments : Moments
    inclusion : ndarray
        Probabilities of the other features.
    kept : Kept
        By number, whose lowest bit is the first feature.
    """

    log_mass: float
    moments: Moments
    inclusion: Array
    kept: Kept


class Path(NamedTuple):
    """What is known of a branch before the others are decided."""

    size: int
    log_prior: float
    log_determinant: float


@dataclass(frozen=True, eq=False)
class Enumeration:
    """What all branches share: the prior, and that of the models of a block.

    Attributes
    ----------
    shape : float
    prior : LogInclusion
    sizes, log_prior : ndarray, shape (2ᵇ,)
        Of the models of the last b features.
    rng : Generator
    """

    shape: float
    prior: LogInclusion
    sizes: Integers
    log_prior: Array
    rng: np.random.Generator

    def branch(self, rows: Triangles, path: Path) -> Branch:
        """Sum over the models of the columns that are left (Y5, Y6)."""
        left = len(rows) - 1
        if left <= BLOCK:
            return self._block(rows, path)
        j = len(self.prior.within) - left
        both = without_and_with_first(rows)
        inner = self.branch(
            [row[:, 1:] for row in both],
            Path(
                path.size + 1,
                path.log_prior + self.prior.within[j],
                path.log_determinant + float(np.log(abs(rows[0][0, 0]))),
            ),
        )
        if self.prior.without[j] == -np.inf:
            none = Kept(np.empty(0), np.empty(0), np.empty(0, np.int64))
            outer = replace(inner, log_mass=-np.inf, kept=none)
        else:
            log_prior = path.log_prior + self.prior.without[j]
            outer = self.branch([row[:, :1] for row in both], path._replace(log_prior=log_prior))
        return _merged(rows[0], outer, inner)

    def _block(self, rows: Triangles, path: Path) -> Branch:
        determinant, pivots = np.zeros(1), []
        while len(rows) > 1:
            pivots.append(rows[0])
            given = determinant + np.log(np.abs(rows[0][0]))
            determinant = np.concatenate([determinant, given])
            rows = without_and_with_first(rows)
        rate = 0.5 * rows[0][0] ** 2
        log_weights = (
            path.log_prior
            + self.log_prior
            + self.prior.by_size[path.size + self.sizes]
            - path.log_determinant
            - determinant
            - self.shape * np.log(rate)
        )
        largest = float(log_weights.max())
        weight = np.exp(np.maximum(log_weights - largest, NEGLIGIBLE))
        keys = log_weights + self.rng.standard_exponential(len(weight))
        kept = Kept(keys, log_weights, np.arange(len(weight))).largest(MOST_MODELS + 1)
        variance = rate / (self.shape - 1.0) if self.shape > 1.0 else rate  # which is infinite
        empty = Moments(np.empty((0, len(weight))), np.empty((0, 0, len(weight))), variance)
        return _folded(pivots, weight, empty, largest, kept)


def _folded(
    pivots: list[Array], weight: Array, moments: Moments, largest: float, kept: Kept
) -> Branch:
    """Average over one feature after the other, the last one first."""
    inclusion = []
    for row in reversed(pivots):
        M = row.shape[-1]
        total = weight[:M] + weight[M:]
        moments = averaged(row, moments, weight.reshape(2, M) / total)
        inclusion.append(float(weight[M:].sum()))
        weight = total
    shares = np.array(inclusion[::-1]) / weight[0]
    return Branch(largest + float(np.log(weight[0])), moments, shares, kept)


def averaged(row: Array, moments: Moments, shares: Array) -> Moments:
    """Average models without a feature, the first half, and models with it (Y6, Y7).

    Parameters
    ----------
    row : ndarray, shape (r, M)
        The feature's row of the factor: pivot, the other features, y.
    moments : Moments
        Of the other features, 2M models.
    shares : ndarray, shape (2, M)
        Probabilities that it is out, and in; each to its own last digit.
    """
    (absent, present), (k, M) = shares, (len(row) - 2, row.shape[-1])
    slope = -row[1:-1] / row[0]
    halves = (slice(None, M), slice(M, None))
    out, given = (Moments(*(part[..., half] for part in moments)) for half in halves)
    mean = np.einsum("im,im->m", slope, given.mean) + row[-1] / row[0]
    cross = np.einsum("ijm,jm->im", given.covariance, slope)
    variance = np.einsum("im,im->m", slope, cross) + given.variance / row[0] ** 2
    away, both = given.mean - out.mean, absent * present
    means, covariance = np.empty((k + 1, M)), np.empty((k + 1, k + 1, M))
    means[0], means[1:] = present * mean, absent * out.mean + present * given.mean
    covariance[0, 0] = present * variance + both * mean**2
    covariance[0, 1:] = covariance[1:, 0] = present * cross + both * away * mean
    rest = covariance[1:, 1:]
    np.multiply(given.covariance, present, out=rest)
    rest += absent * out.covariance
    rest += (both * away)[:, None] * away
    return Moments(means, covariance, absent * out.variance + present * given.variance)


def _merged(row: Array, outer: Branch, inner: Branch) -> Branch:
    """Put the branches without a feature and with it together."""
    log_mass = float(np.logaddexp(outer.log_mass, inner.log_mass))
    shares = np.exp(np.array([[outer.log_mass], [inner.log_mass]]) - log_mass)
    pairs = zip(outer.moments, inner.moments, strict=True)
    moments = Moments(*(np.concatenate(pair, axis=-1) for pair in pairs))
    others = shares[0] * outer.inclusion + shares[1] * inner.inclusion
    kept = Kept(
        np.concatenate([outer.kept.keys, inner.kept.keys]),
        np.concatenate([outer.kept.log_weights, inner.kept.log_weights]),
        np.concatenate([2 * outer.kept.numbers, 2 * inner.kept.numbers + 1]),
    )
    return Branch(
        log_mass,
        averaged(row, moments, shares),
        np.append(shares[1], others),
        kept.largest(MOST_MODELS + 1),
    )


def enumerate_models(
    regression: SubsetRegression, prior: LogInclusion, rng: np.random.Generator
) -> Branch:
    """Sum over all models of a regression, a block of them in memory at a time.

    Parameters
    ----------
    regression : SubsetRegression
    prior : LogInclusion
    rng : Generator
        Decides which improbable models stand for the others (Y8).
    """
    b = min(BLOCK, regression.n)
    sizes, log_prior = np.zeros(1, np.int64), np.zeros(1)
    for out, within in zip(prior.without[-b:], prior.within[-b:], strict=True):
        sizes = np.concatenate([sizes, sizes + 1])
        log_prior = np.concatenate([log_prior + out, log_prior + within])
    every = Enumeration(regression.shape, prior, sizes, log_prior, rng)
    return every.branch(triangles(regression.with_slab), Path(0, 0.0, 0.0))
