"""A guide, executed as a notebook: every cell runs, and shows its numbers as text and as HTML."""

import re
from doctest import DocTestParser
from pathlib import Path
from typing import Any

import pytest

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "effects.md"
PICTURE = "from bayesml import plots\nplots.coefficients(fit)"


@pytest.fixture(scope="module")
def cells() -> list[Any]:
    """The cells of the guide after they ran, and one that draws."""
    import nbformat
    from nbclient import NotebookClient

    blocks = re.findall(
        r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    sources = [example.source for text in blocks for example in DocTestParser().get_examples(text)]
    new = nbformat.v4
    notebook = new.new_notebook(cells=[new.new_code_cell(s) for s in [*sources, PICTURE]])
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    return list(notebook.cells)


def test_no_cell_fails_or_warns_and_nothing_is_coloured(cells: list[Any]) -> None:
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert kinds <= {"execute_result", "display_data", "stream"}
    assert not [o for cell in cells for o in cell.outputs if o.get("name") == "stderr"]
    assert "\x1b" not in str(cells)


def test_results_show_their_numbers_as_html(cells: list[Any]) -> None:
    shown = [o.data for c in cells for o in c.outputs if o.output_type == "execute_result"]
    tables = [data["text/html"] for data in shown if "text/html" in data]
    assert len(tables) >= 5
    for table in tables:
        assert sum(character.isdigit() for character in table) > 10
        assert "<table" in table


def test_a_figure_is_displayed(cells: list[Any]) -> None:
    pictures = [o.data for o in cells[-1].outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == 1
