"""Where counts and classes live, and parts of any support that limits leave."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from bayesml.distributions.supports import Booleans, Support
from bayesml.typing import ArrayLike


@runtime_checkable
class FiniteSupport(Support, Protocol):
    """The numbers of so many classes, from zero."""

    @property
    def size(self) -> int | None:
        """How many there are; None where that is not known yet."""


@dataclass(frozen=True)
class Counts:
    """The whole numbers 0, 1, 2, ….

    Examples
    --------
    >>> Counts().contains([0.0, 1.5, -1.0])
    array([ True, False, False])
    """

    @property
    def discrete(self) -> bool:
        """True."""
        return True

    @property
    def words(self) -> str:
        """A count."""
        return "a count 0, 1, 2, …"

    def contains(self, values: ArrayLike) -> Booleans:
        """Say which are whole and not negative."""
        y = np.asarray(values)
        return np.asarray(np.isfinite(y) & (y >= 0) & (y == np.floor(y)))


@dataclass(frozen=True)
class Binary:
    """The numbers 0 and 1.

    Examples
    --------
    >>> Binary().contains([0.0, 1.0, 2.0])
    array([ True,  True, False])
    """

    @property
    def discrete(self) -> bool:
        """True."""
        return True

    @property
    def words(self) -> str:
        """0 or 1."""
        return "0 or 1"

    @property
    def size(self) -> int:
        """Two."""
        return 2

    def contains(self, values: ArrayLike) -> Booleans:
        """Say which are 0 or 1."""
        return np.isin(values, (0, 1))


@dataclass(frozen=True)
class Classes:
    """The numbers of classes, from zero.

    Parameters
    ----------
    names : tuple of str or None
        Of the classes in their order; None where they are not known yet, and numbers are counts.

    Examples
    --------
    >>> Classes(("a", "b")).contains([0.0, 1.0, 2.0])
    array([ True,  True, False])
    """

    names: tuple[str, ...] | None = None

    @property
    def discrete(self) -> bool:
        """True."""
        return True

    @property
    def words(self) -> str:
        """The number of a class."""
        if self.names is None:
            return "the number of a class"
        return f"the number of one of the classes {', '.join(self.names)}, from 0"

    @property
    def size(self) -> int | None:
        """How many classes there are, if that is known."""
        return None if self.names is None else len(self.names)

    def contains(self, values: ArrayLike) -> Booleans:
        """Say which are numbers of classes."""
        within = Counts().contains(values)
        return within if self.names is None else within & (np.asarray(values) < len(self.names))


@dataclass(frozen=True)
class Between:
    """The part of a support within limits, these included.

    Examples
    --------
    >>> Between(Counts(), 1.0, float("inf")).contains([0.0, 1.0, 1.5])
    array([False,  True, False])
    """

    whole: Support
    lower: float
    upper: float

    @property
    def discrete(self) -> bool:
        """As the whole."""
        return self.whole.discrete

    @property
    def words(self) -> str:
        """What the whole is, and the limits."""
        limits = [f"at least {self.lower:g}"] if self.lower > -np.inf else []
        limits += [f"at most {self.upper:g}"] if self.upper < np.inf else []
        return f"{self.whole.words}, {' and '.join(limits)}"

    def contains(self, values: ArrayLike) -> Booleans:
        """Say which lie in the whole and within the limits."""
        y = np.asarray(values)
        return self.whole.contains(y) & (y >= self.lower) & (y <= self.upper)
