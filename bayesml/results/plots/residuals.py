"""What the model left over, at a glance."""

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from bayesml.results.criticism.influence import FAR, cooks_distance, cooks_limit
from bayesml.results.criticism.linearised import Linearised
from bayesml.results.criticism.quantiles import expected_quantiles
from bayesml.results.fit import Fit, require_fit
from bayesml.results.plots.canvas import COLOURS, GREY, caption, legend, message, paper, plain
from bayesml.results.plots.names import name_points
from bayesml.results.plots.residual_rows import Judged, judge
from bayesml.typing import Array, Integers

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, FLAGGED, MEAN = COLOURS[0], COLOURS[1], COLOURS[2]
MOST_NAMES = 5
MOST_GROUPS = 20
OUT_OF_SIGHT = 3.0
"""Times the largest residual, beyond which a limit would leave no room for the points."""


def residuals(fit: Fit) -> "Figure":
    r"""Draw the residuals against the fitted values, their quantiles, leverage and neighbours.

    Four panels, and what a right model shows in them: no trend of the mean and one spread; points
    along the diagonal, inside the band; no point beyond the limit of Cook's distance; and bars
    inside the band. Rows that decide the answer, and residuals larger than chance makes them, are
    coloured and named: the rows that ``fit.check()`` speaks of.

    Parameters
    ----------
    fit : Fit
        Of any kind, with its rows in memory.

    Returns
    -------
    matplotlib.figure.Figure
        Residuals are those of (C1) by their standard deviation, :math:`z_i/\sqrt{1 - h_i}`; the
        second panel has quantile residuals (C13), normal under any likelihood, and so have the
        others where the fit has no leverage, as of a network, and says why. At most 2000 rows are
        drawn, taken at random, with all that are flagged; means and autocorrelations are of all.

    Raises
    ------
    DataError
        If the rows are not in memory.
    MissingDependencyError
        If matplotlib is not installed.

    References
    ----------
    Cook (1977), Detection of influential observation in linear regression, Technometrics 19.
    Dunn & Smyth (1996), Randomized quantile residuals, J. Comput. Graph. Statist. 5.
    Gelman & Hill (2007), Data Analysis Using Regression, §5.6: means of groups of residuals.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.5, 6.5])
    >>> residuals(bm.fit(bm.Model(), data, rng=1)).axes[2].get_xlabel()
    'leverage'
    """
    require_fit(fit, "plots.residuals")
    judged = judge(fit)
    with paper(8.6, 7.4) as figure:
        scatter, quantiles, influence, neighbours = figure.subplots(2, 2).ravel()
        _draw_scatter(scatter, judged, judged.words)
        ranks = _draw_quantiles(quantiles, judged)
        _draw_neighbours(neighbours, judged)
        named = np.flatnonzero(judged.flagged)
        order = named[np.argsort(-np.abs(judged.residual[named]))]
        points = [(scatter, judged.fitted, judged.residual, order), (quantiles, *ranks, order)]
        if isinstance(judged.linear, str):
            influence.set_title("Leverage", loc="left")
            message(influence, f"No leverage: {judged.linear}")
        else:
            points.append((influence, *_draw_influence(influence, judged, judged.linear)))
        _legend(figure, judged)
        caption(figure, _words(judged))
        figure.draw_without_rendering()  # names are placed on the finished paper
        for axes, x, y, which in points:
            name_points(axes, x, y, which[:MOST_NAMES].tolist(), judged.names)
    return figure


def _draw_points(axes: "Axes", x: Array, y: Array, judged: Judged) -> None:
    for rows, colour, size in ((~judged.flagged, ROW, 3.0), (judged.flagged, FLAGGED, 4.5)):
        axes.plot(x[rows], y[rows], "o", ms=size, color=colour, alpha=0.7, mew=0)


