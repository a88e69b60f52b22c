"""ArviZ draws on axes that are there already, so that pyplot is never asked for any."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


def collection(data: "xr.Dataset", panels: dict[str, "Axes"], aes: Any = None) -> Any:
    """Tell ArviZ on which axes to draw each variable."""
    import arviz as az
    import xarray as xr

    figure = next(iter(panels.values())).figure
    axes = {name: np.array(panel, dtype=object) for name, panel in panels.items()}
    zeros = {name: np.array(0) for name in panels}
    groups = {
        "/": xr.Dataset({"figure": np.array(figure, dtype=object)}),
        "plot": xr.Dataset(axes),
        "row_index": xr.Dataset(zeros),
        "col_index": xr.Dataset(zeros),
    }
    return az.PlotCollection(data, xr.DataTree.from_dict(groups), aes=aes, backend="matplotlib")
