"""The posterior predictive check, drawn by ArviZ."""

import warnings
from typing import TYPE_CHECKING

import numpy as np

from bayesml.results.fit import Fit
from bayesml.results.plots.canvas import COLOURS, caption, legend, paper, plain
from bayesml.results.plots.collection import collection

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ROWS = 5_000


def predictive_check(fit: Fit, *, samples: int = 50) -> "Figure":
    """Draw the data beside data sets that the fitted model would produce: ``plot_ppc_dist``.

    Parameters
    ----------
    fit : Fit
        Of any kind; a point estimate produces its data sets at the estimate.
    samples : int
        How many data sets.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, §6.3.

    Examples
    --------
    >>> import bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]), rng=1)
    >>> predictive_check(fit).axes[0].get_xlabel()
    'y'
    """
    with paper(5.6, 3.4) as figure:
        axes = figure.add_subplot()
        shown = _draw_check(fit, axes, samples)
        axes.set_xlabel(plain(fit.data.target_name))
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        _check_legend(figure, samples)
        rows = "rows" if shown == fit.data.m else f"of {fit.data.m} rows, drawn at random"
        caption(figure, f"Smoothed densities of {shown} {rows}. They should look alike.")
    return figure


def _draw_check(fit: Fit, axes: "Axes", samples: int) -> int:
    """Draw the densities of y and of its replications; return how many rows were taken."""
    import arviz as az
    import xarray as xr

    rng = np.random.default_rng([fit.seed, 2])
    rows = np.sort(rng.permutation(fit.data.m)[:MOST_ROWS])
    X = np.asarray(fit.data.X[rows], dtype=np.float64)
    replicated = fit.learned.posterior.predict(X).sample(samples, rng=rng)
    predictive = xr.Dataset({"y": (("chain", "draw", "observation"), replicated[None])})
    observed = xr.Dataset({"y": ("observation", fit.data.y[rows])})
    groups = {"posterior_predictive": predictive, "observed_data": observed}
    stacked = predictive.stack(sample=("chain", "draw"))
    smooth = {"bound_correction": False, "extend": True, "extend_fct": 0.5}
    with warnings.catch_warnings():  # ArviZ would rather see counts in another picture
        warnings.filterwarnings("ignore", message="Variables y in")
        az.plot_ppc_dist(
            xr.DataTree.from_dict(groups),
            kind="kde",
            num_samples=samples,
            plot_collection=collection(stacked, {"y": axes}, {"overlay_ppc": ["sample"]}),
            visuals={
                "title": False,
                "remove_axis": False,
                "predictive_dist": {"color": COLOURS[0], "alpha": 0.35, "width": 0.8},
                "observed_dist": {"color": "black"},
            },
            stats={"predictive_dist": smooth, "observed_dist": smooth},
        )
    return len(rows)


def _check_legend(figure: "Figure", samples: int) -> None:
    from matplotlib.lines import Line2D

    handles: list[Artist] = [
        Line2D([], [], color="black", label="observed"),
        Line2D([], [], color=COLOURS[0], lw=0.8, label=f"{samples} data sets from the model"),
    ]
    legend(figure, handles, 2)
