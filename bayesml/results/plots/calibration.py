"""Whether predictions keep what they promise, at a glance."""

from typing import TYPE_CHECKING

import numpy as np

from bayesml.results.calibration import Calibration
from bayesml.results.plots.canvas import COLOURS, GREY, caption, legend, paper

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVELS = np.linspace(0.02, 0.98, 49)


def calibration(result: Calibration, *, bins: int = 10) -> "Figure":
    """Draw coverage at every level, and the histogram of PIT values, with their bands.

    A line below the diagonal is a model that is too sure. A histogram like a U says the same, a
    hump the opposite, a slope that predictions are off to one side.

    Parameters
    ----------
    result : Calibration
    bins : int
        Bars of the histogram.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    References
    ----------
    Gneiting, Balabdaoui & Raftery (2007), Probabilistic forecasts, calibration and sharpness, §3.

    Examples
    --------
    >>> import bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]))
    >>> calibration(bm.calibration(fit, fit.data)).axes[1].get_xlabel()
    'PIT value'
    """
    with paper(7.2, 3.7) as figure:
        _draw_coverage(figure.add_subplot(1, 2, 1), result)
        some_outside = _draw_histogram(figure.add_subplot(1, 2, 2), result, bins)
        _legend(figure, some_outside=some_outside)
        caption(figure, _words(result))
    return figure


def _draw_coverage(axes: "Axes", result: Calibration) -> None:
    table = result.coverage(list(LEVELS))
    axes.fill_between(LEVELS, table["low"], table["high"], color=GREY, alpha=0.2, lw=0, step="mid")
    axes.plot([0, 1], [0, 1], color=GREY, lw=1.0, ls="--")
    axes.plot(LEVELS, table["observed"], color=COLOURS[0])
    axes.set_xlabel("probability of the interval")
    axes.set_ylabel("share of observations inside")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _draw_histogram(axes: "Axes", result: Calibration, bins: int) -> bool:
    """Draw the bars, and say whether one of them is outside its band."""
    table = result.histogram(bins)
    outside = (table["share"] < table["low"]) | (table["share"] > table["high"])
    colours = np.where(outside, COLOURS[1], COLOURS[0])
    axes.bar(
        table["left"],
        table["share"],
        1.0 / bins,
        align="edge",
        color=colours,
        edgecolor="white",
        alpha=0.85,
    )
    low, high = float(table["low"][0]), float(table["high"][0])
    axes.fill_between([0, 1], low, high, color=GREY, alpha=0.2, lw=0, zorder=0)
    axes.hlines([low, high], 0, 1, color=GREY, lw=0.6)
    axes.axhline(1.0 / bins, color=GREY, lw=1.0, ls="--")
    axes.set_xlabel("PIT value")
    axes.set_ylabel("share of observations")
    axes.set_xlim(0, 1)
    return bool(outside.any())


def _legend(figure: "Figure", *, some_outside: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Artist] = [
        Line2D([], [], color=COLOURS[0], label="observed"),
        *([Patch(color=COLOURS[1], label="outside its band")] if some_outside else []),
        Line2D([], [], color=GREY, ls="--", lw=1.0, label="calibrated"),
        Patch(color=GREY, alpha=0.2, lw=0, label="99 % band of calibrated predictions"),
    ]
    legend(figure, handles, 4)


def _words(result: Calibration) -> str:
    scores = result.scores()
    judged = [finding for finding in result.check().findings if not finding.passed]
    verdict = " ".join(finding.meaning for finding in judged) or "Nothing speaks against them."
    if result.classes:
        brier = result.reliability()["brier"].sum()
        measured = f"Brier score {brier:.4g}; plots.reliability draws the probabilities."
    else:
        width = scores["sharpness_90"]
        measured = f"CRPS {scores['crps']:.4g}, mean width of the 90 % intervals {width:.4g}."
    text = (
        f"{len(result)} rows, {result.rows}. {verdict} Log score {scores['log_score']:.4g}. "
        f"{measured}"
    )
    return text.replace(" -", " −")
