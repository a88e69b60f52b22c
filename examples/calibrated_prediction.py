"""From a CSV file to a calibrated prediction, with every check on the way.

Run it with `uv run --extra calibration python examples/calibrated_prediction.py`. It writes a
picture to examples/output.
"""

from pathlib import Path

import pandas as pd

import bayesml as bm

HERE = Path(__file__).parent
FORMULA = "body_mass_g ~ flipper_length_mm + bill_depth_mm + species + sex"


def main() -> None:
    birds = pd.read_csv(HERE / "data" / "penguins.csv").dropna().sample(frac=1, random_state=1)
    known, new = birds.iloc[:200], birds.iloc[200:]
    model, data = bm.Model(), bm.Data.from_formula(FORMULA, known)

    before = bm.prior_predictive(model, data, rng=1)["prior_predictive"]["y"]
    print(f"Before the data, the model expects {before.mean():.0f} ± {before.std():.0f} g.\n")
    fit = bm.fit(model, data, rng=1)
    print(fit, fit.check(), sep="\n\n")

    left_out = bm.cross_validate(model, data, rng=1)
    print(f"\nTen-fold cross-validation: {left_out}")
    result = bm.calibration(fit, new)
    print(f"\nNew birds: {result}\n\n{result.by_group(new['species']).round(2)}")

    prediction = fit.predict(new)
    print(f"\n{prediction.extrapolates.sum()} new birds lie outside the ones learned from.")
    heavy = new.assign(probability=prediction.exceedance(5000), mass=prediction.mean)
    heavy["order"] = prediction.decide(bm.losses.PinballLoss(0.9))  # too little food costs most
    print(heavy[["species", "sex", "mass", "probability", "order"]].head().round(2))
    print(f"\n{fit.comparisons('species')}")
    picture = HERE / "output" / "calibrated_prediction.png"
    picture.parent.mkdir(exist_ok=True)
    bm.plots.calibration(result).savefig(picture)
    print(f"\nThe picture is {picture}")


if __name__ == "__main__":
    main()
