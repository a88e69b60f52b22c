"""The role of what was learned, as the functions of this room take it: `Fit` is one."""

from typing import Protocol

import numpy as np

from bayesml.data import Data
from bayesml.data.statistics import SufficientStatistics
from bayesml.inference import Learned, Method
from bayesml.model import Model, Problem
from bayesml.results.findings import CheckReport

DRAWS, PREDICTIVE, COMBINATIONS, PRIOR, RESUMED, CRITICISED = 0, 1, 3, 4, 5, 6
"""Streams of random numbers, so that what is drawn does not depend on what was drawn before."""


class Answer(Protocol):
    """A model, the data that it met, and what a method learned."""

    @property
    def model(self) -> Model:
        """As declared."""

    @property
    def data(self) -> Data:
        """What it was learned from."""

    @property
    def method(self) -> Method:
        """How it was learned."""

    @property
    def learned(self) -> Learned:
        """The posterior and the evidence for it."""

    @property
    def statistics(self) -> SufficientStatistics:
        """Of the rows, and of those seen before."""

    @property
    def seed(self) -> int:
        """From which draws are made."""

    @property
    def elapsed(self) -> float:
        """Seconds that learning took."""

    @property
    def problem(self) -> Problem:
        """The model with every number stated, and its data."""

    def check(self) -> CheckReport:
        """Return what can be said for and against the answer."""


def generator(answer: Answer, stream: int) -> np.random.Generator:
    """Return the random numbers of one stream, the same at every call."""
    return np.random.default_rng([answer.seed, stream])
