"""Estimates with their intervals: of one fit a forest, of several side by side."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bayesml.errors import IncompatibleModelError
from bayesml.results.fit import Fit
from bayesml.results.plots.canvas import (
    COLOURS,
    GREY,
    caption,
    grid,
    panel_title,
    paper,
    percent,
    plain,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS, MOST_ROWS = 24, 60


def coefficients(fits: Fit | Mapping[str, Fit], *, probability: float = 0.9) -> "Figure":
    """Draw the estimates of one or several fits, with their intervals or confidence limits.

    Of one fit it is a forest plot: the weights of the columns on one axis, and a line at zero.
    Of several fits, and where there are no weights, every parameter has an axis of its own, so that
    a slope per millimetre is seen beside an intercept in grams.

    Parameters
    ----------
    fits : Fit, or mapping of label to Fit
    probability : float
        Mass of the equal-tailed intervals, or level of the confidence limits.

    Returns
    -------
    matplotlib.figure.Figure
        Full dots are posterior means, open ones point estimates.

    Raises
    ------
    IncompatibleModelError
        If there are no fits.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
    >>> fits = {
    ...     "least squares": bm.fit(bm.Model(), data, bm.MLE()),
    ...     "exact": bm.fit(bm.Model(), data),
    ... }
    >>> [axes.get_title() for axes in coefficients(fits).axes]
    ['intercept', 'x0', 'sigma']
    >>> [label.get_text() for label in coefficients(fits["exact"]).axes[0].get_yticklabels()]
    ['x0']
    """
    if isinstance(fits, Fit):
        table = fits.summary(probability)
        weights = table[[str(name).startswith("weights[") for name in table.index]]
        if len(weights):
            return _forest(fits, weights, probability)
        fits = {"": fits}
    if not fits:
        raise IncompatibleModelError("plots.coefficients: no fits were given; give at least one.")
    tables = {label: fit.summary(probability) for label, fit in fits.items()}
    every = list(dict.fromkeys(str(name) for table in tables.values() for name in table.index))
    names = every[:MOST_PANELS]
    columns = min(3, len(names)) if len(names) != 4 else 2
    height = (0.75 + 0.25 * len(fits)) * -(-len(names) // columns) + 0.4
    with paper(2.2 * columns + 0.8, height) as figure:
        for k, (axes, name) in enumerate(
            zip(grid(figure, len(names), columns), names, strict=True)
        ):
            _draw_panel(axes, name, fits, tables, labelled=k % columns == 0)
        hidden = len(every) - len(names)
        more = f" {hidden} more parameters are not shown." if hidden else ""
        caption(figure, _words(fits, probability) + more)
    return figure


def _forest(fit: Fit, weights: "pd.DataFrame", probability: float) -> "Figure":
    """Draw weights on one axis, the first on top."""
    shown = weights.iloc[:MOST_ROWS]
    face = "white" if fit.kind == "point" else COLOURS[0]
    with paper(6.0, 0.3 * len(shown) + 1.0) as figure:
        axes = figure.add_subplot()
        axes.axvline(0, color=GREY, lw=0.7, ls=":", zorder=0)
        for k, row in enumerate(shown.to_numpy()):
            mean, _, lower, upper = row[:4]
            axes.plot([lower, upper], [-k, -k], color=COLOURS[0], solid_capstyle="butt")
            axes.plot([mean], [-k], "o", ms=5, color=COLOURS[0], markerfacecolor=face)
        axes.set_yticks([-k for k in range(len(shown))], [panel_title(str(n)) for n in shown.index])
        axes.set_ylim(0.6 - len(shown), 0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        hidden = len(weights) - len(shown)
        more = f" {hidden} more are not shown." if hidden else ""
        caption(
            figure, f"Weights per unit of their columns. {_words({'': fit}, probability)}{more}"
        )
    return figure


def _draw_panel(
    axes: "Axes",
    name: str,
    fits: Mapping[str, Fit],
    tables: Mapping[str, "pd.DataFrame"],
    *,
    labelled: bool,
) -> None:
    from matplotlib.ticker import MaxNLocator

    for k, (label, table) in enumerate(tables.items()):
        if name in table.index:
            mean, _, lower, upper = table.loc[name].to_numpy()[:4]
            colour = COLOURS[k % len(COLOURS)]
            axes.plot([lower, upper], [-k, -k], color=colour, solid_capstyle="butt")
            face = "white" if fits[label].kind == "point" else colour
            axes.plot([mean], [-k], "o", ms=5, color=colour, markerfacecolor=face)
    low, high = axes.get_xlim()
    if low < 0 < high:
        axes.axvline(0, color=GREY, lw=0.7, ls=":", zorder=0)
    axes.set_title(panel_title(name))
    axes.set_ylim(0.6 - len(tables), 0.6)
    axes.set_yticks(
        [-k for k in range(len(tables))], [plain(t) for t in tables] if labelled else []
    )
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _words(fits: Mapping[str, Fit], probability: float) -> str:
    kinds = {fit.kind == "point" for fit in fits.values()}
    points = f"estimates with {percent(probability)} confidence limits"
    posteriors = f"posterior means with {percent(probability)} intervals"
    if kinds == {True, False}:
        return f"Full dots: {posteriors}. Open dots: {points}."
    text = points if True in kinds else posteriors
    return f"{text[0].upper()}{text[1:]}."
