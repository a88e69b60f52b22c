"""Names beside points, where they cover little and not one another."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from bayesml.results.plots.canvas import GREY, SMALL, plain
from bayesml.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

APART, MOST = 3.0, 500
"""Pixels between points along a line, and how many there are at most."""

Place = tuple[float, float, Literal["left", "center", "right"]]

PLACES: tuple[Place, ...] = tuple(
    (dx * far, dy * far, "left" if dx > 0 else "right" if dx < 0 else "center")
    for far in (1.0, 2.0, 3.5, 5.0)
    for dx, dy in ((7, 0), (-7, 0), (5, 8), (-5, 8), (5, -8), (-5, -8), (0, 10), (0, -10))
)
"""Offsets in points, the best first, and which side of the name is there."""


def name_points(
    axes: "Axes", x: Array, y: Array, which: Sequence[int], names: Sequence[str]
) -> None:
    """Write the names of some points beside them; the figure has to be laid out before.

    Parameters
    ----------
    axes : Axes
    x, y : ndarray
        All points that are drawn.
    which : sequence of int
        The points to name, the most important first.
    names : sequence of str
        Of all points.
    """
    points = axes.transData.transform(np.column_stack([x, y]))
    drawn = np.vstack([points, *_lines(axes)])
    taken: list[Bbox] = []
    drawable = np.isfinite(points).all(axis=1)  # a row that is fitted exactly has no place in some
    for k in filter(drawable.__getitem__, which):
        name = axes.annotate(
            plain(names[k]),
            (x[k], y[k]),
            xytext=PLACES[0][:2],
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color="black",
            bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.6},
            arrowprops={"arrowstyle": "-", "lw": 0.5, "color": GREY, "shrinkA": 0, "shrinkB": 1},
        )
        name.set_in_layout(False)
        unit = axes.figure.dpi / 72.0
        boxes = [_room(name, points[k], place, unit) for place in PLACES]
        costs = [_cost(axes, box, taken, drawn) + 0.3 * j for j, box in enumerate(boxes)]
        best = int(np.argmin(costs))
        name.xyann, side = PLACES[best][:2], PLACES[best][2]
        name.set_horizontalalignment(side)
        taken.append(boxes[best])
        end = points[k] + np.array(PLACES[best][:2]) * unit
        drawn = np.vstack([drawn, _between(points[k], end)])


def _lines(axes: "Axes") -> list[Array]:
    """Return points along the lines of a panel, in pixels: a name on one cannot be read."""
    found = []
    for line in axes.lines:
        if line.get_linestyle() != "None":
            corners = line.get_transform().transform(line.get_xydata())
            corners = corners[np.isfinite(corners).all(axis=1)]
            found += [_between(one, next_one) for one, next_one in pairwise(corners)]
    return found


def _between(one: Array, other: Array) -> Array:
    """Return points between two, a few pixels apart."""
    count = int(np.clip(np.hypot(*(other - one)) / APART, 2, MOST))
    return np.linspace(one, other, count)


def _room(name: "Annotation", point: Array, place: Place, unit: float) -> "Bbox":
    """Return the room that a name takes at a place beside its point, in pixels."""
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

    size = Text.get_window_extent(name)
    x, y = point + np.array(place[:2]) * unit
    left = {"left": x, "center": x - 0.5 * size.width, "right": x - size.width}[place[2]]
    return Bbox.from_bounds(left, y - 0.5 * size.height, size.width, size.height).padded(1.5)


def _cost(axes: "Axes", box: "Bbox", taken: "list[Bbox]", drawn: Array) -> float:
    """Count what a name would cover there; other names, and the edge, count much."""
    room = axes.bbox
    outside = not (room.containsx(box.x0) and room.containsx(box.x1))
    outside |= not (room.containsy(box.y0) and room.containsy(box.y1))
    inside = (drawn >= box.min) & (drawn <= box.max)
    others = sum(box.overlaps(other) for other in taken)
    return 1e3 * (outside + others) + float(np.sum(inside.all(axis=1)))
