"""Plant faults one at a time and see whether the tests notice: ``python -m tests.mutation``.

It works in a copy of the repository, prints a line a fault and writes ``results.csv`` beside this
file, which ``python -m tests.reliability.page`` puts into the documentation. By hand, not in CI.
"""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutation.faults import FAULTS, Fault

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("bayesml", "tests", "docs", "examples", "pyproject.toml", "README.md")
SECONDS = 900
"""After which a test that hangs has noticed."""


def copied(folder: Path) -> Path:
    """Copy what the tests need."""
    for part in PARTS:
        source, target = ROOT / part, folder / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


def outcome(fault: Fault, folder: Path) -> str:
    """Plant a fault, run its tests, and take it out again."""
    path = folder / fault.file
    text = path.read_text(encoding="utf-8")
    if text.count(fault.old) != 1:
        return f"not planted: {text.count(fault.old)} places"
    path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-qx",
        "-p",
        "no:cacheprovider",
        *fault.tests.split(),
    ]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "caught"
    finally:
        path.write_text(text, encoding="utf-8")
    return {0: "SURVIVED", 1: "caught"}.get(done.returncode, f"no tests ({done.returncode})")


def main(part: int, of: int) -> None:
    """Try every fault, or one in so many."""
    with tempfile.TemporaryDirectory() as made:
        folder = copied(Path(made))
        rows = []
        for fault in FAULTS[part::of]:
            rows.append({**fault._asdict(), "outcome": outcome(fault, folder)})
            print(rows[-1]["outcome"], fault.file, repr(fault.new), sep="  ", flush=True)
    name = "results.csv" if of == 1 else f"results.{part}.csv"
    with Path(__file__).with_name(name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*Fault._fields, "outcome"])
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(*(map(int, sys.argv[1:]) if len(sys.argv) == 3 else (0, 1)))
