"""How often whole numbers and classes come, in the data and in data sets from the model."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bayesml.results.plots.canvas import COLOURS, GREY, class_ticks
from bayesml.typing import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

MASS = 0.95
"""Of the band that the model makes."""

CELLS = (12, 60)
"""Least and most number of cells from which whole numbers are taken together."""


@dataclass(frozen=True, eq=False)
class Rootogram:
    r"""Frequencies of whole numbers, in cells (C18).

    Attributes
    ----------
    edges : ndarray, shape (c + 1,)
        Halfway between whole numbers.
    observed : ndarray, shape (c,)
    replicated : ndarray, shape (samples, c)

    Examples
    --------
    >>> Rootogram.of(np.array([0, 0, 0, 0, 2]), np.array([[0, 1, 0, 1, 1], [0, 0, 1, 0, 1]])).hangs
    array([-0.41886117,  1.58113883, -1.        ])
    """

    edges: Array
    observed: Array
    replicated: Array

    @classmethod
    def of(cls, y: Array, replicas: Array) -> "Rootogram":
        """Count whole numbers y, shape (rows,), and those of replicas, shape (samples, rows)."""
        edges = _edges(y, replicas)
        counted = np.stack([np.histogram(one, edges)[0] for one in replicas])
        return cls(edges, np.asarray(np.histogram(y, edges)[0], dtype=np.float64), counted)

    @cached_property
    def expected(self) -> Array:
        """The frequency that the model expects, shape (c,)."""
        return np.asarray(self.replicated.mean(axis=0))

    @property
    def hangs(self) -> Array:
        """Where every bar ends: at zero where both agree (C18)."""
        return np.sqrt(self.expected) - np.sqrt(self.observed)

    @cached_property
    def band(self) -> tuple[Array, Array]:
        """Where the bars of replicated data end."""
        ends = np.sqrt(self.expected) - np.sqrt(self.replicated)
        low, high = np.quantile(ends, (0.5 - 0.5 * MASS, 0.5 + 0.5 * MASS), axis=0)
        return low, high

    @property
    def outside(self) -> Array:
        """Which bars end outside the band."""
        low, high = self.band
        return np.asarray((self.hangs < low) | (self.hangs > high))


def _edges(y: Array, replicas: Array) -> Array:
    """Take neighbours together where there are many numbers, but leave zero alone."""
    smallest = min(float(y.min()), float(replicas.min()))
    largest = max(float(y.max()), float(np.median(replicas.max(axis=1))))
    most = np.clip(np.floor(2.0 * np.sqrt(len(y))), *CELLS)
    width = max(float(np.ceil((largest - smallest + 1.0) / most)), 1.0)
    first = smallest - 0.5 + (smallest == 0.0)
    ends = first + width * np.arange(np.ceil((largest + 0.5 - first) / width) + 1.0)
    return np.concatenate([[-0.5], ends]) if smallest == 0.0 else ends


def draw_rootogram(axes: "Axes", y: Array, replicas: Array) -> "list[Artist]":
    """Draw bars that hang from what the model expects; return what the legend shows."""
    found = Rootogram.of(y, replicas)
    left, width = found.edges[:-1], np.diff(found.edges)
    axes.use_sticky_edges = False  # a bar that ends at the frame might be cut off
    axes.bar(
        left,
        np.sqrt(found.observed),
        width,
        bottom=found.hangs,
        align="edge",
        color=np.where(found.outside, COLOURS[1], COLOURS[0]),
        edgecolor="white",
        lw=0.5,
        alpha=0.85,
    )
    low, high = (np.append(end, end[-1]) for end in found.band)
    axes.fill_between(found.edges, low, high, step="post", color=GREY, alpha=0.3, lw=0, zorder=2)
    middle, top = left + 0.5 * width, np.sqrt(found.expected)
    axes.plot(middle, top, "o-", color="black", ms=2.5, lw=1.2)
    axes.axhline(0.0, color="black", lw=0.8)
    axes.locator_params(axis="x", integer=True)
    axes.set_ylabel("square root of frequency")
    return _rootogram_legend(outside=bool(found.outside.any()))


def _rootogram_legend(*, outside: bool) -> "list[Artist]":
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Line2D([], [], color="black", marker="o", ms=2.5, lw=1.2, label="expected by the model"),
        Patch(color=COLOURS[0], label="observed, hanging from it"),
        Patch(color=GREY, alpha=0.3, lw=0, label="95 % band of the end"),
        *([Patch(color=COLOURS[1], label="outside its band")] if outside else []),
    ]


def draw_classes(axes: "Axes", y: Array, replicas: Array, names: "Sequence[str]") -> "list[Artist]":
    """Draw the share of every class, and what the model expects; return what the legend shows."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    numbers = np.arange(len(names))
    observed = np.array([np.mean(y == k) for k in numbers])
    shares = np.stack([np.mean(replicas == k, axis=1) for k in numbers], axis=1)
    low, high = np.quantile(shares, (0.5 - 0.5 * MASS, 0.5 + 0.5 * MASS), axis=0)
    outside = (observed < low) | (observed > high)
    colours = np.where(outside, COLOURS[1], COLOURS[0])
    axes.bar(numbers, observed, 0.7, color=colours, alpha=0.85)
    axes.vlines(numbers, low, high, color="black", lw=1.4)
    axes.plot(numbers, shares.mean(axis=0), "o", color="black", ms=4.0)
    class_ticks(axes, names)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("share of rows")
    beyond = [Patch(color=COLOURS[1], label="outside its interval")] if outside.any() else []
    return [
        Patch(color=COLOURS[0], label="observed"),
        Line2D([], [], color="black", marker="o", ms=4.0, lw=1.4, label="model, 95 % interval"),
        *beyond,
    ]
