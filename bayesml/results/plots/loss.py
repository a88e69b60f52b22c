"""How an optimizer came down."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bayesml.errors import IncompatibleModelError
from bayesml.results.fit import Fit
from bayesml.results.plots.canvas import COLOURS, caption, legend, paper, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def loss(fits: Fit | Mapping[str, Fit]) -> "Figure":
    """Draw the loss curve of one fit, or several of the same objective.

    What is drawn is the objective above the smallest value that any of them reached, on a
    logarithmic axis: where two curves end at the same height, they found the same optimum.

    Parameters
    ----------
    fits : Fit, or mapping of label to Fit
        Made by an optimizer.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    IncompatibleModelError
        If a fit has no loss curve, or there are no fits.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
    >>> fit = bm.fit(bm.Model(), data, bm.MLE(bm.GradientDescent(0.5)))
    >>> loss(fit).axes[0].get_xlabel()
    'iteration'
    """
    fits = {"": fits} if isinstance(fits, Fit) else dict(fits)
    if not fits:
        raise IncompatibleModelError("plots.loss: no fits were given; give at least one.")
    curves = {label: np.asarray(fit.loss_curve) for label, fit in fits.items()}
    smallest = min(float(curve.min()) for curve in curves.values())
    with paper(5.2, 3.4) as figure:
        axes = figure.add_subplot()
        axes.set_yscale("log")
        for k, (label, curve) in enumerate(curves.items()):
            above = np.where(curve > smallest, curve - smallest, np.nan)
            marker = "o" if len(curve) < 60 else ""
            axes.plot(
                above, marker=marker, ms=3, color=COLOURS[k % len(COLOURS)], label=plain(label)
            )
        axes.set_xlabel("iteration")
        axes.set_ylabel("objective above its smallest value")
        if any(curves):
            legend(figure, [*axes.get_lines()], min(4, len(curves)))
        caption(figure, f"Smallest value reached: {smallest:.8g}.")
    return figure
