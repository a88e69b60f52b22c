"""A Markov chain over subsets of the features. Derived in docs/theory/all_subsets.md."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from bayesml.priors import LogInclusion
from bayesml.typing import Array, Bools

REFRESH = 100
"""Draws after which the swept matrix is made anew, so that rounding does not add up."""


@dataclass(frozen=True, eq=False)
class SubsetDensity:
    """What the chain needs of a regression on subsets.

    Attributes
    ----------
    gram : ndarray, shape (n + 1, n + 1)
        Products of the columns in units of the slab and of y, with the slab's rows (Y3).
    shape : float
        Posterior shape of the variance.
    prior : LogInclusion
    """

    gram: Array
    shape: float
    prior: LogInclusion

    @property
    def always(self) -> Bools:
        """Which features are in every model."""
        return np.isneginf(self.prior.without)

    def log_density(self, state: "State") -> float:
        """Evaluate log p(γ | y), constants left out (Y4)."""
        out, within = self.prior.without[~state.model].sum(), self.prior.within[state.model].sum()
        size = self.prior.by_size[np.count_nonzero(state.model)]
        rate = 0.5 * state.swept[-1, -1]
        value = size + out + within - 0.5 * state.log_determinant - self.shape * np.log(rate)
        return float(value)

    def log_ratios(self, state: "State") -> Array:
        """Evaluate log p(γ with j flipped | y) − log p(γ | y) for every j at once (Y12)."""
        S, size, prior = state.swept, np.count_nonzero(state.model), self.prior
        pivots, cross, rest = np.diagonal(S)[:-1], S[-1, :-1], S[-1, -1]
        step = np.where(state.model, -1, 1)
        odds = prior.by_size[size + step] - prior.by_size[size]
        odds = odds + step * (prior.within - prior.without)
        misfit = np.log1p(-np.square(cross) / (pivots * rest))
        return np.asarray(odds - 0.5 * np.log(np.abs(pivots)) - self.shape * misfit)


@dataclass(frozen=True, eq=False)
class State:
    """A model, with the matrix swept on its features (Y11).

    Attributes
    ----------
    model : ndarray of bool, shape (n,)
    swept : ndarray, shape (n + 1, n + 1)
    log_determinant : float
    """

    model: Bools
    swept: Array
    log_determinant: float

    def flipped(self, j: int) -> "State":
        """Put a feature in, or take it out: one sweep does either (Y11)."""
        S, pivot = self.swept, self.swept[j, j]
        column = S[:, j] / pivot
        swept = S - np.outer(column, S[j])
        sign = -1.0 if self.model[j] else 1.0
        swept[:, j] = swept[j, :] = sign * column
        swept[j, j] = -1.0 / pivot
        model = self.model.copy()
        model[j] = not model[j]
        return State(model, swept, self.log_determinant + float(np.log(abs(pivot))))


def state_of(density: SubsetDensity, model: Bools) -> State:
    """Make the swept matrix of a model from the products."""
    state = State(np.zeros_like(model), density.gram.copy(), 0.0)
    for j in np.flatnonzero(model):
        state = state.flipped(int(j))
    return state


class SubsetChain(NamedTuple):
    """What a chain has seen, a row a draw.

    Attributes
    ----------
    models : ndarray of bool, shape (draws, n)
    log_odds : ndarray, shape (draws, n)
        Of every feature, given the others.
    log_density : ndarray, shape (draws,)
    means : ndarray, shape (draws, n)
        E[u | γ], u the weights in units of the slab.
    covariance : ndarray, shape (n, n)
        The average over draws of Cov(u | γ).
    """

    models: Bools
    log_odds: Array
    log_density: Array
    means: Array
    covariance: Array


def sample_subsets(
    density: SubsetDensity, draws: int, tune: int, rng: np.random.Generator
) -> SubsetChain:
    """Sample models: each draw flips a feature, and lets another one take a place.

    Parameters
    ----------
    density : SubsetDensity
    draws, tune : int
        How many are kept, and how many are made before.
    rng : Generator
    """
    n = len(density.gram) - 1
    start = rng.random(n) < rng.random() * min(1.0, 20.0 / n)
    state = state_of(density, start | density.always)
    models, log_odds = np.empty((draws, n), bool), np.empty((draws, n))
    values, means, covariance = np.empty(draws), np.empty((draws, n)), np.zeros((n, n))
    for k in range(-tune, draws):
        if k % REFRESH == 0:
            state = state_of(density, state.model)
        state = replaced(density, flip(density, state, rng), rng)
        if k >= 0:
            models[k], values[k] = state.model, density.log_density(state)
            log_odds[k] = density.log_ratios(state) * np.where(state.model, -1.0, 1.0)
            means[k], within = conditional_moments(density, state)
            covariance += within / draws
    return SubsetChain(models, log_odds, values, means, covariance)


def flip(density: SubsetDensity, state: State, rng: np.random.Generator) -> State:
    """Propose a flip the more often the better it is, and accept by (Y13)."""
    weights = expit(density.log_ratios(state))
    total = weights.sum()
    if total == 0.0:  # every neighbour is less probable by more than float64 holds
        return state
    proposed = state.flipped(_drawn(weights, rng))
    back = expit(density.log_ratios(proposed)).sum()
    return proposed if rng.random() * back < total else state


def replaced(density: SubsetDensity, state: State, rng: np.random.Generator) -> State:
    """Take one feature out, and draw which one takes its place, itself perhaps (Y14)."""
    inside = np.flatnonzero(state.model & ~density.always)
    if not len(inside):
        return state
    left = state.flipped(int(rng.choice(inside)))
    ratios = np.where(left.model, -np.inf, density.log_ratios(left))
    return left.flipped(_drawn(np.exp(ratios - ratios.max()), rng))


def _drawn(weights: Array, rng: np.random.Generator) -> int:
    below = np.cumsum(weights)
    return int(np.searchsorted(below, rng.random() * below[-1], side="right"))


def conditional_moments(density: SubsetDensity, state: State) -> tuple[Array, Array]:
    """Return E[u | γ, y] and Cov(u | γ, y), zero outside γ (Y11)."""
    S, inside = state.swept, state.model
    variance = 0.5 * S[-1, -1] / (density.shape - 1.0) if density.shape > 1.0 else np.inf
    both = np.outer(inside, inside)
    return np.where(inside, S[-1, :-1], 0.0), np.where(both, -variance * S[:-1, :-1], 0.0)
