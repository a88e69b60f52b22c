"""Which models stand for all in predictions. Derived in docs/theory/all_subsets.md, (Y8)."""

from typing import NamedTuple

import numpy as np

from bayesml.typing import Array, Integers

MOST_MODELS = 4096
"""Models that the mixture of predictions has at most."""

LEFT_OUT = 1e-6
"""Probability of the least probable ones, which predictions leave out."""


class Kept(NamedTuple):
    """Models by number, with log weights and keys of (Y8)."""

    keys: Array
    log_weights: Array
    numbers: Integers

    def largest(self, count: int) -> "Kept":
        """Return those with the largest keys."""
        if len(self.keys) <= count:
            return self
        top = np.argpartition(self.keys, -count)[-count:]
        return Kept(self.keys[top], self.log_weights[top], self.numbers[top])


class Representation(NamedTuple):
    """Models that stand for all.

    Attributes
    ----------
    numbers : ndarray of int, shape (K,)
        Of the models, the largest weight first.
    probabilities : ndarray, shape (K,)
        p(γ | y).
    weights : ndarray, shape (K,)
        In the mixture of predictions: larger where a model stands for others.
    sampled : float
        Posterior probability of the models that others of them stand for.
    """

    numbers: Integers
    probabilities: Array
    weights: Array
    sampled: float

    @property
    def words(self) -> str:
        """How many models there are, and for which probability they stand as a sample."""
        said = f"the {len(self.weights):,} most probable" if len(self.weights) > 1 else "one model"
        if self.sampled > LEFT_OUT:
            said = f"{len(self.weights):,}, a sample of them for {self.sampled:.2g} of probability"
        return said

    @property
    def diagnostics(self) -> dict[str, float]:
        """The same as numbers."""
        return {"models_mixed": float(len(self.weights)), "probability_sampled": self.sampled}


def represented(kept: Kept, log_mass: float, most: int = MOST_MODELS) -> Representation:
    """Take improbable models with weights that are unbiased for all of them (Y8).

    Parameters
    ----------
    kept : Kept
        All models, or those with the largest keys, one more than `most`.
    log_mass : float
        Log of the sum of the weights of all models.
    most : int
        How many to take.
    """
    keys, log_weights, numbers = kept
    certain = np.ones(len(keys), bool)
    if len(keys) > most:
        threshold = keys.min()
        inside = keys > threshold
        log_weights, numbers = log_weights[inside], numbers[inside]
        certain = log_weights >= threshold
    probabilities = np.exp(log_weights - log_mass)
    weights, sampled = probabilities.copy(), 0.0
    if not certain.all():
        sampled = max(0.0, 1.0 - float(probabilities[certain].sum()))
        weights[~certain] = sampled / np.count_nonzero(~certain)
    order = np.lexsort((-probabilities, -weights))
    count = np.searchsorted(np.cumsum(weights[order]), 1.0 - LEFT_OUT) + 1
    order = order[:count]
    shares = weights[order] / weights[order].sum()
    return Representation(numbers[order], probabilities[order], shares, sampled)
