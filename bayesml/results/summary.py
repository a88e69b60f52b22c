"""Tables of a fit: for computing with, at full precision, and for reading."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import isqrt, prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bayesml.posteriors import Estimated, Posterior
from bayesml.posteriors.rows import check_probability
from bayesml.predictors import Predictor, labels_of
from bayesml.typing import Array

if TYPE_CHECKING:
    import pandas as pd


UNIT = re.compile(r"(weights|biases)_\d+(\[|$)")
"""Names of the parameters of a network."""

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


def worth_a_row(parameter: str, size: int) -> list[int]:
    """Return which entries are shown: of correlations, those below the diagonal; of effects, none.

    >>> worth_a_row("correlation[g]", 4), worth_a_row("effects[g]", 2), worth_a_row("sd[g]", 2)
    ([2], [], [0, 1])
    """
    if parameter.startswith("effects["):
        return []
    if not parameter.startswith("correlation["):
        return list(range(size))
    d = isqrt(size)
    return [i * d + j for i in range(d) for j in range(i)]


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

    def frame(self) -> "pd.DataFrame":
        """Make a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.values, index=self.names, columns=self.columns)


def summarise(posterior: Posterior, labels: Labels, probability: float) -> ParameterTable:
    """Compute the table of every parameter entry."""
    tail = 0.5 * (1.0 - float(check_probability(probability)))
    limits = [f"{100 * tail:g}%", f"{100 * (1 - tail):g}%"]
    if isinstance(posterior, Estimated):
        columns = _estimates(posterior, tail)
        headings = ["mean", "std_error", *limits]
    else:
        columns = _moments(posterior, tail)
        headings = ["mean", "sd", *limits]
    names, tables, chains = [], [np.empty((0, 4))], []
    compared = posterior.compared
    for name, part in columns.items():
        rows, called = worth_a_row(name, len(part)), entry_names(name, len(part), labels)
        names += [called[row] for row in rows]
        tables.append(part[rows])
        if compared is not None and compared.what == "parameter":
            own = compared.values[name]
            chains.append(own.reshape(*own.shape[:2], -1)[..., rows])
    table = np.vstack(tables)
    if compared is not None and compared.what == "parameter":
        sampling = _sampling(chains)
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


def significant(value: float, unit: float) -> str:
    """Format a number to the digits that its uncertainty leaves meaningful.

    Examples
    --------
    >>> significant(123.4567, 0.5), significant(0.00123, 1e-4), significant(3.0, 0.0)
    ('123.46', '0.00123', '3')
    """
    if not np.isfinite(value):
        return str(value)
    if not np.isfinite(unit) or unit <= 0:
        return f"{value:.6g}"
    decimals = max(0, 1 - int(np.floor(np.log10(unit))))
    return f"{value:.{decimals}f}" if decimals < 12 else f"{value:.4g}"


def rows_as_text(summary: ParameterTable) -> tuple[list[str], list[list[str]]]:
    """Return headings and cells for a table to read."""
    headings = list(summary.columns)
    if headings[1] == "std_error":
        headings[:2] = ["estimate", "std. error"]
    cells = []
    hidden = [name for name in summary.names if UNIT.match(name)]
    left_out = set(hidden[MOST_UNITS:])
    for name, row in zip(summary.names, summary.values, strict=True):
        if name in left_out:
            continue
        unit = float(row[1])
        shown = [significant(float(v), unit) for v in row[:4]]
        shown += [f"{v:.0f}" if v > 20 else f"{v:.3g}" for v in row[4:]]
        cells.append([name, *shown])
    if left_out:
        left = f"… {len(left_out)} more of the network's, in summary()"
        cells.append([left, *[""] * len(headings)])
    return ["", *headings], cells


def as_text(headings: Sequence[str], cells: Sequence[Sequence[str]], lines: Sequence[str]) -> str:
    """Render a table and the lines under it as plain text."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for k, heading in enumerate(headings):
        table.add_column(heading, justify="left" if k == 0 else "right", no_wrap=True)
    for row in cells:
        table.add_row(*map(escape, row))
    console = Console(width=200, no_color=True, highlight=False)
    with console.capture() as capture:
        console.print(table)
    body = "\n".join(line.rstrip() for line in capture.get().rstrip().split("\n"))
    return "\n".join([body, *lines])


def as_html(headings: Sequence[str], cells: Sequence[Sequence[str]], lines: Sequence[str]) -> str:
    """Render the same as HTML."""
    from html import escape

    head = "".join(f"<th>{escape(h)}</th>" for h in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in cells
    )
    foot = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}"
