"""Equations that are cited exist: every label has one definition, every page and file is there."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CITED = re.compile(r"\(([A-Z]\d+(?:(?:, |–)[A-Z]\d+)*)\)")  # (L4), (L6, L7), (L6)–(L10)
DEFINED = re.compile(r"\\tag\{([A-Z]\d+)\}|\*\*\(([A-Z]\d+)\)\*\*")
PAGE = re.compile(r"docs/[\w/]+\.md")
SOURCE = re.compile(r"`(bayesml/[\w/]+\.py)`")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def problems(root: Path) -> list[str]:
    """Say of every label, page, link and path under `root` what is wrong with it."""
    pages = {path: path.read_text(encoding="utf-8") for path in (root / "docs").rglob("*.md")}
    code = {path: path.read_text(encoding="utf-8") for path in (root / "bayesml").rglob("*.py")}
    theory = [text for path, text in pages.items() if path.parent.name == "theory"]
    defined = Counter(a or b for text in theory for a, b in DEFINED.findall(text))
    twice = [f"({label}) is defined {k} times" for label, k in defined.items() if k > 1]
    dangling, lost = _dangling(root, pages | code, set(defined)), _lost(root, pages)
    return sorted([*twice, *dangling, *lost, *_unlisted(root, pages)])


def _dangling(root: Path, texts: dict[Path, str], defined: set[str]) -> Iterator[str]:
    for path, text in texts.items():
        where = path.relative_to(root).as_posix()
        labels = {label for match in CITED.findall(text) for label in re.split(", |–", match)}
        yield from (f"{where} cites ({label}), defined nowhere" for label in labels - defined)
        for page in set(PAGE.findall(text)):
            if not (root / page).is_file():
                yield f"{where} cites {page}, which does not exist"


def _unlisted(root: Path, pages: dict[Path, str]) -> Iterator[str]:
    """Say which pages the list of all documentation leaves out, or gives other letters."""
    listed = pages.get(root / "docs/README.md", "")
    for path, text in pages.items():
        where = path.relative_to(root / "docs").as_posix()
        if listed and where != "README.md" and f"({where})" not in listed:
            yield f"docs/README.md does not list {where}"
        letters = {(a or b)[0] for a, b in DEFINED.findall(text)}
        row = re.search(rf"\({where}\) \| (\w)", listed)
        if row is not None and letters and letters != {row[1]}:
            yield f"docs/README.md gives {where} the letter {row[1]}"


def _lost(root: Path, pages: dict[Path, str]) -> Iterator[str]:
    for path, text in pages.items():
        where = path.relative_to(root).as_posix()
        for source in set(SOURCE.findall(text)):
            if not (root / source).is_file():
                yield f"{where} names {source}, which does not exist"
        for link in set(LINK.findall(text)):
            if not (path.parent / link).exists():
                yield f"{where} links to {link}, which does not exist"


def test_every_label_that_is_cited_is_defined_once() -> None:
    assert problems(ROOT) == []


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("bayesml/a.py", '"""By (A2)."""', "bayesml/a.py cites (A2), defined nowhere"),
        ("bayesml/a.py", "# L and D (A1, A3)", "bayesml/a.py cites (A3), defined nowhere"),
        ("bayesml/a.py", "# docs/theory/b.md", "cites docs/theory/b.md, which does not exist"),
        ("docs/theory/b.md", r"$$x \tag{A1}$$", "(A1) is defined 2 times"),
        ("docs/theory/b.md", "**(A1)** $x$", "(A1) is defined 2 times"),
        ("docs/theory/b.md", "By (A4).", "docs/theory/b.md cites (A4), defined nowhere"),
        ("docs/theory/b.md", "`bayesml/c.py`", "names bayesml/c.py, which does not exist"),
        ("docs/b.md", "[a](theory/c.md#x)", "links to theory/c.md, which does not exist"),
        ("docs/README.md", "Nothing.", "docs/README.md does not list theory/a.md"),
        ("docs/README.md", "| [a](theory/a.md) | B |", "gives theory/a.md the letter B"),
    ],
)
def test_what_is_wrong_is_found(tmp_path: Path, file: str, text: str, complaint: str) -> None:
    (tmp_path / "bayesml").mkdir()
    (tmp_path / "docs/theory").mkdir(parents=True)
    (tmp_path / "docs/theory/a.md").write_text(r"$$y = x \tag{A1}$$", encoding="utf-8")
    (tmp_path / "bayesml/b.py").write_text('"""By (A1), docs/theory/a.md."""', encoding="utf-8")
    assert problems(tmp_path) == []
    (tmp_path / file).write_text(text, encoding="utf-8")
    (found,) = problems(tmp_path)
    assert complaint in found
