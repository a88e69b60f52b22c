"""Probabilities of several classes against one column."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.arguments import tail_of
from bayesml.results.class_draws import class_probability_draws
from bayesml.results.fit import Fit
from bayesml.results.plots.canvas import (
    COLOURS,
    caption,
    class_ticks,
    grid,
    paper,
    percent,
    plain,
    side_legend,
)
from bayesml.results.plots.curves import Curve, Shown

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_classes(
    fit: Fit,
    drawn: Sequence[Curve],
    what: Shown,
    term: str,
    by: str | None,
    names: Sequence[Any] | None,
    held: str,
    probability: float,
) -> "Figure":
    """Draw a curve for each class, in one panel for each level of `by`.

    Parameters
    ----------
    fit : Fit
    drawn : sequence of Curve
    what : Shown
    term, by : str
        The column that moves, and that of the panels.
    names : sequence or None
        The levels of the column that moves, if it has levels.
    held : str
        Where the other columns are held, in words.
    probability : float
        Mass of the bands.
    """
    columns = min(3, len(drawn)) if len(drawn) != 4 else 2
    rows = -(-len(drawn) // columns)
    with paper(
        6.2 if columns == 1 else 2.6 * columns + 1.2, 4.2 if rows == 1 else 2.9 * rows
    ) as figure:
        for k, (axes, curve) in enumerate(
            zip(grid(figure, len(drawn), columns), drawn, strict=True)
        ):
            _draw(axes, fit, curve, names, probability)
            axes.set_title(plain(f"{by} = {curve.label}" if by else ""))
            axes.set_xlabel(plain(term))
            axes.set_ylabel(plain(what.label) if k % columns == 0 else "")
        _legend(figure, what, fit.data.target_name)
        band = "" if fit.kind == "point" else f"Bands hold {percent(probability)} of each. "
        caption(figure, f"{band}{held}" or "Probabilities at the estimate.")
    return figure


def _draw(
    axes: "Axes", fit: Fit, curve: Curve, names: Sequence[Any] | None, probability: float
) -> None:
    p = curve.prediction.probabilities
    each = class_probability_draws(fit, curve.X)
    tail = tail_of(probability)
    lower, upper = np.quantile(each, (tail, 1.0 - tail), axis=0)
    K = p.shape[1]
    width = 0.8 / K
    for k in range(K):
        colour = COLOURS[k % len(COLOURS)]
        style = ("-", "--", ":")[k // len(COLOURS) % 3]
        if names is None:
            axes.fill_between(curve.x, lower[k], upper[k], color=colour, alpha=0.3, lw=0)
            axes.plot(curve.x, p[:, k], color=colour, ls=style)
            continue
        at = np.array([names.index(x) for x in curve.x]) + width * (k - 0.5 * (K - 1))
        axes.vlines(at, lower[k], upper[k], color=colour, alpha=0.5, lw=min(12.0, 40.0 * width))
        axes.plot(at, p[:, k], "_", ms=min(14.0, 45.0 * width), mew=1.6, color="black")
    if names is not None:
        class_ticks(axes, [str(name) for name in names])
    axes.set_ylim(0.0, 1.0)


def _legend(figure: "Figure", what: Shown, target: str) -> None:
    from matplotlib.lines import Line2D

    handles: list[Artist] = [
        Line2D(
            [],
            [],
            color=COLOURS[k % len(COLOURS)],
            ls=("-", "--", ":")[k // len(COLOURS) % 3],
            lw=2.5,
            label=plain(name),
        )
        for k, name in enumerate(what.classes)
    ]
    side_legend(figure, handles, target)
