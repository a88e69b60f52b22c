"""Tables of a fit: for computing with, at full precision, and for reading."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bayesml.arguments import shown, tail_of
from bayesml.data.messages import suggestion
from bayesml.errors import DataError
from bayesml.posteriors import Estimated, Posterior
from bayesml.predictors import Predictor, labels_of
from bayesml.results.table import Table, significant
from bayesml.typing import Array

if TYPE_CHECKING:
    import pandas as pd


UNIT = re.compile(r"(weights|biases)_\d+(\[|$)")
"""Names of the parameters of a network."""

EFFECTS = re.compile(r"effects\[")
"""Names of the effects of groups, which have a table of their own: `Fit.effects`."""

MOST_UNITS = 12
"""The most of them that a printed table shows: one by one they mean nothing."""


Labels = Mapping[str, Sequence[Sequence[str]]]
"""The labels of every axis of a parameter, by its name, where it has labels."""


def labels_of_entries(predictor: Predictor, feature_names: tuple[str, ...]) -> Labels:
    """Return the labels of the axes of a predictor's parameters."""
    coords = labels_of(predictor, feature_names)
    labelled = {name: dims for name, dims in predictor.dims().items() if set(dims) <= set(coords)}
    labels = {name: [coords[dim] for dim in dims] for name, dims in labelled.items()}
    features = [coords["feature"]] if "feature" in coords else []
    return {"inclusion": features, "local_scale": features, **labels}


def entry_names(parameter: str, size: int, labels: Labels) -> list[str]:
    """Name the entries of a parameter: ``weights[age]``, or the parameter itself if scalar."""
    axes = labels.get(parameter, ())
    before = f"{parameter[:-1]}, " if parameter.endswith("]") else f"{parameter}["
    if axes and prod(map(len, axes)) == size:
        return [f"{before}{', '.join(entry)}]" for entry in product(*axes)]
    return [parameter] if size == 1 else [f"{before}{k}]" for k in range(size)]


def places_of(names: Sequence[str]) -> dict[str, int]:
    """Find entries by their name in the table, and weights by that of their feature alone.

    >>> places_of(["intercept", "weights[x]"])
    {'x': 1, 'intercept': 0, 'weights[x]': 1}
    """
    full = {name: k for k, name in enumerate(names)}
    short = {name[8:-1]: k for name, k in full.items() if name.startswith("weights[")}
    return short | full


class ParameterTable(NamedTuple):
    """What is known of every parameter entry, at full precision.

    Attributes
    ----------
    names, columns : list of str
    values : ndarray, shape (names, columns)
    """

    names: list[str]
    columns: list[str]
    values: Array

    def rows(self, terms: str | Sequence[str] | None) -> "ParameterTable":
        """Take the rows of some parameters, by their names or those of features; None all.

        Raises
        ------
        DataError
            If there is no such row, with the name that was meant.
        """
        if terms is None:
            return self
        wanted: Any = [terms] if isinstance(terms, str) else terms
        if not isinstance(wanted, list | tuple):
            raise DataError(f"summary: terms takes names of parameters, got {shown(terms)}.")
        places = places_of(self.names)
        for name in wanted:
            if name not in places:
                near = suggestion(str(name), places)
                raise DataError(f"summary: there is no parameter {shown(name)}{near}")
        at = [places[name] for name in wanted]
        return self._replace(names=[self.names[k] for k in at], values=self.values[at])

    def frame(self) -> "pd.DataFrame":
        """Make a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.values, index=self.names, columns=self.columns)


def summarise(posterior: Posterior, labels: Labels, probability: float) -> ParameterTable:
    """Compute the table of every parameter entry."""
    tail = tail_of(probability)
    limits = [f"{100 * tail:g}%", f"{100 * (1 - tail):g}%"]
    if isinstance(posterior, Estimated):
        columns = _estimates(posterior, tail)
        headings = ["mean", "std_error", *limits]
    else:
        columns = _moments(posterior, tail)
        headings = ["mean", "sd", *limits]
    shown = {name: part for name, part in columns.items() if not EFFECTS.match(name)}
    names = [n for name, part in shown.items() for n in entry_names(name, len(part), labels)]
    table = np.vstack([*shown.values()]) if shown else np.empty((0, 4))
    if posterior.compared is not None and posterior.compared.what == "parameter":
        sampling = _sampling([posterior.compared.values[name] for name in shown])
        headings, table = [*headings, *sampling], np.column_stack([table, *sampling.values()])
    return ParameterTable(names, headings, table)


def _moments(posterior: Posterior, tail: float) -> dict[str, Array]:
    """Return mean, standard deviation and quantiles of every entry, by parameter."""
    return {
        name: np.column_stack([np.atleast_1d(v) for v in (m.mean, m.sd, *_ends(m.quantile, tail))])
        for name, m in posterior.marginals().items()
    }


def _estimates(posterior: Estimated, tail: float) -> dict[str, Array]:
    """Return value, standard error and confidence limits of every entry, by parameter."""
    return {
        name: np.column_stack([e.value, e.standard_error, *_ends(e.confidence_limit, tail)])
        for name, e in posterior.estimates().items()
    }


def _ends(at: Callable[[float], Array], tail: float) -> tuple[Array, Array]:
    return at(tail), at(1.0 - tail)


def _sampling(chains: Sequence[Array]) -> dict[str, list[float]]:
    """Return how well chains determine every entry: effective sizes, R̂, Monte Carlo error."""
    from arviz_stats.base import array_stats

    entries = [
        draws.reshape(*draws.shape[:2], -1)[..., k]
        for draws in chains
        for k in range(int(draws[0, 0].size))
    ]
    tails = {"method": "tail", "prob": (0.05, 0.95)}
    return {
        "ess_bulk": [float(array_stats.ess(e, method="bulk")) for e in entries],
        "ess_tail": [float(array_stats.ess(e, **tails)) for e in entries],
        "r_hat": [float(array_stats.rhat(e, method="rank")) for e in entries],
        "mcse_mean": [float(array_stats.mcse(e, method="mean")) for e in entries],
    }


def readable(summary: ParameterTable) -> Table:
    """Return the table to be read."""
    headings = list(summary.columns)
    if headings[1] == "std_error":
        headings[:2] = ["estimate", "std. error"]
    cells: list[tuple[str, ...]] = []
    hidden = [name for name in summary.names if UNIT.match(name)]
    left_out = set(hidden[MOST_UNITS:])
    for name, row in zip(summary.names, summary.values, strict=True):
        if name in left_out:
            continue
        unit = float(row[1])
        shown = [significant(float(v), unit) for v in row[:4]]
        shown += [f"{v:.0f}" if v > 20 else f"{v:.3g}" for v in row[4:]]
        cells.append((name, *shown))
    if left_out:
        left = f"… {len(left_out)} more of the network's, in summary()"
        cells.append((left, *[""] * len(headings)))
    return Table("", ("", *headings), tuple(cells), (), 1, summary.frame)
