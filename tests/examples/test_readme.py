"""The README says what is true: its program runs, its table and its links hold."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PAGES = [
    REPOSITORY / "README.md",
    *(REPOSITORY / "examples").rglob("*.md"),
    REPOSITORY / "docs" / "guides" / "command_line.md",
]


def block(language: str, heading: str) -> str:
    """The first fenced block of a language under a heading."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert section is not None
    found = re.search(rf"^```{language}\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.slow
def test_program_runs_and_prints_the_table(tmp_path: Path) -> None:
    heading = "One declaration, learned four ways"
    program, table = block("python", heading), block("text", heading)
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert table in done.stdout
    assert (tmp_path / "coefficients.png").exists()
    statements = [line for line in program.split("\n") if line.strip()]
    assert len(statements) <= 20


def test_two_commands() -> None:
    assert block("sh", "Start") == "pip install uv && uv run bayesml demo\n"
    assert block("sh", "Test") == "pip install uv && uv run --group dev pytest --numprocesses=2\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target


def test_pictures_are_small() -> None:
    pictures = list((REPOSITORY / "docs" / "images").glob("*.png"))
    assert pictures
    assert all(picture.stat().st_size < 200_000 for picture in pictures)
