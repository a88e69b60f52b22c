"""The posterior predictive check: densities, by ArviZ, or frequencies."""

import warnings
from typing import TYPE_CHECKING

import numpy as np

from bayesml.distributions import Support
from bayesml.results.fit import Fit, require_fit
from bayesml.results.new_rows import class_names
from bayesml.results.plots.canvas import COLOURS, caption, legend, paper, plain
from bayesml.results.plots.collection import collection
from bayesml.results.plots.frequencies import draw_classes, draw_rootogram
from bayesml.typing import Array

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ROWS = 5_000
DENSITIES, REPLICAS = 50, 400
"""Data sets that are drawn themselves, and those of which bands are made."""


def predictive_check(fit: Fit, *, samples: int | None = None) -> "Figure":
    """Draw the data beside data sets that the fitted model would produce.

    Of numbers on the line, their smoothed densities (ArviZ's ``plot_ppc_dist``). Of counts, a
    hanging rootogram (C18): bars of the observed frequencies hang from the expected ones, on the
    scale of square roots, and end within the band about zero if the model is right. Of classes,
    or 0 and 1, the share of each, and the interval that the model gives it.

    Parameters
    ----------
    fit : Fit
        Of any kind; a point estimate produces its data sets at the estimate.
    samples : int, optional
        How many data sets: 50 of numbers on the line, otherwise 400.

    Returns
    -------
    matplotlib.figure.Figure
        Of at most 5000 rows, taken at random; a row of weight w is w rows, and where weights are
        not whole, rows are drawn by weight.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, §6.3.
    Kleiber & Zeileis (2016), Visualizing count data regressions using rootograms, The American
    Statistician 70(3).

    Examples
    --------
    >>> import bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]), rng=1)
    >>> predictive_check(fit).axes[0].get_xlabel()
    'y'
    """
    require_fit(fit, "plots.predictive_check")
    names, support = class_names(fit), fit.resolved.likelihood.support
    many = samples or (REPLICAS if support.discrete else DENSITIES)
    y, replicas = _replicated(fit, many)
    with paper(5.6, 3.4) as figure:
        axes = figure.add_subplot()
        if names:
            handles = draw_classes(axes, y, replicas, names)
            what = f"Shares of classes in {{rows}}, and in {many} data sets from the model."
        elif support.discrete:
            handles = draw_rootogram(axes, y, replicas)
            what = (
                f"Frequencies in {{rows}}, and in {many} data sets from the model. Bars should end "
                "within the band."
            )
        else:
            handles = _draw_densities(axes, y, replicas)
            _stay_inside(axes, support)
            what = "Smoothed densities of {rows}. They should look alike."
        axes.set_xlabel(plain(fit.data.target_name))
        legend(figure, handles, 2)
        total = max(int(fit.data.row_weights.sum().round()), len(y))
        rows = "rows" if len(y) == total else f"of {total} rows, drawn at random"
        caption(figure, what.format(rows=f"{len(y)} {rows}"))
    return figure


def _replicated(fit: Fit, samples: int) -> tuple[Array, Array]:
    """Return y of some rows, and draws of it, shape (samples, rows)."""
    rng, w = np.random.default_rng([fit.seed, 2]), fit.data.row_weights
    whole = np.array_equal(w, np.round(w))
    if fit.data.observation_weights is not None and (w.sum() > MOST_ROWS or not whole):
        most = MOST_ROWS if whole else min(MOST_ROWS, int(np.count_nonzero(w)))
        rows = rng.choice(len(w), most, p=w / w.sum())
    else:
        every = np.repeat(np.arange(len(w)), w.astype(np.intp))
        rows = np.sort(rng.permutation(every)[:MOST_ROWS])
    X = np.asarray(fit.data.X[rows], dtype=np.float64)
    return np.asarray(fit.data.y)[rows], fit.learned.posterior.predict(X).sample(samples, rng=rng)


def _stay_inside(axes: "Axes", support: Support) -> None:
    """Leave out what smoothing spills beyond 0 and 1, where y cannot be there."""
    low, high = axes.get_xlim()
    axes.set_xlim(max(low, low if support.contains(-1.0) else 0.0))
    axes.set_xlim(right=min(high, high if support.contains(2.0) else 1.0))


def _draw_densities(axes: "Axes", y: Array, replicas: Array) -> "list[Artist]":
    """Draw smoothed densities."""
    import arviz as az
    import xarray as xr
    from matplotlib.lines import Line2D

    predictive = xr.Dataset({"y": (("chain", "draw", "observation"), replicas[None])})
    observed = xr.Dataset({"y": ("observation", y)})
    groups = {"posterior_predictive": predictive, "observed_data": observed}
    stacked = predictive.stack(sample=("chain", "draw"))
    smooth = {"bound_correction": False, "extend": True, "extend_fct": 0.5}
    with warnings.catch_warnings():  # ArviZ would rather see whole numbers in another picture
        warnings.filterwarnings("ignore", message="Variables y in")
        az.plot_ppc_dist(
            xr.DataTree.from_dict(groups),
            kind="kde",
            num_samples=len(replicas),
            plot_collection=collection(stacked, {"y": axes}, {"overlay_ppc": ["sample"]}),
            visuals={
                "title": False,
                "remove_axis": False,
                "predictive_dist": {"color": COLOURS[0], "alpha": 0.35, "width": 0.8},
                "observed_dist": {"color": "black"},
            },
            stats={"predictive_dist": smooth, "observed_dist": smooth},
        )
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    words = f"{len(replicas)} data sets from the model"
    return [
        Line2D([], [], color="black", label="observed"),
        Line2D([], [], color=COLOURS[0], lw=0.8, label=words),
    ]
