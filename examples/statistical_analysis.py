"""What makes a penguin heavy? One declaration, learned by three methods, and what it says.

Run it with `uv run python examples/statistical_analysis.py`. It writes pictures to
examples/output.
"""

import warnings
from pathlib import Path

import pandas as pd

import bayesml as bm

HERE = Path(__file__).parent
OUTPUT = HERE / "output"
FORMULA = "body_mass_g ~ flipper_length_mm + species + sex"


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    penguins = pd.read_csv(HERE / "data" / "penguins.csv").dropna()
    data = bm.Data.from_formula(FORMULA, penguins)
    model = bm.Model(bm.Linear(), bm.Gaussian())
    print(f"The question\n\n{FORMULA}, on {data.m} birds\n\n{model}\n")

    # The same declaration, three answers. The last has a strong prior, so that it shrinks: it is
    # meant to disagree with the data, which bayesml would warn of.
    warnings.filterwarnings("ignore", category=bm.PriorConflictWarning)
    sceptical = bm.Model(bm.Linear(), bm.Gaussian(), bm.Independent(weights=bm.Normal(0, 100)))
    fits = {
        "least squares": bm.fit(model, data, bm.MLE()),
        "exact posterior": bm.fit(model, data, bm.Exact(), rng=1),
        "ridge, sd 100 g": bm.fit(sceptical, data, bm.MAP()),
    }
    table = pd.DataFrame({name: fit.summary()["mean"] for name, fit in fits.items()})
    print(f"Estimates by three methods\n\n{table.round(1)}\n")
    sigma = table.loc["sigma", "ridge, sd 100 g"]
    print(f"Ridge has the penalty λ = {bm.ridge_penalty(sigma, 100, data.m):.3g} per example: it")
    print("pulls the large differences between species and sexes towards zero. The weakly")
    print("informative default prior hardly moves anything.\n")

    exact = fits["exact posterior"]
    print(f"The exact posterior\n\n{exact}\n\n{exact.check()}\n")
    interpret(exact, penguins, model)

    descents = {
        "gradient descent": bm.fit(model, data, bm.MLE(bm.GradientDescent())),
        "L-BFGS": bm.fit(model, data, bm.MLE(bm.LBFGS())),
    }
    pictures = {
        "analysis_coefficients.png": bm.plots.coefficients(fits),
        "analysis_fit.png": bm.plots.effect(exact, by="species"),
        "analysis_predictions.png": bm.plots.predictions(exact),
        "analysis_loss.png": bm.plots.loss(descents),
    }
    for name, figure in pictures.items():
        figure.savefig(OUTPUT / name)
    print(f"Pictures in {OUTPUT}", *pictures, sep="\n- ")


def interpret(exact: bm.Fit, penguins: pd.DataFrame, model: bm.Model) -> None:
    """Say in words what the posterior says in numbers."""
    mean = exact.summary()["mean"]
    male = exact.idata.posterior["weights"].sel(feature="sex[T.male]")
    print("In words\n")
    print(
        f"- Flippers longer by 10 mm go with {10 * mean['weights[flipper_length_mm]']:.0f} g more,"
    )
    print("  among birds of one species and sex.")
    print(
        f"- Males are heavier by {mean['weights[sex[T.male]]']:.0f} g, and by more than 450 g with"
    )
    print(f"  probability {float((male > 450).mean()):.2f}.")

    each = "body_mass_g ~ center(flipper_length_mm) * species + sex"
    richer = bm.Data.from_formula(each, penguins)
    gain = bm.fit(model, richer).log_evidence - exact.log_evidence
    favoured = "against" if gain < 0 else "for"
    print(
        f"- A slope for each species: log evidence {gain:+.1f}, {favoured} it under these priors.\n"
    )


if __name__ == "__main__":
    main()