def _draw_scatter(axes: "Axes", judged: Judged, fitted: str) -> None:
    """Draw residuals against fitted values, and means of rows with similar ones."""
    _draw_points(axes, judged.fitted, judged.residual, judged)
    axes.axhline(0.0, color=GREY, lw=1.0, ls="--", zorder=0)
    x, mean, error = _group_means(judged)
    if len(x) > 1:
        axes.fill_between(x, -2.0 * error, 2.0 * error, color=GREY, alpha=0.2, lw=0, zorder=0)
        axes.plot(x, mean, "o-", ms=3.5, color=MEAN, label="mean of rows fitted alike")
    if _are_one(judged.fitted):
        reach = max(1.0, 0.1 * float(np.abs(judged.fitted[0])))
        axes.set_xlim(judged.fitted[0] - reach, judged.fitted[0] + reach)
    axes.locator_params(axis="x", nbins=7)
    axes.set_xlabel(plain(fill(fitted, 48)))
    axes.set_ylabel("residual, in its standard deviations")
    axes.set_title("No trend, and the same spread everywhere?", loc="left")


def _group_means(judged: Judged) -> tuple[Array, Array, Array]:
    """Return fitted values and mean residuals of groups of neighbours, and errors of the means."""
    if isinstance(judged.linear, str):
        level, residual, where = judged.fitted, judged.residual, np.arange(len(judged.rows))
    else:
        level, residual, where = judged.linear.eta, judged.linear.standardised, judged.where
    count = min(MOST_GROUPS, int(np.sqrt(len(level))))
    edges = np.unique(np.quantile(level, np.linspace(0.0, 1.0, count + 1)))
    if _are_one(edges):
        edges = edges[:1]
    group = np.searchsorted(edges[1:-1], level, side="right")
    drawn = np.bincount(group[where], minlength=len(edges))
    x = np.bincount(group[where], judged.fitted, minlength=len(edges))
    size, total = np.bincount(group, minlength=len(edges)), np.bincount(group, residual)
    some = np.flatnonzero(drawn)
    return x[some] / drawn[some], total[some] / size[some], 1.0 / np.sqrt(size[some])


def _are_one(fitted: Array) -> bool:
    """Say whether fitted values differ by rounding alone."""
    return bool(np.ptp(fitted) <= 1e-9 * np.max(np.abs(fitted)))


def _draw_quantiles(axes: "Axes", judged: Judged) -> tuple[Array, Array]:
    """Draw sorted quantile residuals where they belong (C14); return the points, row by row."""
    order = np.argsort(judged.quantile)
    middle, lower, upper = expected_quantiles(judged.stands_for[order])
    axes.fill_between(middle, lower, upper, color=GREY, alpha=0.2, lw=0)
    axes.plot(middle, middle, color=GREY, lw=1.0, ls="--")
    x = np.empty(len(order))
    x[order] = middle
    _draw_points(axes, x, judged.quantile, judged)
    axes.set_xlabel("normal quantile")
    axes.set_ylabel("quantile residual")
    axes.set_title("Along the diagonal, inside the band?", loc="left")
    return x, judged.quantile


def _draw_influence(
    axes: "Axes", judged: Judged, linear: Linearised
) -> tuple[Array, Array, Integers]:
    """Draw leverage against residuals with the limits of (C6); return points, and whom to name."""
    h, r = linear.leverage[judged.where], judged.residual
    right, largest = 1.08 * float(h.max()), float(np.abs(r).max())
    grid = np.linspace(right / 500, min(right, 1.0), 500)
    limit = _limit(linear, grid)
    axes.set_title("No row beyond a limit?", loc="left")
    if limit[-1] > OUT_OF_SIGHT * largest:
        axes.set_title("Every row is well within the limit of Cook's distance", loc="left")
    else:
        label = "limit of Cook's distance"
        axes.plot(grid, limit, color=FLAGGED, lw=1.2, ls="--", label=label)
        axes.plot(grid, -limit, color=FLAGGED, lw=1.2, ls="--")
        largest = max(largest, float(limit[-1]))
    if right > (far := FAR * linear.p / linear.m):
        axes.axvline(far, color=GREY, lw=1.0, ls=":", label=f"{FAR:g} times the mean leverage")
    _draw_points(axes, h, r, judged)
    axes.axhline(0.0, color=GREY, lw=1.0, ls="--", zorder=0)
    axes.set_xlim(0.0, right)
    axes.set_ylim(-1.2 * largest, 1.2 * largest)
    axes.locator_params(axis="x", nbins=6)
    axes.ticklabel_format(axis="x", scilimits=(-3, 3))
    axes.set_xlabel("leverage")
    axes.set_ylabel("residual, in its standard deviations")
    order = np.argsort(-cooks_distance(linear)[judged.where])
    flagged = order[judged.flagged[order]]
    return h, r, flagged if len(flagged) else order[:3]


