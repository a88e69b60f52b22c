"""The fit against one column, with the uncertainty of the mean and of a new observation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.arguments import tail_of
from bayesml.results.columns import (
    describe,
    is_numeric,
    levels,
    levels_known,
    moves,
    require_column,
    training_columns,
    typical,
)
from bayesml.results.fit import Fit, require_fit
from bayesml.results.plots.apart import apart
from bayesml.results.plots.canvas import (
    COLOURS,
    GREY,
    caption,
    class_ticks,
    legend,
    paper,
    percent,
    plain,
    side_legend,
)
from bayesml.results.plots.class_effect import draw_classes
from bayesml.results.plots.curves import Curve, Shown, curves, default_term, shown
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
    at: Mapping[str, Any] | None = None,
    probability: float = 0.9,
) -> "Figure":
    """Draw the fit against one column, the other columns held at typical values.

    The dark band is where the mean E[y | x] lies (epistemic), the light band where a new
    observation lies (predictive); a point estimate has no dark one. Points are partial residuals,
    the curve at the row's value plus the row's residual, or times its ratio to the prediction
    where effects multiply (a log link): with one column, the data themselves.

    Of 0 and 1, or two classes, it is the probability of the second, of more classes a curve of
    probability for each, with the band where that lies; there is no band of a new observation, and
    points are the rows themselves, or none. Of successes it is their share where trials differ.
    Of quantile regression it is the quantile.

    Parameters
    ----------
    fit : Fit
    term : str, optional
        The column on the horizontal axis; by default the first feature that holds numbers.
    frame : data frame, optional
        What the data were made from. Needed only where `Data` did not keep what a formula
        read: rows were streamed, or are some of other data's.
    by : str, optional
        A column with at most six values, and one curve for each over the range that it has.
    at : mapping of column to value or values, optional
        Where other columns are held: ``{"age": 40}``, or a curve for each of at most six values,
        ``{"age": (20, 40, 60)}``; rows are drawn with the curve whose value is nearest to theirs.
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
    require_fit(fit, "plots.effect")
    columns = training_columns(fit.data, frame)
    term = default_term(fit, columns) if term is None else term
    require_column(term, columns)
    parts, what = apart(fit, columns, term, by, at or {}), shown(fit)
    held = typical({k: v for k, v in columns.items() if k != term and k not in parts.fixed})
    drawn = list(curves(fit, columns, held, term, parts.groups, what))
    by, known = parts.column, levels_known(fit.design, term)
    names = None if is_numeric(columns[term]) else levels(columns[term], known)
    held |= {k: v for k, v in parts.groups[0].fixed.items() if k != by}
    if what.trials is not None:  # of one trial, so that their number is not held
        held = {k: v for k, v in held.items() if moves(fit.design, columns, k, [what.trials])}
    if len(what.classes) > 2:
        return draw_classes(fit, drawn, what, term, by, names, _held(held), probability)
    with paper(6.2, 4.4) as figure:
        axes = figure.add_subplot()
        if names is None:
            _draw_bands(axes, drawn, what, probability, point=fit.kind == "point")
        else:
            _draw_bars(axes, drawn, what, names, probability)
        axes.set_xlabel(plain(term))
        axes.set_ylabel(plain(what.label))
        _legend(figure, drawn, what, by, probability, point=fit.kind == "point")
        nearest = f"Points are with the nearest {by}." if at and by in at else ""
        caption(figure, f"{_words(held, drawn, what, fit.data.m)} {nearest}".strip())
    return figure


def _draw_bands(
    axes: "Axes", drawn: list[Curve], what: Shown, probability: float, *, point: bool
) -> None:
    for curve, colour in zip(drawn, COLOURS, strict=False):
        _draw_points(axes, curve.points_x, _apart(curve, what), colour, drawn)
        if what.spread:
            lower, upper = curve.prediction.interval(probability)
            axes.fill_between(curve.x, lower, upper, color=colour, alpha=0.15, lw=0, zorder=1)
        if not point:
            lower, upper = _ends(curve, probability)
            axes.fill_between(curve.x, lower, upper, color=colour, alpha=0.5, lw=0, zorder=3)
        axes.plot(curve.x, curve.centre, color=colour, zorder=4)


def _ends(curve: Curve, probability: float) -> tuple[Array, Array]:
    """Return the ends of the posterior interval of what is modelled."""
    tail = tail_of(probability)
    return curve.modelled.quantile(tail), curve.modelled.quantile(1.0 - tail)


def _apart(curve: Curve, what: Shown) -> Array:
    """Spread zeros and ones a little towards each other, so that rows can be told apart."""
    if not what.classes:
        return curve.points_y
    inwards = np.random.default_rng(1).uniform(0.0, 0.05, len(curve.points_y))
    return np.where(curve.points_y == 1.0, 1.0 - inwards, inwards)


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


def _draw_bars(
    axes: "Axes", drawn: list[Curve], what: Shown, names: list[Any], probability: float
) -> None:
    """Draw levels side by side, points spread sideways so that they can be told apart."""
    rng, width = np.random.default_rng(0), 0.8 / len(drawn)
    place = {name: k for k, name in enumerate(names)}
    for k, (curve, colour) in enumerate(zip(drawn, COLOURS, strict=False)):
        shift = width * (k - 0.5 * (len(drawn) - 1))
        at = np.array([place[name] for name in curve.x]) + shift
        spread = rng.uniform(-0.4, 0.4, len(curve.points_x)) * width
        points = np.array([place[name] for name in curve.points_x]) + shift + spread
        _draw_points(axes, points, _apart(curve, what), colour, drawn)
        if what.spread:
            lower, upper = curve.prediction.interval(probability)
            axes.vlines(at, lower, upper, color=colour, alpha=0.25, lw=12)
        lower, upper = _ends(curve, probability)
        axes.vlines(at, lower, upper, color=colour, lw=12, zorder=3)
        axes.plot(at, curve.centre, "_", ms=14, mew=1.6, color="black", zorder=4)
    class_ticks(axes, [str(name) for name in names])


def _legend(
    figure: "Figure",
    drawn: list[Curve],
    what: Shown,
    by: str | None,
    probability: float,
    *,
    point: bool,
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    colour = COLOURS[0] if by is None else GREY
    mass = percent(probability)
    bands: list[Artist] = [
        Patch(color=colour, alpha=0.5, lw=0, label=f"{mass} band of {what.what} (epistemic)"),
        Patch(color=colour, alpha=0.15, lw=0, label=f"{mass} band of a new observation"),
    ]
    if bands := bands[point : 2 if what.spread else 1]:
        legend(figure, bands, 2)
    if by is not None:
        groups: list[Artist] = [
            Line2D([], [], color=c, marker="o", ms=3, label=plain(curve.label))
            for c, curve in zip(COLOURS, drawn, strict=False)
        ]
        side_legend(figure, groups, by)


def _held(held: dict[str, Any]) -> str:
    return f"Held: {describe(held)}." if held else ""


def _words(held: dict[str, Any], drawn: list[Curve], what: Shown, rows: int) -> str:
    count = sum(len(curve.points_x) for curve in drawn)
    some = "" if count == rows else f"{count} of {rows} rows are drawn."
    points = what.points if held or not what.spread else "Points are the data."
    return " ".join(filter(None, (_held(held), points, some)))
