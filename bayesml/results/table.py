"""A table to read: as text, Markdown, LaTeX and HTML from the same cells, and as numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape as html_escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from rich.box import Box

LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": r"$-$",
    "×": r"$\times$",
    "<": r"$<$",
    ">": r"$>$",
}


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    r"""Cells that are formatted to be read, and the numbers behind them.

    Attributes
    ----------
    title : str
        Above the table; empty for none.
    headings : tuple of str
    cells : tuple of tuple of str
    lines : tuple of str
        Under the table.
    labels : int
        How many of the first columns are text, on the left; the others are numbers.
    frame : callable
        Returns the numbers at full precision as a DataFrame, so that what is only printed does not
        load pandas.

    Examples
    --------
    >>> import pandas as pd
    >>> table = Table("", ("g", "mean"), (("a_b", "1.2"),), (), 1, pd.DataFrame)
    >>> print(table.to_markdown())
    | g   | mean |
    |-----|-----:|
    | a_b |  1.2 |
    >>> print(table.to_latex())
    \begin{tabular}{lr}
    \toprule
    g & mean \\
    \midrule
    a\_b & 1.2 \\
    \bottomrule
    \end{tabular}
    """

    title: str
    headings: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...]
    labels: int
    frame: Callable[[], "pd.DataFrame"]

    def to_frame(self) -> "pd.DataFrame":
        """Return the numbers at full precision."""
        return self.frame()

    def to_markdown(self) -> str:
        """Return it as a table of GitHub's Markdown, without title and lines."""
        from rich.box import MARKDOWN

        def escape(text: str) -> str:
            return text.replace("|", r"\|")

        cells = [tuple(map(escape, row)) for row in self.cells]
        drawn = self._drawn(tuple(map(escape, self.headings)), cells, MARKDOWN).strip("\n")
        head, rule, *rows = drawn.split("\n")
        right = [k >= self.labels for k in range(len(self.headings))]
        marks = [
            f"{c[:-1]}:" if r else c for c, r in zip(rule[1:-1].split("|"), right, strict=True)
        ]
        return "\n".join([head, f"|{'|'.join(marks)}|", *rows])

    def to_latex(self) -> str:
        r"""Return a tabular, with the rules of the package booktabs."""
        align = "l" * self.labels + "r" * (len(self.headings) - self.labels)
        rows = [" & ".join(map(latex, row)) + r" \\" for row in self.cells]
        head = " & ".join(map(latex, self.headings)) + r" \\"
        begin, end = rf"\begin{{tabular}}{{{align}}}", r"\end{tabular}"
        return "\n".join([begin, r"\toprule", head, r"\midrule", *rows, r"\bottomrule", end])

    def to_html(self) -> str:
        """Return it as HTML, with title and lines."""
        title = f"<p>{html_escape(self.title)}</p>" if self.title else ""
        head = "".join(f"<th>{html_escape(h)}</th>" for h in self.headings)
        body = "".join(
            "<tr>" + "".join(f"<td>{html_escape(c)}</td>" for c in row) + "</tr>"
            for row in self.cells
        )
        foot = "".join(f"<p>{html_escape(line)}</p>" for line in self.lines)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f"{title}{table}{foot}"

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        """Show it as text."""
        drawn = self._drawn(self.headings, self.cells, None)
        return "\n".join([*filter(None, [self.title]), drawn, *self.lines])

    def _drawn(
        self, headings: Sequence[str], cells: Sequence[Sequence[str]], box: "Box | None"
    ) -> str:
        from rich.cells import cell_len
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table as Drawn

        table = Drawn(box=box, pad_edge=box is not None, header_style="bold")
        for k, heading in enumerate(headings):
            side: Any = "left" if k < self.labels else "right"
            table.add_column(escape(heading), justify=side, no_wrap=True)
        for row in cells:
            table.add_row(*map(escape, row))
        widths = [max(map(cell_len, column)) for column in zip(headings, *cells, strict=True)]
        width = max(200, sum(widths) + 3 * len(widths) + 1)
        # the same whatever shows it: no codes of a terminal, no display of a notebook
        console = Console(
            width=width,
            color_system=None,
            highlight=False,
            force_jupyter=False,
        )
        with console.capture() as capture:
            console.print(table)
        return "\n".join(line.rstrip() for line in capture.get().strip("\n").split("\n"))


def latex(text: str) -> str:
    r"""Write text so that LaTeX shows it as it is.

    >>> latex("50% of a_b")
    '50\\% of a\\_b'
    """
    return "".join(LATEX.get(letter, letter) for letter in text)


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


def probability_text(p: float) -> str:
    """Format a probability.

    >>> probability_text(0.97531), probability_text(1e-7), probability_text(1.0)
    ('0.975', '<0.001', '>0.999')
    """
    return "<0.001" if p < 0.001 else ">0.999" if p > 0.999 else f"{p:.3f}"


def label_text(value: Any) -> str:
    """Write a label.

    >>> label_text("Adelie"), label_text(0.1234567), label_text(3.0)
    ('Adelie', '0.1235', '3')
    """
    return f"{value:.4g}" if isinstance(value, float) else str(value)
