"""Effects as points with their intervals, one row each."""

from typing import TYPE_CHECKING

import numpy as np

from bayesml.errors import DataError
from bayesml.results.effects import Effects
from bayesml.results.plots.canvas import COLOURS, GREY, caption, paper, percent, plain
from bayesml.results.table import label_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 60


def effects(found: Effects, *, probability: float = 0.9) -> "Figure":
    """Draw predictions, comparisons or slopes, with their intervals.

    Parameters
    ----------
    found : Effects
        What a fit was asked.
    probability : float
        Mass of the equal-tailed intervals, said on the axis; a thicker line holds half of the
        posterior.

    Returns
    -------
    matplotlib.figure.Figure
        Dots are posterior means, open ones point estimates; a dotted line is no effect.

    Raises
    ------
    DataError
        If there are more rows than can be read.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]))
    >>> effects(fit.slopes()).axes[0].get_xlabel()
    'mean and 90 % interval'
    """
    if len(found) > MOST_ROWS:
        raise DataError(
            f"plots.effects: {len(found)} rows are more than the {MOST_ROWS} that can be read; "
            "ask for fewer cells"
        )
    names = _names(found)
    at, colour = -np.arange(len(found)), COLOURS[0]
    with paper(6.2, 1.1 + 0.28 * len(found)) as figure:
        axes = figure.add_subplot()
        if not found.law.certain:
            axes.hlines(at, *found.interval(probability), color=colour, lw=1.6)
            axes.hlines(at, *found.interval(0.5), color=colour, lw=4.0)
        face = "white" if found.law.certain else "black"
        axes.plot(found.mean, at, "o", ms=4.5, color="black", markerfacecolor=face)
        if found.null is not None:
            axes.axvline(found.null, color=GREY, lw=0.7, ls=":", zorder=0)
        axes.set_yticks(at, [plain(name) for name in names])
        axes.set_ylim(0.6 - len(found), 0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        interval = f"mean and {percent(probability)} interval"
        axes.set_xlabel("estimate" if found.law.certain else interval)
        caption(figure, f"{found.title[0].upper()}{found.title[1:]}.")
    return figure


def _names(found: Effects) -> list[str]:
    """Name rows by the labels that differ between them, or by all where none does."""
    labels = {name: v for name, v in found.labels.items() if len(set(v)) > 1} or found.labels
    rows = zip(*labels.values(), strict=True)
    names = [", ".join(map(label_text, row)) for row in rows]
    return names or [""] * len(found)
