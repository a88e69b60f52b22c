"""Draw the pictures of the README and the guides: `uv run python docs/images/make.py`."""

from pathlib import Path

import pandas as pd

import bayesml as bm

HERE = Path(__file__).parent


def main() -> None:
    """Draw them beside this file."""
    penguins = pd.read_csv(HERE.parents[1] / "examples" / "data" / "penguins.csv").dropna()
    data = bm.Data.from_formula("body_mass_g ~ flipper_length_mm + species + sex", penguins)
    fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian()), data, rng=1)
    pictures = {
        "fit.png": bm.plots.effect(fit, frame=penguins, by="species"),
        "posterior.png": bm.plots.posterior(fit),
        "ppc.png": bm.plots.predictive_check(fit),
        "predictions.png": bm.plots.predictions(fit),
    }
    for name, figure in pictures.items():
        figure.savefig(HERE / name, dpi=120)


if __name__ == "__main__":
    main()
