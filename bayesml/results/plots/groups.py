"""Effects of the levels of a group in the order of their size: a caterpillar plot."""

from typing import TYPE_CHECKING

import numpy as np

from bayesml.results.fit import Fit, require_fit
from bayesml.results.group_tables import group_effects, group_of
from bayesml.results.plots.canvas import COLOURS, GREY, caption, grid, paper, percent, plain
from bayesml.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_NAMES = 60
"""Levels that are named on the axis."""


def groups(fit: Fit, factor: str | None = None, *, probability: float = 0.9) -> "Figure":
    """Draw the effects of every level of a group, in the order of the first term's.

    Parameters
    ----------
    fit : Fit
    factor : str, optional
        The group, as the formula names it. Not needed where there is one.
    probability : float
        Mass of the equal-tailed intervals, or level of the confidence limits.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for every term. Full dots are posterior means, open ones point estimates; more
        levels than can be named are not.

    Raises
    ------
    IncompatibleModelError
        If the model has no groups.
    DataError
        If there is no such group.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import bayesml as bm
    >>> frame = {"y": [1.0, 2.0, 4.5, 3.5, 7.0, 8.0], "g": list("aabbcc")}
    >>> fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ 1 + (1 | g)", frame))
    >>> [label.get_text() for label in groups(fit).axes[0].get_yticklabels()]
    ['c', 'b', 'a']
    """
    fit = require_fit(fit, "plots.groups()")
    part, table = group_of(fit, factor), group_effects(fit, factor, probability)
    terms = part.group.terms
    order = table.xs(terms[0], level="term").index
    point, named = fit.kind == "point", len(order) <= MOST_NAMES
    height = 1.0 + (0.2 * len(order) if named else 5.0)
    with paper(2.6 * len(terms) + 1.6, height) as figure:
        for k, axes in enumerate(grid(figure, len(terms), len(terms))):
            rows = table.xs(terms[k], level="term").loc[order].to_numpy()
            _draw_panel(axes, rows, named=named, point=point)
            axes.set_title(plain(terms[k]))
            labels = list(map(plain, order)) if named and not k else []
            axes.set_yticks([-j for j in range(len(labels))], labels)
        of = "estimates" if point else "posterior means"
        limits = "confidence limits" if point else "intervals"
        caption(
            figure,
            f"Effects of the {len(order)} levels of {part.factor}, ranked by the first term: {of} "
            f"with {percent(probability)} {limits}.",
        )
    return figure


def _draw_panel(axes: "Axes", rows: Array, *, named: bool, point: bool) -> None:
    at, face = -np.arange(len(rows)), "white" if point else "black"
    axes.hlines(at, rows[:, 2], rows[:, 3], color=COLOURS[0], lw=2.0 if named else 0.7)
    axes.plot(rows[:, 0], at, "o", ms=4.0 if named else 1.2, color="black", mfc=face)
    axes.axvline(0.0, color=GREY, lw=0.7, ls=":", zorder=0)
    axes.set_ylim(0.6 - len(rows), 0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
