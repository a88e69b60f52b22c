"""Whether classes come as often as they were predicted to, at a glance."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.errors import DataError
from bayesml.posteriors import Prediction
from bayesml.results.fit import Fit
from bayesml.results.new_rows import LEARNED_FROM, class_names, observed_of, rows_of, whose
from bayesml.results.plots.canvas import COLOURS, GREY, caption, grid, legend, paper, plain
from bayesml.results.reliability import REPLICAS, Reliability, numbered
from bayesml.results.scores import class_probabilities

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 12
BINS = 20
TALLEST = 0.15
"""Of the bars along the axis, in parts of the height."""


def reliability(subject: Fit | Prediction, data: Any = None) -> "Figure":
    r"""Draw how often classes came against how probable they were predicted to be.

    The line is the CORP reliability diagram (C15): the frequency as the best function of the
    probability that never falls. It runs along the diagonal, within the band that chance makes of
    right predictions (C17). Below it on the right and above it on the left, probabilities are
    too extreme; the other way round, not extreme enough.

    Parameters
    ----------
    subject : Fit or Prediction
        Of 0 and 1, or of classes.
    data : Data, data frame, or ndarray of shape (rows,), optional
        For a fit, rows with their target, best ones that it has not seen; by default the rows
        that it learned from, of which probabilities that a prior holds back look not extreme
        enough. For a prediction, the observed y of its rows.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a class, of two for the second alone. Bars show which share of rows had each
        probability. Of more than twelve classes, those with most miscalibration are drawn.

    Raises
    ------
    DataError
        If the target has no classes, or a prediction has no y.
    MissingDependencyError
        If matplotlib is not installed.

    References
    ----------
    Dimitriadis, Gneiting & Jordan (2021), Stable reliability diagrams for probabilistic
    classifiers, PNAS 118(8).

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0], [3.0]], ["no", "yes", "no", "yes"])
    >>> fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MAP())
    >>> reliability(fit).axes[0].get_title()
    'y = yes'
    """
    result, rows = _compared(subject, data)
    target = f"{subject.data.target_name} = " if isinstance(subject, Fit) else ""
    order = sorted(range(len(result.curves)), key=lambda j: -result.curves[j].miscalibration)
    drawn = sorted(order[:MOST_PANELS])
    columns = min(len(drawn), 2 if len(drawn) == 4 else 3)
    with paper(max(2.9 * columns, 4.4), 2.7 * -(-len(drawn) // columns) + 0.9) as figure:
        for axes, j in zip(grid(figure, len(drawn), columns), drawn, strict=True):
            _draw(axes, result, j)
            axes.set_title(plain(f"{target}{result.classes[result.events[j]]}"))
        _legend(figure)
        caption(figure, _words(result, rows, len(drawn)))
    return figure


def _compared(subject: Fit | Prediction, data: Any) -> tuple[Reliability, str]:
    """Return the probabilities beside what came, and which rows these are, in words."""
    if isinstance(subject, Prediction):
        prediction = subject
        names: tuple[str, ...] = ()
        y = observed_of(subject, data, "plots.reliability")
        weights, words = np.ones(len(y)), "given with their prediction"
    else:
        rows = subject.data if data is None else rows_of(subject, data)
        prediction = subject.learned.posterior.predict(np.asarray(rows.X, dtype=np.float64))
        y, weights, words = np.asarray(rows.y), rows.row_weights, whose(subject, rows)
        names = class_names(subject)
    p = class_probabilities(prediction)
    if not len(p):
        raise DataError(
            "plots.reliability: the target has no classes, so that there are no probabilities of "
            "them. plots.calibration(bayesml.calibration(...)) judges predictions of numbers."
        )
    return Reliability.of(names or numbered(len(p)), p, y, weights), words


def _draw(axes: "Axes", result: Reliability, j: int) -> None:
    curve, chance = result.curves[j], result.chance
    low, high = np.quantile(chance.curves[j], (0.05, 0.95), axis=0)
    axes.fill_between(chance.at[j], low, high, color=GREY, alpha=0.2, lw=0)
    axes.plot([0, 1], [0, 1], color=GREY, lw=1.0, ls="--")
    share, edges = np.histogram(curve.predicted, BINS, (0.0, 1.0), weights=curve.weight)
    height = TALLEST * share / share.max()
    axes.bar(edges[:-1], height, 1.0 / BINS, align="edge", color=GREY, alpha=0.45, lw=0)
    marker = "o" if len(curve.predicted) <= 30 else None
    axes.plot(curve.predicted, curve.recalibrated, marker=marker, ms=3.5, color=COLOURS[0])
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xticks([0.0, 0.5, 1.0])
    axes.set_yticks([0.0, 0.5, 1.0])
    axes.set_xlabel("predicted probability")
    axes.set_ylabel("how often it came")


def _legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Artist] = [
        Line2D([], [], color=COLOURS[0], label="observed"),
        Patch(color=GREY, alpha=0.2, lw=0, label="90 % of right predictions"),
        Patch(color=GREY, alpha=0.45, lw=0, label="share of rows"),
    ]
    legend(figure, handles, 2 if figure.get_figwidth() < 5.0 else 3)


def _words(result: Reliability, rows: str, drawn: int) -> str:
    table = result.table()
    finding = result.finding()
    verdict = "within chance" if finding.passed else f"more than chance makes: {finding.meaning}"
    if not finding.passed and rows == LEARNED_FROM:
        verdict += " On rows learned from, a prior alone does so"
    some = f" {drawn} of {len(table)} classes are drawn." if drawn < len(table) else ""
    parts = (
        f"Brier score {table['brier'].sum():.3g} = miscalibration "
        f"{table['miscalibration'].sum():.2g} − discrimination "
        f"{table['discrimination'].sum():.3g} + uncertainty {table['uncertainty'].sum():.3g}"
    )
    return (
        f"{len(result.y)} rows, {rows}. {parts}. The miscalibration is {verdict.rstrip('.')} "
        f"(p = {result.p_value:.2g}, {REPLICAS} replicas).{some}"
    )