def _limit(linear: Linearised, leverage: Array) -> Array:
    """Return the |z|/√(1 − h) at which Cook's distance reaches its limit (C6)."""
    bound = cooks_limit(leverage, linear.m, linear.p)
    return np.asarray(np.sqrt(bound * linear.p * np.maximum(1.0 - leverage, 1e-12) / leverage))


def _draw_neighbours(axes: "Axes", judged: Judged) -> None:
    """Draw the autocorrelation of the residuals in the order of the rows."""
    from arviz_stats.base import array_stats

    order = judged.order or "the rows"
    axes.set_title(plain(f"In order of {order}: bars inside the band?"), loc="left")
    linear = judged.linear
    series = judged.residual if isinstance(linear, str) else linear.standardised
    m = len(series)
    if judged.by_target and not judged.order:
        message(axes, "No autocorrelation: the rows are in order of the target, and agree.")
        return
    if m < judged.total:
        message(axes, f"No autocorrelation: all {judged.total} rows would have to be predicted.")
        return
    if m < 4 or np.ptp(series) == 0.0:
        message(axes, "No autocorrelation: there are too few rows, or all residuals are the same.")
        return
    lags = np.arange(1, min(m - 2, max(10, int(10 * np.log10(m)))) + 1)
    r = array_stats.autocorr(series)[lags]
    limit = 2.0 / np.sqrt(m)
    axes.axhspan(-limit, limit, color=GREY, alpha=0.2, lw=0)
    axes.axhline(0.0, color=GREY, lw=1.0)
    axes.vlines(lags, 0.0, r, color=ROW, lw=2.0)
    top = max(1.3 * float(np.abs(r).max()), 2.0 * limit)
    axes.set_ylim(-top, top)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("rows apart")
    axes.set_ylabel("autocorrelation")


def _legend(figure: "Figure", judged: Judged) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    def dot(colour: str, size: float, label: str) -> "Artist":
        return Line2D([], [], color=colour, marker="o", ms=size, lw=0, mew=0, label=label)

    lines = [line for axes in figure.axes for line in axes.get_legend_handles_labels()[0]]
    handles: list[Artist] = [
        dot(ROW, 3.0, "row"),
        *([dot(FLAGGED, 4.5, "flagged row")] if judged.flagged.any() else []),
        Patch(color=GREY, alpha=0.2, lw=0, label="95 % band of a right model"),
        *lines,
    ]
    legend(figure, handles, 3)


def _words(judged: Judged) -> str:
    which = "Residuals are quantile residuals, normal under any likelihood."
    if not isinstance(judged.linear, str):
        which = (
            "Residuals are divided by their standard deviation; those at the top right are "
            "quantile residuals, normal under any likelihood."
        )
    count, drawn = int(judged.flagged.sum()), len(judged.rows)
    marked = f" {count} flagged: rows that pull the fit, or larger than chance." if count else ""
    some = f" {drawn} of {judged.total} rows are drawn, all flagged ones among them."
    return f"{which}{marked}{some if drawn < judged.total else ''}"
