"""What every picture is asked: can it be read, and what does it say."""

import itertools

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def words(figure: Figure) -> str:
    """All that is written in a figure."""
    return " | ".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def assert_legible(figure: Figure) -> None:
    """Nothing written is cut off, and no two labels of an axis, titles or legends overlap."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer, paper = canvas.get_renderer(), figure.bbox.padded(1)
    every = [t for t in figure.findobj(mpl.text.Text) if t.get_visible() and t.get_text().strip()]
    # of the words alone: an annotation's own extent has its arrow too
    boxes = {t: mpl.text.Text.get_window_extent(t, renderer) for t in every}
    ticks = {t for axes in figure.axes for t in axes.get_xticklabels() + axes.get_yticklabels()}
    for text, box in boxes.items():
        inside = paper.containsx(box.x0) and paper.containsx(box.x1)
        assert text in ticks or (inside and paper.containsy(box.y0) and paper.containsy(box.y1)), (
            f"{text.get_text()!r} leaves the paper"
        )
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            shown = [
                boxes[tick.label1]
                for tick in axis.get_major_ticks()
                if tick.label1 in boxes and low <= tick.get_loc() <= high
            ]
            for one, other in itertools.pairwise(shown):
                assert not one.overlaps(other), "tick labels overlap"
    others = [box for text, box in boxes.items() if text not in ticks]
    for one, other in itertools.combinations(others, 2):
        assert not one.shrunk(0.98, 0.9).overlaps(other.shrunk(0.98, 0.9)), "texts overlap"
