"""How sure is a prediction, and why? New birds, near the data and far from them.

Run it with `uv run python examples/uncertainty_aware_prediction.py`. It writes a fit and pictures
to examples/output.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import bayesml as bm

HERE = Path(__file__).parent
OUTPUT = HERE / "output"


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    penguins = pd.read_csv(HERE / "data" / "penguins.csv").dropna()
    shuffled = penguins.sample(frac=1, random_state=1)
    known, new = shuffled.iloc[:40], shuffled.iloc[40:]
    print(f"Learn from {len(known)} birds, then predict {len(new)} that were not seen.\n")

    data = bm.Data.from_formula("body_mass_g ~ flipper_length_mm + sex", known)
    bm.fit(bm.Model(bm.Linear(), bm.Gaussian()), data, rng=1).save(OUTPUT / "prediction_fit.nc")
    fit = bm.load(OUTPUT / "prediction_fit.nc")  # another process would predict the same

    prediction = fit.predict(new)
    for probability in (0.5, 0.9):
        lower, upper = prediction.interval(probability)
        inside = new["body_mass_g"].between(lower, upper).mean()
        print(f"{probability:.0%} intervals hold {inside:.1%} of the new birds.")

    far_away(fit)
    decisions(fit)

    pictures = {
        "prediction_new_birds.png": bm.plots.predictions(fit, new),
        "prediction_extrapolation.png": extrapolation(fit, known),
    }
    for name, figure in pictures.items():
        figure.savefig(OUTPUT / name)
    print(f"\nPictures in {OUTPUT}", *pictures, sep="\n- ")


def far_away(fit: bm.Fit) -> None:
    """Show which part of the uncertainty grows away from the data, and which does not."""
    birds = pd.DataFrame({"flipper_length_mm": [170, 200, 230, 300, 400], "sex": "female"})
    prediction = fit.predict(birds)
    lower, upper = prediction.interval(0.9)
    table = birds.assign(
        mean=prediction.mean,
        epistemic_sd=prediction.epistemic_sd,
        aleatoric_sd=prediction.aleatoric_sd,
        lower=lower,
        upper=upper,
    )
    print(
        f"\nFemales, ever further from the data (flippers of 172 to 231 mm):\n\n{table.round(0)}\n"
    )
    print("The epistemic part, what more data would reduce, grows with the distance. The aleatoric")
    print("part, the variety of birds, stays. Neither knows that no penguin has such flippers.")


def decisions(fit: bm.Fit) -> None:
    """Ask a distribution questions that a number cannot answer."""
    bird = pd.DataFrame({"flipper_length_mm": [215.0], "sex": ["male"]})
    heavy = 1 - fit.predict(bird).cdf(5000)[0]
    print(f"\nA male with flippers of 215 mm is heavier than 5 kg with probability {heavy:.2f}.")
    group = pd.concat([bird] * 10, ignore_index=True)
    together = fit.predict(group).sample(4000, rng=1).sum(axis=1)  # one set of parameters a draw
    alone = np.sqrt(10) * fit.predict(bird).sd[0]
    print(
        f"Ten of them weigh {together.mean() / 1000:.1f} ± {together.std() / 1000:.2f} kg together;"
    )
    print(f"treating them as independent would say ± {alone / 1000:.2f} kg, and be too sure.")


def extrapolation(fit: bm.Fit, known: pd.DataFrame) -> Figure:
    """Draw the two kinds of uncertainty beyond the range of the data."""
    birds = pd.DataFrame({"flipper_length_mm": np.linspace(140, 280, 71), "sex": "female"})
    x, prediction = birds["flipper_length_mm"], fit.predict(birds)
    figure = Figure(figsize=(6.2, 4.2), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.fill_between(x, *prediction.interval(0.9), alpha=0.2, lw=0, label="90 % of a new bird")
    axes.fill_between(
        x,
        *prediction.expectation.interval(0.9),
        alpha=0.5,
        lw=0,
        color="C0",
        label="90 % of the mean",
    )
    females = known[known["sex"] == "female"]
    axes.plot(
        females["flipper_length_mm"], females["body_mass_g"], "k.", label="females in the data"
    )
    axes.set(xlabel="flipper length (mm)", ylabel="body mass of females (g)")
    axes.legend(frameon=False, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    main()
