"""Can the posterior be trusted? ArviZ on an exact posterior, and on NUTS beside it.

Run it with `uv run python examples/posterior_diagnostics.py`. It writes pictures to
examples/output.
"""

from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd

import bayesml as bm

HERE = Path(__file__).parent
OUTPUT = HERE / "output"


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    penguins = pd.read_csv(HERE / "data" / "penguins.csv").dropna()
    data = bm.Data.from_formula("body_mass_g ~ flipper_length_mm + species + sex", penguins)
    model = bm.Model(bm.Linear(), bm.Gaussian())

    exact = bm.fit(model, data, bm.Exact(), rng=1)
    nuts = bm.fit(model, data, bm.NUTS(draws=1000, tune=500, progress=False), rng=1)
    for fit in (exact, nuts):
        print(f"{fit.check()}\n")

    # Every fit becomes a DataTree in ArviZ's schema; the groups that cost memory are on request.
    trees = {
        name: fit.to_datatree(log_likelihood=True, posterior_predictive=True)
        for name, fit in {"exact": exact, "nuts": nuts}.items()
    }
    for name, tree in trees.items():
        print(f"az.summary, {name}\n\n{az.summary(tree)}\n")

    distance_of_nuts(nuts, exact)
    loo = {name: az.loo(tree, pointwise=True) for name, tree in trees.items()}
    for name, result in loo.items():
        print(
            f"leave-one-out, {name}: elpd {result.elpd:.1f} ± {result.se:.1f}, "
            f"worst Pareto k {float(result.pareto_k.max()):.2f}"
        )
    draw(exact, trees)


def distance_of_nuts(nuts: bm.Fit, exact: bm.Fit) -> None:
    """Measure NUTS, where the exact answer is known."""
    table = nuts.summary()
    distance = (table["mean"] - exact.summary()["mean"]) / table["mcse_mean"]
    print("NUTS is an approximation with a known error. Its means lie off the exact ones by at")
    print(f"most {np.abs(distance).max():.1f} of its Monte Carlo standard errors.\n")


def draw(exact: bm.Fit, trees: dict[str, Any]) -> None:
    """Draw what bayesml draws of a fit, and what ArviZ draws of its tree."""
    pictures = {
        "diagnostics_posterior.png": bm.plots.posterior(exact),
        "diagnostics_check.png": bm.plots.predictive_check(exact),
    }
    for name, figure in pictures.items():
        figure.savefig(OUTPUT / name)

    # Any function of ArviZ takes the tree.
    az.style.use("arviz-variat")
    in_grams = {"feature": ["species[T.Chinstrap]", "species[T.Gentoo]", "sex[T.male]"]}
    by_arviz = {
        "diagnostics_ranks.png": az.plot_rank(trees["nuts"], var_names=["intercept", "sigma"]),
        "diagnostics_loo_pit.png": az.plot_loo_pit(trees["exact"]),
        "diagnostics_forest.png": az.plot_forest(
            trees["nuts"], var_names=["weights"], coords=in_grams
        ),
    }
    for name, collection in by_arviz.items():
        collection.savefig(OUTPUT / name)
    print(f"\nPictures in {OUTPUT}", *pictures, *by_arviz, sep="\n- ")


if __name__ == "__main__":
    main()
