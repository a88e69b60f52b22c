"""Dask collections: every partition is summed where it lies, and the sums meet in a tree.

What runs the tasks, threads, processes or a cluster, is Dask's affair: whichever scheduler is
active. A task reads its partition, checks it and reduces it, so that nothing but sums travels, and
a task whose worker was lost can run again anywhere.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from bayesml.data.blocks import Block
from bayesml.data.messages import plural
from bayesml.data.optional import optional
from bayesml.data.sources.memory import MemorySource
from bayesml.errors import BayesmlError, DataError

MOST_SAID = 200
"""Characters of an error that is told on."""

Opener = Callable[..., MemorySource]
"""Makes the rows of one partition from its pieces, checked."""


def is_dask(value: Any) -> bool:
    """Say whether `value` is a Dask array, dataframe or series."""
    loaded = sys.modules.get("dask")
    return bool(loaded and loaded.is_dask_collection(value) and hasattr(value, "to_delayed"))


@dataclass(frozen=True, eq=False)
class DaskSource:
    """Rows in the partitions of a Dask collection, read anew for every reduction.

    Attributes
    ----------
    partitions : tuple
        For each partition its delayed pieces.
    opener : callable
        Makes rows of the pieces.
    m, n : int
    weighted : bool
    first_pass : str
        What had to be learned before.
    """

    partitions: tuple[tuple[Any, ...], ...]
    opener: Opener
    m: int
    n: int
    weighted: bool
    first_pass: str

    @property
    def whereabouts(self) -> str:
        """Where the rows are, in words."""
        return f"in {plural(len(self.partitions), 'Dask partition')}"

    def blocks(self) -> Iterator[Block]:
        """Read the rows in order, a partition in memory at a time."""
        delayed = optional("dask", "dask", "reading Dask collections").delayed
        for pieces in self.partitions:
            yield from computed(delayed(self.opener)(*pieces)).blocks()

    def reduce[T](self, function: Callable[[Block], T], combine: Callable[[T, T], T]) -> T:
        """Bring `function` of every block together by the associative `combine`."""
        tasks = (partial(_sum, self.opener, function, combine), self.partitions)
        total: list[T] = tree_reduce(*tasks, partial(_either, combine))
        if not total:
            raise DataError("there are no rows in any partition")
        return total[0]


def tree_reduce(
    function: Callable[..., Any], partitions: Sequence[Any], combine: Callable[..., Any]
) -> Any:
    """Combine `function` of all partitions pairwise with their neighbours, in a fixed order."""
    delayed = optional("dask", "dask", "reading Dask collections").delayed
    level = [delayed(function)(*pieces) for pieces in partitions]
    join = delayed(combine)
    while len(level) > 1:
        pairs = [join(*level[i : i + 2]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[2 * len(pairs) :]
    return computed(level[0])


def computed(task: Any) -> Any:
    """Run a task, and say of what its graph raises that it did.

    Raises
    ------
    DataError
        With the error of the graph as its cause; our own pass as they are.
    """
    try:
        return task.compute()
    except BayesmlError:
        raise
    except Exception as error:
        said = (str(error).strip() or "no message").splitlines()[0][:MOST_SAID]
        raise DataError(
            f"a task of the Dask graph that makes the data raised {type(error).__name__}: {said}. "
            "Compute the collection by itself to see where, X.compute(), and mend what makes it."
        ) from error


def _sum(
    opener: Opener, function: Callable[[Block], Any], combine: Callable[..., Any], *pieces: Any
) -> list[Any]:
    """Reduce one partition; a list of one result, or of none where there are no rows."""
    source = opener(*pieces)
    return [source.reduce(function, combine)] if source.m else []


def _either(combine: Callable[..., Any], one: list[Any], other: list[Any]) -> list[Any]:
    return [combine(one[0], other[0])] if one and other else one or other


class Count(NamedTuple):
    """How many rows there are, and whether any has weight."""

    rows: int
    weight: bool


def count(opener: Opener, *pieces: Any) -> Count:
    """Count the rows of one partition, checking them."""
    source = opener(*pieces)
    w = source.observation_weights
    return Count(source.m, w is None or bool(w.any()))


def counted(one: Count, other: Count) -> Count:
    """Bring two counts together."""
    return Count(one.rows + other.rows, one.weight or other.weight)
