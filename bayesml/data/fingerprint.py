"""Which rows these are: a number for every row, and what can be told from such numbers.

Derived in docs/theory/fingerprints.md.
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln

from bayesml.data.blocks import Block, Source
from bayesml.typing import Array

Numbers = NDArray[np.uint64]
Counts = NDArray[np.intp]

LARGEST = (1 << 64) - 1
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
"""The odd multipliers of splitmix64 (Steele, Lea & Flood 2014)."""

EMPTY: Numbers = np.empty(0, dtype=np.uint64)

PART = 1 << 14
"""Rows that are numbered at a time: read by columns, they stay in the cache."""

SAMPLE = 1 << 16
"""Rows that are remembered one by one, half a megabyte; of more rows, this many at random."""

CHANCE = 1e-3
"""Rows that come again with less probability than this do not do so by chance."""


def row_numbers(X: Array, y: Array) -> Numbers:
    """Give every row a number that depends on its values to the last bit (F1).

    >>> one, two, again = row_numbers(np.array([[1.0], [2.0], [1.0]]), np.array([0.0, 3.0, -0.0]))
    >>> bool(one == again), bool(one == two)
    (True, False)
    """
    parts = (slice(start, start + PART) for start in range(0, len(y), PART))
    return np.concatenate([EMPTY, *(_numbered(X[rows], y[rows]) for rows in parts)])


def fingerprint(source: Source) -> int:
    """Add up the numbers of all rows with their weights, modulo 2⁶⁴ (F2)."""
    return source.reduce(_total, _add)


def observed(source: Source, *, targets: bool = True) -> str:
    """Return the fingerprint of weights, and of targets, of rows with a weight in order (F3)."""
    digest = blake2b(digest_size=8)
    for block in source.blocks():
        kept = block.row_weights > 0
        columns = [block.y[kept] + 0.0, block.row_weights[kept]]
        digest.update(np.stack(columns if targets else columns[1:], axis=1).tobytes())
    return digest.hexdigest()


def _numbered(X: Array, y: Array) -> Numbers:
    numbers = np.full(len(y), X.shape[1], dtype=np.uint64)
    for column in (*X.T, y):
        numbers = _with(numbers, column)
    return _spread(numbers)


def _with(numbers: Numbers, column: Array) -> Numbers:
    # 0.0 and −0.0 are one number, and adding zero makes them one
    numbers = (numbers ^ (column + 0.0).view(np.uint64)) * FIRST
    return numbers ^ (numbers >> np.uint64(32))


def _spread(numbers: Numbers) -> Numbers:
    numbers = (numbers ^ (numbers >> np.uint64(30))) * FIRST
    numbers = (numbers ^ (numbers >> np.uint64(27))) * SECOND
    return numbers ^ (numbers >> np.uint64(31))


def _of_block(block: Block) -> Numbers:
    """Return the numbers of the rows of a block that have a weight."""
    kept = block.row_weights > 0
    if kept.all():
        return row_numbers(block.X, block.y)
    return row_numbers(block.X[kept], block.y[kept])


def _total(block: Block) -> int:
    weights = block.row_weights
    weighted = _spread(_with(_of_block(block), weights[weights > 0]))
    return int(np.sum(weighted, dtype=np.uint64))


def _add(one: int, other: int) -> int:
    return (one + other) & LARGEST


class Rows(Protocol):
    """Rows with their fingerprint: `Data` are."""

    @property
    def source(self) -> Source:
        """Where the rows come from."""

    @property
    def m(self) -> int:
        """How many there are."""

    @property
    def fingerprint(self) -> str:
        """Of all of them."""


@dataclass(frozen=True, eq=False)
class Overlap:
    """How many of some rows were seen before.

    Attributes
    ----------
    count, rows : int
        How many of how many; of more than 65,536 rows seen, `count` is estimated.
    positions : ndarray of int
        Those that are known to be, counted without rows of weight zero.
    chance : float
        The probability that as many come again by chance, as rows of few values do (F4, F5).
    """

    count: int
    rows: int
    positions: NDArray[np.intp]
    chance: float

    @property
    def certain(self) -> bool:
        """Whether they are the same rows, and not merely alike."""
        return self.count > 0 and self.chance < CHANCE


@dataclass(frozen=True, eq=False)
class SeenRows:
    """What is remembered of rows that are gone, to know them again.

    Attributes
    ----------
    rows : int
        How many there were.
    repeats : int
        How many of them came with one like them, or after one.
    sample : ndarray of uint64
        The smallest 65,536 of their numbers, in order: all numbers, or a random sample.
    together : ndarray of uint64
        The fingerprints of all rows that came together.
    """

    rows: int
    repeats: int
    sample: Numbers
    together: Numbers

    @classmethod
    def none(cls) -> "SeenRows":
        """Return what is remembered of no rows."""
        return cls(0, 0, EMPTY, EMPTY)

    @classmethod
    def of(cls, data: Rows) -> "SeenRows":
        """Remember rows."""
        numbers, counts = np.unique(_numbers(data), return_counts=True)
        repeats = int(np.sum(counts[counts > 1]))
        together = np.array([int(data.fingerprint, 16)], dtype=np.uint64)
        return cls(data.m, repeats, numbers[:SAMPLE], together)

    def __add__(self, other: "SeenRows") -> "SeenRows":
        """Remember both; the other rows came later."""
        again = int(np.isin(other.sample, self.sample).sum()) * other.rows
        repeats = other.repeats + again // max(len(other.sample), 1)
        return SeenRows(
            self.rows + other.rows,
            self.repeats + min(repeats, other.rows),
            np.union1d(self.sample, other.sample)[:SAMPLE],
            np.union1d(self.together, other.together),
        )

    def overlap(self, data: Rows) -> Overlap:
        """Say how many of these rows were seen before, and whether chance explains it (F4, F5)."""
        every = _numbers(data)
        numbers, counts = np.unique(every, return_counts=True)
        known = numbers <= self._limit
        hits = known & np.isin(numbers, self.sample)
        found, asked = int(counts[hits].sum()), int(counts[known].sum())
        rows = int(counts.sum())
        all_again = np.isin(np.uint64(int(data.fingerprint, 16)), self.together)
        count = rows if all_again else round(rows * found / max(asked, 1))
        chance = self._chance(int(hits.sum()), int(known.sum()))
        if all_again:
            chance = min(chance, len(self.together) * same_shares(counts))
        return Overlap(count, rows, np.flatnonzero(np.isin(every, self.sample)), chance)

    @cached_property
    def _limit(self) -> np.uint64:
        """The number up to which all are remembered."""
        return self.sample[-1] if len(self.sample) == SAMPLE else np.uint64(LARGEST)

    def _chance(self, hits: int, of: int) -> float:
        share = (self.repeats + 0.5) / (self.rows + 1.0)
        return 1.0 if hits == 0 else float(betainc(hits, of - hits + 1, share))


def _numbers(data: Rows) -> Numbers:
    return np.concatenate([EMPTY, *(_of_block(block) for block in data.source.blocks())])


def same_shares(counts: Counts) -> float:
    """Return the probability that values come in the same numbers again, by their shares (F5).

    >>> same_shares(np.array([1, 1])), same_shares(np.array([5]))
    (0.5, 1.0)
    """
    total = counts.sum()
    log_probability = gammaln(total + 1) - gammaln(counts + 1).sum()
    return float(np.exp(log_probability + counts @ np.log(counts / total)))
