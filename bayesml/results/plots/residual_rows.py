"""The rows that `residuals` draws, and what is known of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bayesml.errors import DataError
from bayesml.results.criticism.influence import LEVEL, decisive, largest_by_chance
from bayesml.results.criticism.linearised import Linearised, linearise, order_of_rows, row_name
from bayesml.results.criticism.quantiles import quantile_residuals
from bayesml.results.fit import Fit
from bayesml.results.new_rows import class_names
from bayesml.typing import Array, Integers

MOST_ROWS = 2_000
"""Drawn, and predicted: a sampled answer is an average over thousands of draws for each."""

MOST_FLAGGED = 500


@dataclass(frozen=True, eq=False)
class Judged:
    """Rows with their residuals, in the order of the data.

    Attributes
    ----------
    rows : ndarray of int, shape (k,)
        Which rows of the data these are.
    names : tuple of str
    fitted : ndarray, shape (k,)
        E[y], or the median where that does not exist.
    words : str
        What that is, for an axis.
    residual : ndarray, shape (k,)
        z/√(1 − h), or the quantile residual where there is no z.
    quantile : ndarray, shape (k,)
        Quantile residuals (C13).
    flagged : ndarray of bool, shape (k,)
        Rows that decide the answer, or whose residual is larger than chance makes it.
    stands_for : ndarray, shape (k,)
        How many rows each stands for: more than one where not all are drawn.
    linear : Linearised or str
        All rows, or why there is no leverage.
    where : ndarray of int
        The places of these rows among those of `linear`.
    order : str
        What the rows are in order of.
    by_target : bool
        Whether they are in order of y itself, or of its classes.
    total : int
        Rows of positive weight in the data.
    """

    rows: Integers
    names: tuple[str, ...]
    fitted: Array
    words: str
    residual: Array
    quantile: Array
    flagged: NDArray[np.bool]
    stands_for: Array
    linear: Linearised | str
    where: Integers
    order: str
    by_target: bool
    total: int


def judge(fit: Fit) -> Judged:
    """Choose the rows to draw, all that are flagged among them, and predict them."""
    data = fit.data
    if not data.in_memory:
        raise DataError(
            f"plots.residuals draws single rows, and these are {data.whereabouts}, not in memory: "
            "put them there by data.collect(), or some of them, and fit again."
        )
    linear = linearise(fit)
    kept = np.flatnonzero(data.row_weights > 0)
    rng = np.random.default_rng(fit.seed)
    flagged = np.empty(0, dtype=int) if isinstance(linear, str) else _flagged(linear)
    where = np.union1d(flagged, rng.permutation(len(kept))[:MOST_ROWS])
    rows, marked = kept[where], np.isin(where, flagged)
    prediction = fit.learned.posterior.predict(np.asarray(data.X[rows], dtype=np.float64))
    quantile = quantile_residuals(prediction, np.asarray(data.y)[rows], rng)
    fitted, words = prediction.mean, _words(fit)
    if not np.all(np.isfinite(fitted)):
        fitted, words = prediction.quantile(0.5), f"fitted median of {data.target_name}"
    if isinstance(linear, str):
        marked = np.abs(quantile) > -ndtri(0.5 * LEVEL / len(kept))
        residual = quantile
    else:
        residual = linear.standardised[where]
    others = (len(kept) - len(flagged)) / max(len(where) - len(flagged), 1)
    return Judged(
        rows,
        tuple(row_name(data.row_labels, int(row)) for row in rows),
        np.asarray(fitted),
        words,
        residual,
        quantile,
        marked,
        np.where(np.isin(where, flagged), 1.0, others) * data.row_weights[rows],
        linear,
        where,
        order_of_rows(fit),
        _in_blocks(np.asarray(data.y)[kept]),
        len(kept),
    )


def _words(fit: Fit) -> str:
    """Say what a fitted mean is: of classes, a probability, or the mean of their numbers."""
    target, names = fit.data.target_name, class_names(fit)
    if len(names) == 2:
        return f"fitted probability of {target} = {names[1]}"
    if names:
        return f"fitted mean number of {target}, {names[0]} = 0 to {names[-1]} = {len(names) - 1}"
    return f"fitted {target}"


def _in_blocks(y: Array) -> bool:
    """Say whether equal values of y stand together, as in a table that was sorted by it."""
    return len(y) > 2 and bool(np.sum(np.diff(y) != 0) < min(len(np.unique(y)), len(y) - 1))


def _flagged(linear: Linearised) -> Integers:
    """Return rows that decide, and rows with residuals that chance does not make; at most 500."""
    size = np.abs(linear.standardised)
    large = np.flatnonzero(size > largest_by_chance(linear.m, linear.p))
    large = large[np.argsort(-size[large])]
    return np.concatenate([decisive(linear), large])[:MOST_FLAGGED]
