"""Every example runs as it stands, with warnings as errors, and writes what it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

OUTPUTS = {
    "calibrated_prediction.py": {"calibrated_prediction.png"},
    "statistical_analysis.py": {
        "analysis_coefficients.png",
        "analysis_fit.png",
        "analysis_loss.png",
        "analysis_predictions.png",
    },
    "posterior_diagnostics.py": {
        "diagnostics_check.png",
        "diagnostics_forest.png",
        "diagnostics_loo_pit.png",
        "diagnostics_posterior.png",
        "diagnostics_ranks.png",
    },
    "uncertainty_aware_prediction.py": {
        "prediction_extrapolation.png",
        "prediction_fit.nc",
        "prediction_new_birds.png",
    },
}
SLOW = {"posterior_diagnostics.py"}


def test_every_example_is_tested_and_described() -> None:
    names = {path.name for path in EXAMPLES.glob("*.py")}
    assert names == set(OUTPUTS)
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert names == set(re.findall(r"examples/(\w+\.py)", readme))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in OUTPUTS],
)
def test_example_runs(name: str, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("output"))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(tmp_path / "examples" / name)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    written = {path.name: path for path in (tmp_path / "examples" / "output").iterdir()}
    assert set(written) == OUTPUTS[name]
    assert all(path.stat().st_size > 10_000 for path in written.values())
    assert all(picture in done.stdout for picture in written if picture.endswith(".png"))
    assert max(map(len, done.stdout.split("\n"))) < 160, "too wide to read"
    assert len(done.stdout.split("\n")) < 90, "too long to read"
