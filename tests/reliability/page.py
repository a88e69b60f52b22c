"""Write docs/reliability.md: ``python -m tests.reliability.page``."""

import csv
from collections import Counter
from pathlib import Path

from tests.mutation.faults import FAULTS
from tests.reliability.inputs import CASES

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
RESULTS = ROOT / "tests" / "mutation" / "results.csv"

TOP = """# Reliability

What is done about mistakes: the user's, the disk's and our own. This page is written by
`python -m tests.reliability.page`, and a test says when it is out of date.

- **A bad input is refused by name**, by an error of the package that says what was got and what is
  needed. There is one door for each kind of argument (`bayesml/arguments.py`), and the table below
  is what is tested.
- **A formula is bounded before it is read**: whole numbers of 64 bits, 1,000 columns of one
  transformation, 100,000 products of terms, a million characters. So is the formula of a file.
- **A request is weighed before it is met**: draws, replicated data, log densities, members and
  weights of networks that do not fit in this machine's memory are refused with the figure, by
  `TooLargeError`.
- **A file is whole or the older one.** A fit is written beside its place, put on the disk and
  renamed. A process that is killed meanwhile leaves the older fit, and a file
  `.NAME.….unfinished` to delete; a full disk gives `StorageError`. Every array has a checksum, so
  that one changed bit or a lost chunk is refused.
"""


def page() -> str:
    """Return the page."""
    return TOP + _inputs() + _mutations()


def _inputs() -> str:
    outcomes = Counter(case.outcome for case in CASES)
    counted = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    rows = [f"| {c.area} | {_code(c.code)} | {c.outcome} | {_text(c.message)} |" for c in CASES]
    top = ["| | Typed | Outcome | Message, or its beginning |", "|---|---|---|---|"]
    return "\n".join(
        ["", "## Bad inputs", "", f"{len(CASES)} of them: {counted}.", "", *top, *rows, ""]
    )


def _mutations() -> str:
    if not RESULTS.exists():
        return ""
    with RESULTS.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    caught = sum(row["outcome"] == "caught" for row in found)
    rows = [
        f"| {row['file']} | {_code(row['old'])} | {_code(row['new'])} "
        f"| {row['tests']} | {row['outcome']} |"
        for row in found
    ]
    words = (
        f"`python -m tests.mutation` plants {len(FAULTS)} faults, one at a time, and runs the "
        f"tests that have to fail.\nOf the {len(found)} whose outcome is written down here, "
        f"{caught} were caught. It runs by hand."
    )
    top = ["| File | Was | Planted | Tests | |", "|---|---|---|---|---|"]
    return "\n".join(["", "## Planted faults", "", words, "", *top, *rows, ""])


def _code(text: str) -> str:
    quote = "``" if "`" in text else "`"
    return f"{quote}{' '.join(text.split()).replace('|', chr(92) + '|')}{quote}"


def _text(text: str) -> str:
    escaped = text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;").replace("_", "\\_")
    return escaped.replace("`", "\\`").replace("~", "\\~")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
