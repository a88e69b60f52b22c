"""Whether y lies where a likelihood gives it mass: rows that do not are named."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bayesml.data.blocks import Block
from bayesml.data.data import Data
from bayesml.data.messages import Labels, listed, plural, row_name
from bayesml.errors import DataError

EXAMPLES = 3
"""Rows that the message names."""


class ValueSet(Protocol):
    """A set of numbers, here that of the values of y."""

    @property
    def words(self) -> str:
        """What one value is: ``a count 0, 1, 2, …``."""

    def contains(self, values: NDArray[np.float64], /) -> NDArray[np.bool]:
        """Say which values lie in it."""


@dataclass(frozen=True)
class _Outside:
    """How many rows lie outside, and the first of them in words; those of several blocks add up."""

    count: int = 0
    examples: tuple[str, ...] = ()

    def __add__(self, other: "_Outside") -> "_Outside":
        """Bring the rows of two blocks together, these first."""
        examples = (*self.examples, *other.examples)[:EXAMPLES]
        return _Outside(self.count + other.count, examples)


def check_support(data: Data, support: ValueSet, owner: str) -> None:
    """Refuse data whose y lies outside a support, in one pass over the rows wherever they are.

    Parameters
    ----------
    data : Data
        With rows.
    support : ValueSet
        A set of numbers; for Dask one that can be sent to a worker.
    owner : str
        Whose support it is, as code: ``Poisson()``.

    Raises
    ------
    DataError
        Naming the target and the first rows outside with their values. Also if there are no rows
        to look at, but only their statistics.

    Examples
    --------
    >>> import bayesml as bm
    >>> from bayesml.distributions.discrete_supports import Counts
    >>> data = bm.Data([[1.0], [2.0], [3.0]], [4.0, -1.0, 0.5], target_name="visits")
    >>> check_support(data, Counts(), "Poisson()")
    Traceback (most recent call last):
    bayesml.errors.DataError: visits: 2 rows are outside the support of Poisson():
        row 1 is -1, row 2 is 0.5; each must be a count 0, 1, 2, …
    """
    found: _Outside = data.reduce(partial(_outside, support, data.row_labels), add)
    if found.count:
        are = "is" if found.count == 1 else "are"
        raise DataError(
            f"{data.target_name}: {plural(found.count, 'row')} {are} outside the support of "
            f"{owner}: {listed(found.examples, found.count)}; each must be {support.words}"
        )


def check_rows(
    data: Data,
    possible: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool]],
    owner: str,
    words: str,
) -> None:
    """Refuse data some of whose rows are impossible, given y and X, and name these.

    Parameters
    ----------
    data : Data
        With rows.
    possible : callable
        Of y and X, says of which rows.
    owner : str
        Who says so, as code.
    words : str
        What y must be.
    """
    found = data.reduce(partial(_impossible, possible, data.row_labels), add)
    if found.count:
        raise DataError(
            f"{data.target_name}: {plural(found.count, 'row')} cannot be under {owner}: "
            f"{listed(found.examples, found.count)}; each must be {words}"
        )


def _impossible(
    possible: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool]],
    labels: Labels,
    block: Block,
) -> _Outside:
    return _named(~possible(block.y, block.X), labels, block)


def _outside(support: ValueSet, labels: Labels, block: Block) -> _Outside:
    return _named(~support.contains(block.y), labels, block)


def _named(outside: NDArray[np.bool], labels: Labels, block: Block) -> _Outside:
    rows = np.flatnonzero(outside)
    examples = (
        f"{_called(block, int(i), labels)} is {_number(block.y[i])}" for i in rows[:EXAMPLES]
    )
    return _Outside(len(rows), tuple(examples))


def _called(block: Block, row: int, labels: Labels) -> str:
    """Name a row by its label, which only rows in memory have, or by where it lies."""
    if labels is None:
        return block.place.row(row)
    return row_name(block.place.start + row, labels)


def _number(value: float) -> str:
    """Write a number with all its digits, as many as it has.

    >>> _number(-1.0), _number(0.1 + 0.2)
    ('-1', '0.30000000000000004')
    """
    return repr(float(value)).removesuffix(".0")
