"""The role of an inference method, and what it brings back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from bayesml.model import Model, Problem
from bayesml.posteriors import Posterior
from bayesml.samplers import Adaptation
from bayesml.typing import Array

IMPROPER_PRIORS = "the evidence is defined only under proper priors, and some of these are Flat()."


@dataclass(frozen=True, eq=False)
class Learned:
    """What a method learned, with the evidence for it.

    Attributes
    ----------
    posterior : Posterior
    resolved : Model
        The model that was learned, with every number stated, in original units.
    explanation : str
        How the answer was obtained, in a sentence.
    log_evidence : float or str
        log p(y), or the reason why there is none.
    diagnostics : mapping of name to float
        Numbers that checks judge: conditioning, quadrature error, gradient norm, …
    notes : tuple of str
        What went wrong, in words; each fails a check.
    loss_curve : ndarray or None
        Objective values from the start to the end, for optimised answers.
    sample_stats : mapping of name to ndarray
        Sampler statistics in ArviZ's names, shape (chain, draw).
    state : Adaptation or None
        Where a sampler stopped and what it had learned of the scales, to go on from there.
    """

    posterior: Posterior
    resolved: Model
    explanation: str
    log_evidence: float | str
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    loss_curve: Array | None = None
    sample_stats: Mapping[str, Array] = field(default_factory=dict)
    state: Adaptation | None = None


@runtime_checkable
class Method(Protocol):
    """A frozen dataclass that says how to learn a model from data."""

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Learn; raise `IncompatibleModelError` where the method does not apply."""


@runtime_checkable
class InTime(Method, Protocol):
    """A method that brings back what it has when its time is over."""

    def within(self, seconds: float) -> Method:
        """Return the method with a limit of time, by the clock."""


@runtime_checkable
class Resumable(Protocol):
    """A method that goes on where a run of it stopped."""

    def resume(self, problem: Problem, earlier: Learned, draws: int, seed: int) -> Learned:
        """Put as many further draws per chain behind those that were made."""
