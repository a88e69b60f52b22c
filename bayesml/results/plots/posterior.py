"""Posterior densities, drawn by ArviZ."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bayesml.errors import IncompatibleModelError
from bayesml.results.fit import Fit, require_fit
from bayesml.results.plots.canvas import (
    COLOURS,
    GREY,
    SMALL,
    caption,
    grid,
    panel_title,
    paper,
    percent,
)
from bayesml.results.plots.collection import collection
from bayesml.results.summary import entry_names, labels_of_entries
from bayesml.results.table import significant
from bayesml.typing import Array

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 24


def posterior(fit: Fit, *, probability: float = 0.9) -> "Figure":
    """Draw the marginal posterior density of every parameter, by ArviZ's ``plot_dist``.

    Under each density lie the mean and the equal-tailed interval, as in `Fit.summary`; the
    density itself is smoothed from draws.

    Parameters
    ----------
    fit : Fit
    probability : float
        Mass of the interval.

    Returns
    -------
    matplotlib.figure.Figure
        At most 24 panels; the caption says how many parameters were left out. What takes one
        value or two, such as whether a feature is in the model, has no density.

    Raises
    ------
    IncompatibleModelError
        For a point estimate, which has no posterior density.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]), rng=1)
    >>> [axes.get_title() for axes in posterior(fit).axes]
    ['intercept', 'x0', 'sigma']
    """
    require_fit(fit, "plots.posterior")
    if fit.kind == "point":
        raise IncompatibleModelError(
            f"{fit.method!r} gives a point estimate, which has no posterior density. "
            "plots.coefficients(fit) shows estimates with their confidence limits."
        )
    draws, every = _draws(fit), fit.summary(probability)
    table = every.loc[[name for name in every.index if _spread(draws[name])]].iloc[:MOST_PANELS]
    columns = min(3, len(table)) if len(table) != 4 else 2
    with paper(2.5 * columns, 1.7 * -(-len(table) // columns) + 0.3) as figure:
        panels = grid(figure, len(table), columns)
        _draw_densities(draws, table, panels, probability)
        hidden = len(every) - len(table)
        more = f"; {hidden} more parameters are not shown" if hidden else ""
        caption(figure, f"Posterior mean and {percent(probability)} interval{more}.")
    return figure


def _draw_densities(
    draws: Mapping[str, Array], table: "pd.DataFrame", panels: list["Axes"], probability: float
) -> None:
    import arviz as az
    import xarray as xr

    # variables p0, p1, …: any name may hold anything
    by_number = {f"p{k}": draws[str(name)] for k, name in enumerate(table.index)}
    data = xr.Dataset({key: (("chain", "draw"), each) for key, each in by_number.items()})
    means, limits = table["mean"].to_numpy(), table.iloc[:, 2:4].to_numpy()
    az.plot_dist(
        data,
        kind="kde",
        ci_prob=probability,
        plot_collection=collection(data, dict(zip(map(str, data), panels, strict=True))),
        visuals={
            "title": False,
            "point_estimate_text": False,
            "dist": {"color": COLOURS[0]},
            "face": {"color": COLOURS[0], "alpha": 0.25},
        },
        stats={
            "point_estimate": xr.Dataset({key: means[j] for j, key in enumerate(data)}),
            "credible_interval": xr.Dataset(
                {key: ("ci_bound", limits[j]) for j, key in enumerate(data)},
                coords={"ci_bound": ["lower", "upper"]},
            ),
        },
    )
    for axes, name, row in zip(panels, table.index, table.to_numpy(), strict=True):
        _finish(axes, str(name), row)


def _draws(fit: Fit) -> dict[str, Array]:
    """Return draws of every entry by its name, shape (chain, draw)."""
    labels = labels_of_entries(fit.resolved.predictor, fit.data.feature_names)
    return {
        name: draws.reshape(*draws.shape[:2], -1)[..., k]
        for parameter, draws in fit.draws(draws=5000).items()
        for k, name in enumerate(entry_names(parameter, int(draws[0, 0].size), labels))
    }


def _spread(draws: Array) -> bool:
    """Say whether draws take more than two values."""
    return bool(np.any((draws != draws.min()) & (draws != draws.max())))


def _finish(axes: "Axes", name: str, row: Array) -> None:
    """Name a panel, write its mean, and keep its ticks apart."""
    from matplotlib.ticker import MaxNLocator

    axes.set_title(panel_title(name))
    axes.set_ylim(bottom=-0.03 * axes.get_ylim()[1])
    axes.text(
        0.98,
        0.95,
        f"mean {significant(float(row[0]), float(row[1]))}".replace("-", "−"),
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize=SMALL + 1.0,
        color=GREY,
    )
    axes.xaxis.set_major_locator(MaxNLocator(4))
