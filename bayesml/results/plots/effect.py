"""The fit against one column, with the uncertainty of the mean and of a new observation."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.results.columns import (
    describe,
    is_numeric,
    levels,
    require_column,
    training_columns,
    typical,
)
from bayesml.results.fit import Fit
from bayesml.results.plots.canvas import (
    COLOURS,
    GREY,
    caption,
    legend,
    paper,
    percent,
    plain,
    side_legend,
)
from bayesml.results.plots.curves import Curve, check_by, curves, default_term
from bayesml.typing import Array

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def effect(
    fit: Fit,
    term: str | None = None,
    *,
    frame: Any = None,
    by: str | None = None,
    probability: float = 0.9,
) -> "Figure":
    """Draw the fit against one column, the other columns held at typical values.

    The dark band is where the mean E[y | x] lies (epistemic), the light band where a new
    observation lies (predictive); a point estimate has no dark one. Points are partial residuals,
    the curve at the row's value plus the row's residual: with one column, the data themselves.

    Parameters
    ----------
    fit : Fit
    term : str, optional
        The column on the horizontal axis; the first that holds numbers by default.
    frame : data frame, optional
        What the data were made from. Needed only where `Data` did not keep what a formula
        read: rows were streamed, or are some of other data's.
    by : str, optional
        A column with at most six values, and one curve for each over the range that it has.
    probability : float
        Mass of both bands.

    Returns
    -------
    matplotlib.figure.Figure
        Its caption says where the other columns are held: at their means, or commonest values.

    Raises
    ------
    DataError
        If there is no such column, or the frame is needed or another one.
    MissingDependencyError
        If matplotlib is not installed.

    References
    ----------
    Gelman, Hill & Vehtari (2020), Regression and Other Stories, §11.3.

    Examples
    --------
    >>> import bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]), rng=1)
    >>> effect(fit).axes[0].get_xlabel()
    'x0'
    """
    columns = training_columns(fit.data, frame)
    term = default_term(columns) if term is None else term
    require_column(term, columns)
    check_by(by, term, columns)
    held = typical({k: v for k, v in columns.items() if k not in (term, by)})
    drawn = list(curves(fit, columns, held, term, by))
    with paper(6.2, 4.4) as figure:
        axes = figure.add_subplot()
        if is_numeric(columns[term]):
            _draw_bands(axes, drawn, probability, point=fit.kind == "point")
        else:
            _draw_bars(axes, drawn, levels(columns[term]), probability)
        axes.set_xlabel(plain(term))
        axes.set_ylabel(plain(fit.data.target_name))
        _legend(figure, drawn, by, probability, point=fit.kind == "point")
        caption(figure, _words(held, drawn, fit.data.m))
    return figure


def _draw_bands(axes: "Axes", drawn: list[Curve], probability: float, *, point: bool) -> None:
    for curve, colour in zip(drawn, COLOURS, strict=False):
        _draw_points(axes, curve.points_x, curve.points_y, colour, drawn)
        lower, upper = curve.prediction.interval(probability)
        axes.fill_between(curve.x, lower, upper, color=colour, alpha=0.15, lw=0, zorder=1)
        if not point:
            lower, upper = curve.prediction.expectation.interval(probability)
            axes.fill_between(curve.x, lower, upper, color=colour, alpha=0.5, lw=0, zorder=3)
        axes.plot(curve.x, curve.prediction.mean, color=colour, zorder=4)


def _draw_points(axes: "Axes", x: Any, y: Array, colour: str, drawn: list[Curve]) -> None:
    """Draw the rows over the bands, larger where they are few."""
    axes.plot(
        x,
        y,
        "o",
        ms=3.0 if sum(len(curve.points_x) for curve in drawn) > 100 else 4.5,
        mew=0.4,
        mec="white",
        color="#333333" if len(drawn) == 1 else colour,
        alpha=0.6,
        zorder=3.5,
    )


def _draw_bars(axes: "Axes", drawn: list[Curve], names: list[Any], probability: float) -> None:
    """Draw levels side by side, points spread sideways so that they can be told apart."""
    rng, width = np.random.default_rng(0), 0.8 / len(drawn)
    place = {name: k for k, name in enumerate(names)}
    for k, (curve, colour) in enumerate(zip(drawn, COLOURS, strict=False)):
        shift = width * (k - 0.5 * (len(drawn) - 1))
        at = np.array([place[name] for name in curve.x]) + shift
        spread = rng.uniform(-0.4, 0.4, len(curve.points_x)) * width
        points = np.array([place[name] for name in curve.points_x]) + shift + spread
        _draw_points(axes, points, curve.points_y, colour, drawn)
        lower, upper = curve.prediction.interval(probability)
        axes.vlines(at, lower, upper, color=colour, alpha=0.25, lw=12)
        lower, upper = curve.prediction.expectation.interval(probability)
        axes.vlines(at, lower, upper, color=colour, lw=12, zorder=3)
        axes.plot(at, curve.prediction.mean, "_", ms=14, mew=1.6, color="black", zorder=4)
    axes.set_xticks(range(len(names)), [plain(name) for name in names])
    axes.set_xlim(-0.6, len(names) - 0.4)


def _legend(
    figure: "Figure", drawn: list[Curve], by: str | None, probability: float, *, point: bool
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    colour = COLOURS[0] if by is None else GREY
    mass = percent(probability)
    bands: list[Artist] = [
        Patch(color=colour, alpha=0.5, lw=0, label=f"{mass} band of the mean (epistemic)"),
        Patch(color=colour, alpha=0.15, lw=0, label=f"{mass} band of a new observation"),
    ]
    legend(figure, bands[point:], 2)
    if by is not None:
        groups: list[Artist] = [
            Line2D([], [], color=c, marker="o", ms=3, label=plain(curve.label))
            for c, curve in zip(COLOURS, drawn, strict=False)
        ]
        side_legend(figure, groups, by)


def _words(held: dict[str, Any], drawn: list[Curve], rows: int) -> str:
    shown = sum(len(curve.points_x) for curve in drawn)
    some = "" if shown == rows else f" {shown} of {rows} rows are drawn."
    if not held:
        return f"Points are the data.{some}"
    return f"Held: {describe(held)}. Points are partial residuals.{some}"
