"""Which function of ArviZ takes the DataTree of which method: what the contract tests run.

``python -m tests.contracts.arviz_table`` writes the table to docs/arviz.md.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import arviz as az
import xarray as xr

import bayesml as bm
from tests.agreement.problems import made
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "arviz.md"

PRIORS = bm.Independent(bm.Normal(0, 100), bm.Normal(0, 1000))
NETWORK = bm.Model(bm.MLP((3,)), bm.Gaussian(2.0))
QUIET = bm.NUTS(draws=500, tune=300, chains=2, progress=False)
METHODS: dict[str, tuple[bm.Model, Any]] = {
    "Exact, σ known": (bm.Model(bm.Linear(), bm.Gaussian(2.0), PRIORS), bm.Exact()),
    "Exact, σ inferred": (bm.Model(prior=PRIORS), bm.Exact()),
    "Exact, conjugate": (bm.Model(prior=bm.NormalInverseGamma()), bm.Exact()),
    "NUTS": (bm.Model(prior=PRIORS), QUIET),
    "NUTS, Student-t": (bm.Model(bm.Linear(), bm.StudentT(), PRIORS), QUIET),
    "Laplace": (NETWORK, bm.Laplace()),
    "Ensemble": (NETWORK, bm.Ensemble(3, bm.Laplace())),
    "MLE": (bm.Model(prior=PRIORS), bm.MLE()),
    "MAP": (bm.Model(prior=PRIORS), bm.MAP()),
}


@cache
def fitted(method: str) -> bm.Fit:
    model, how = METHODS[method]
    return bm.fit(model, made(m=40, n=2), how, rng=1)


@cache
def tree(method: str) -> xr.DataTree:
    """The DataTree with every group that the method has."""
    model, how = METHODS[method]
    proper = how != bm.MLE() and model is not NETWORK  # MLE replaces priors by flat ones
    return fitted(method).to_datatree(
        log_likelihood=True, log_prior=proper, posterior_predictive=True, prior=proper
    )


def compare(method: str) -> Any:
    return az.compare({method: tree(method), "Exact, σ known": tree("Exact, σ known")})


def bayes_factor(method: str) -> Any:
    """A point null by the Savage-Dickey ratio, from the draws of prior and posterior."""
    centre = float(tree(method)["posterior"]["intercept"].mean())
    return az.bayes_factor(tree(method), var_names="intercept", ref_vals=centre)


FUNCTIONS: dict[str, Callable[[str], Any]] = {
    "summary": lambda m: az.summary(tree(m)),
    "loo": lambda m: az.loo(tree(m)),
    "compare": compare,
    "loo_pit": lambda m: az.loo_pit(tree(m)),
    "psense_summary": lambda m: az.psense_summary(tree(m)),
    "bayes_factor": bayes_factor,
    "plot_dist": lambda m: az.plot_dist(tree(m)),
    "plot_forest": lambda m: az.plot_forest(tree(m)),
    "plot_trace_dist": lambda m: az.plot_trace_dist(tree(m)),
    "plot_rank_dist": lambda m: az.plot_rank_dist(tree(m)),
    "plot_pair": lambda m: az.plot_pair(tree(m)),
    "plot_prior_posterior": lambda m: az.plot_prior_posterior(tree(m)),
    "plot_ppc_dist": lambda m: az.plot_ppc_dist(tree(m)),
    "plot_ppc_pit": lambda m: az.plot_ppc_pit(tree(m)),
    "plot_loo_pit": lambda m: az.plot_loo_pit(tree(m)),
    "plot_energy": lambda m: az.plot_energy(tree(m)),
}

INTRODUCTION = """
# ArviZ

`fit.idata` and `fit.to_datatree(...)` are in ArviZ's schema, whatever the method. Each ● is a call
that the contract tests make; `python -m tests.contracts.arviz_table` writes this page.
"""

NOTES = """
- A point estimate is one draw, without a distribution to plot, weigh or rank. Its standard errors
  are in `fit.summary()`, its intervals in `bm.plots.coefficients`.
- `plot_energy` reads the energy of Hamiltonian trajectories, which only NUTS has.
- Laplace and Ensemble are of networks. Weights have many equivalent labellings, so that
  their densities, traces and ranks mean little, and the scales of their priors are learned: what is
  compared is the function, by its likelihood and predictions. Noise that Laplace has tuned, and
  hidden layers at their mode, are numbers without a distribution: they are in `constant_data`.
- Under `SpikeAndSlab` weights are exactly zero in some draws, which smoothed densities do not show,
  and `inclusion` is zero or one. What never varies, of a feature that is in every model or in none,
  has no density and no R̂: ArviZ warns and writes NaN. `var_names=` leaves it out.
- Exact answers are drawn as four chains of independent draws, the same at every call.
- `loo` and all that follow from it need `log_likelihood=True`, `psense_summary` needs
  `log_prior=True` as well, `plot_ppc_*` need `posterior_predictive=True`, `bayes_factor` and
  `plot_prior_posterior` need `prior=True`, in `fit.to_datatree(...)`.
- `fit.leave_one_out()` is exact where `loo` samples; `bm.compare` takes the better of the two.
"""

OF_FUNCTIONS = {
    *("summary", "loo", "compare", "loo_pit", "plot_forest"),
    *("plot_ppc_dist", "plot_ppc_pit", "plot_loo_pit"),
}
POINTS = {"summary", "plot_forest"}  # one draw is a number, not a distribution


def applies(method: str, function: str) -> bool:
    """Whether the function has something to say of the method's answer."""
    if METHODS[method][1] in (bm.MLE(), bm.MAP()):
        return function in POINTS
    if METHODS[method][0] is NETWORK:
        return function in OF_FUNCTIONS
    return function != "plot_energy" or method.startswith("NUTS")


def page() -> str:
    """The table, for people."""
    head = [
        *INTRODUCTION.strip().split("\n"),
        "",
        "| | " + " | ".join(METHODS) + " |",
        "|---" * (len(METHODS) + 1) + "|",
    ]
    rows = []
    for name in FUNCTIONS:
        cells = " | ".join("●" * applies(method, name) for method in METHODS)
        rows.append(f"| `{name}` | {cells} |")
    return "\n".join([*head, *rows, NOTES])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
