"""Predicted against observed, with intervals."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayesml.data import Data
from bayesml.data.messages import plural
from bayesml.posteriors import Prediction
from bayesml.results.fit import Fit, require_fit
from bayesml.results.new_rows import class_names, rows_of, whose
from bayesml.results.plots.canvas import (
    COLOURS,
    GREY,
    caption,
    class_ticks,
    legend,
    paper,
    percent,
    plain,
)
from bayesml.typing import Array

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Booleans = NDArray[np.bool]

MOST_ROWS = 400


def predictions(fit: Fit, frame: Any = None, *, probability: float = 0.9) -> "Figure":
    """Draw predictive intervals against what was observed.

    An interval that holds its observation crosses the diagonal. The legend counts them. Of
    classes, and of 0 and 1, it is the probability that each row gave to the class that it has.

    Parameters
    ----------
    fit : Fit
    frame : data frame or Data, optional
        New rows with their target. Without it, the rows that the fit learned from. The caption
        says of given rows whether the fit has seen them.
    probability : float
        Mass of the equal-tailed predictive intervals.

    Returns
    -------
    matplotlib.figure.Figure
        At most 400 rows are drawn, taken at random; all are counted.

    Raises
    ------
    DataError
        If the frame has no target.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]), rng=1)
    >>> predictions(fit).axes[0].get_ylabel()
    'predicted y'
    """
    require_fit(fit, "plots.predictions")
    rows = fit.data if frame is None else rows_of(fit, frame)
    X, y = np.asarray(rows.X, dtype=np.float64), rows.y
    if names := class_names(fit):
        return _of_classes(fit, rows, names)
    level = fit.learned.posterior.predict(X).cdf(y)
    inside = np.abs(level - 0.5) <= 0.5 * probability
    shown = np.sort(np.random.default_rng(fit.seed).permutation(len(y))[:MOST_ROWS])
    prediction = fit.learned.posterior.predict(X[shown])
    with paper(4.8, 4.9) as figure:
        axes = figure.add_subplot()
        _draw_intervals(axes, prediction, y[shown], inside[shown], probability)
        axes.set_xlabel(plain(f"observed {fit.data.target_name}"))
        axes.set_ylabel(plain(f"predicted {fit.data.target_name}"))
        _legend(figure, inside, probability)
        some = "" if len(shown) == len(y) else f", of which {len(shown)} are drawn"
        what = f"Predictive means and {percent(probability)} intervals of {plural(len(y), 'row')}"
        caption(figure, f"{what}{some}: {whose(fit, rows)}.")
    return figure


def _of_classes(fit: Fit, rows: Data, names: tuple[str, ...]) -> "Figure":
    """Draw the probability of the class that came, for rows of each class side by side."""
    X, y = np.asarray(rows.X, dtype=np.float64), np.asarray(rows.y).astype(np.intp)
    p = fit.learned.posterior.predict(X).probabilities
    own, hit = p[np.arange(len(y)), y], np.argmax(p, axis=1) == y
    rng = np.random.default_rng(fit.seed)
    shown = np.sort(rng.permutation(len(y))[:MOST_ROWS])
    place = y + rng.uniform(-0.3, 0.3, len(y))
    with paper(4.8, 4.6) as figure:
        axes = figure.add_subplot()
        for which, colour in ((hit, COLOURS[0]), (~hit, COLOURS[1])):
            some = shown[which[shown]]
            axes.plot(place[some], own[some], "o", ms=3.0, color=colour, alpha=0.7, mew=0)
        for k in np.unique(y):
            axes.plot([k - 0.35, k + 0.35], [np.mean(own[y == k])] * 2, color="black", lw=1.6)
        class_ticks(axes, names)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel(plain(f"observed {fit.data.target_name}"))
        axes.set_ylabel("probability that it was given")
        _count_hits(figure, hit)
        some_words = "" if len(shown) == len(y) else f", of which {len(shown)} are drawn"
        what = "Probabilities of the observed class, and their means (lines), of "
        caption(figure, f"{what}{plural(len(y), 'row')}{some_words}: {whose(fit, rows)}.")
    return figure


def _count_hits(figure: "Figure", hit: Booleans) -> None:
    share = 100 * float(hit.mean())
    texts = (
        f"{int(hit.sum())} of {len(hit)} rows ({share:.1f} %) have their most probable class",
        f"{int((~hit).sum())} have another",
    )
    legend(figure, [_dot(c, text) for c, text in zip(COLOURS, texts, strict=False)], 1)


def _dot(colour: str, text: str) -> "Artist":
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, marker="o", ms=3, lw=0, label=text)


def _draw_intervals(
    axes: "Axes", prediction: Prediction, y: Array, inside: Booleans, probability: float
) -> None:
    lower, upper = prediction.interval(probability)
    for rows, colour in ((inside, COLOURS[0]), (~inside, COLOURS[1])):
        axes.vlines(y[rows], lower[rows], upper[rows], color=colour, lw=0.8, alpha=0.45)
        axes.plot(y[rows], prediction.mean[rows], "o", ms=2.5, color=colour)
    ends = [min(y.min(), lower.min()), max(y.max(), upper.max())]
    axes.plot(ends, ends, color=GREY, lw=1.0, ls="--", zorder=0)
    axes.set_aspect("equal", adjustable="datalim")


def _legend(figure: "Figure", inside: Booleans, probability: float) -> None:
    from matplotlib.lines import Line2D

    held, share = int(inside.sum()), 100 * float(inside.mean())
    texts = (
        f"{held} of {len(inside)} observations ({share:.1f} %) inside their "
        f"{percent(probability)} interval",
        f"{len(inside) - held} outside",
    )
    handles: list[Artist] = [
        Line2D([], [], color=colour, marker="o", ms=3, lw=0.8, label=text)
        for colour, text in zip(COLOURS, texts, strict=False)
    ]
    legend(figure, handles, 1)
