"""Paper to draw on: figures without pyplot, one look for all, words that fit."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from textwrap import fill
from typing import TYPE_CHECKING, Any

from bayesml.arguments import one_probability
from bayesml.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# ArviZ's palette for the colour-blind (its style arviz-variat), the yellow darkened for paper.
COLOURS = ("#36acc6", "#f66d7f", "#7c2695", "#e0a030", "#228306", "#a252f4", "#a77e4f", "#444444")
GREY = "#555555"
SMALL = 8.0
LONGEST = 24
"""Letters of the name of a class on an axis."""

_LOOK: Any = {
    "axes.edgecolor": "#555555",
    "axes.labelsize": 10.0,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10.0,
    "axes.titleweight": "normal",
    "font.size": 10.0,
    "legend.fontsize": SMALL + 1.0,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "xtick.labelsize": SMALL + 1.0,
    "ytick.labelsize": SMALL + 1.0,
}


@contextmanager
def paper(width: float, height: float) -> Iterator["Figure"]:
    """Lend a figure of that many inches, and the look that holds while it is drawn.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise MissingDependencyError(
            f"Pictures need matplotlib, which cannot be imported ({error}). "
            "Install it: pip install matplotlib"
        ) from error
    _shown_in_notebooks(Figure)
    with rc_context(_LOOK):
        room = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06)
        figure = Figure(figsize=(width, height), dpi=150, layout=room)
        yield figure
        for axes in figure.axes:  # ticks are made when drawn, after the look is gone
            axes.tick_params(labelsize=SMALL + 1.0)


def _shown_in_notebooks(figure: type["Figure"]) -> None:
    """Let a notebook show figures as pictures, which it learns of when pyplot is imported."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return
    formatters = shell.display_formatter.formatters
    kinds = (formatters[f"image/{kind}"] for kind in ("png", "svg+xml", "jpeg"))
    if not any(figure in kind.type_printers for kind in kinds):
        formatters["image/png"].for_type(figure, _png)


def _png(figure: "Figure") -> bytes:
    """Return a picture of a figure."""
    picture = BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def grid(figure: "Figure", panels: int, columns: int) -> list["Axes"]:
    """Lay out panels in rows, the last row as long as it needs to be."""
    rows = -(-panels // columns)
    return [figure.add_subplot(rows, columns, k + 1) for k in range(panels)]


def caption(figure: "Figure", text: str) -> None:
    """Write a line under the picture in small grey letters, broken to its width."""
    letters = int(figure.get_figwidth() * 16)
    figure.supxlabel(plain(fill(text, letters)), fontsize=SMALL, color=GREY, x=0.02, ha="left")


def legend(figure: "Figure", handles: "list[Artist]", columns: int) -> None:
    """Put the legend above the axes, where it covers no data."""
    figure.legend(handles=handles, loc="outside upper left", ncols=columns)


def side_legend(figure: "Figure", handles: "list[Artist]", title: str) -> None:
    """Put a second legend right of the axes."""
    figure.legend(handles=handles, loc="outside right center", title=plain(title), alignment="left")


def message(axes: "Axes", text: str) -> None:
    """Write in an empty panel why nothing is drawn there."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, plain(fill(text, 42)), ha="center", va="center", transform=axes.transAxes)


def class_ticks(axes: "Axes", names: Sequence[str]) -> None:
    """Write the names of classes at 0, 1, …, upright where they would not fit side by side."""
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    room = axes.bbox.width / (0.75 * SMALL * len(names))
    rotation = 90.0 if max(map(len, names)) > room else 0.0
    axes.set_xticks(range(len(names)), [plain(name) for name in names], rotation=rotation)
    axes.set_xlim(-0.6, len(names) - 0.4)


def plain(text: object) -> str:
    r"""Write text as it is, with no mathematics between dollars.

    >>> plain("price in $")
    'price in \\$'
    """
    return str(text).replace("$", r"\$")


def panel_title(entry: str) -> str:
    r"""Shorten the name of a parameter's entry to its feature, broken where it multiplies.

    >>> panel_title("weights[age]"), panel_title("weights[flipper_length:species[T.Gentoo]]")
    ('age', 'flipper_length ×\nspecies[T.Gentoo]')
    """
    name = entry[8:-1] if entry.startswith("weights[") else entry
    lines = name.replace(":", " ×\n").split("\n") if len(name) > 28 else [name]
    return plain("\n".join(fill(line, 30) for line in lines))


def percent(probability: float) -> str:
    """Write a probability for a legend.

    >>> percent(0.9), percent(0.995)
    ('90 %', '99.5 %')
    """
    return f"{100 * one_probability(probability):g} %"
