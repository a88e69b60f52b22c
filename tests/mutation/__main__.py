"""Plant faults one at a time and see whether the tests notice: ``python -m tests.mutation``.

It works in a copy of the repository, prints a line a fault and keeps it in ``results.csv`` beside
this file, which ``python -m tests.reliability.page`` puts into the documentation. By hand, not in
CI; ``python -m tests.mutation statistics`` plants only those of files with such a name.
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
RESULTS = Path(__file__).with_name("results.csv")
PARTS = ("bayesml", "tests", "docs", "examples", "pyproject.toml", "README.md")
SECONDS = 300
"""After which a test has hung, or the machine is too slow to tell."""


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
        return "timed out"
    finally:
        path.write_text(text, encoding="utf-8")
    ended = {0: "SURVIVED", 1: "caught"}.get(done.returncode, f"no tests ({done.returncode})")
    return "caught" if done.returncode < 0 else ended  # the interpreter itself was ended


def kept() -> dict[Fault, str]:
    """Read the outcomes that are known, of faults as they stand."""
    if not RESULTS.is_file():
        return {}
    with RESULTS.open(encoding="utf-8", newline="") as file:
        rows = {Fault(*(row[name] for name in Fault._fields)): row for row in csv.DictReader(file)}
    return {fault: rows[fault]["outcome"] for fault in FAULTS if fault in rows}


def write(outcomes: dict[Fault, str]) -> None:
    """Write all outcomes, in the order of the faults."""
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*Fault._fields, "outcome"])
        writer.writeheader()
        for fault in FAULTS:
            if fault in outcomes:
                writer.writerow({**fault._asdict(), "outcome": outcomes[fault]})


def main(name: str) -> None:
    """Try every fault of files that have this in their names."""
    with tempfile.TemporaryDirectory() as made:
        folder = copied(Path(made))
        for fault in FAULTS:
            if name in fault.file:
                found = outcome(fault, folder)
                write(kept() | {fault: found})
                print(found, fault.file, repr(fault.new), sep="  ", flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
