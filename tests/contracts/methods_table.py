"""Which method learns which model from which data, and who refuses: what the contract tests run.

``python -m tests.contracts.methods_table`` writes the tables to docs/methods.md.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import bayesml as bm
from bayesml.distributions import Laplace, StudentT
from tests.conftest import REPOSITORY
from tests.parts.squares import Squares

PAGE = REPOSITORY / "docs" / "methods.md"

M, NOISE = 60, 0.5
KINDS = ("memory", "summarised", "Parquet", "Dask")


@dataclass(frozen=True)
class Case:
    """A model with the target of the made-up table that it is fitted to."""

    model: bm.Model
    target: str

    @property
    def linear_gaussian(self) -> bool:
        return self.model.predictor == bm.Linear() and isinstance(
            self.model.likelihood, bm.Gaussian
        )

    @property
    def exact(self) -> bool:
        return self.linear_gaussian and self.model.prior not in (LASSO, HEAVY)

    @property
    def over_models(self) -> bool:
        return self.model.prior == SPIKES

    @property
    def nearly_gaussian(self) -> bool:
        """Whether a Gaussian at the mode passes its audit on these rows."""
        return isinstance(self.model.likelihood, bm.Poisson)

    @property
    def network(self) -> bool:
        return isinstance(self.model.predictor, bm.MLP)


LASSO = bm.Independent(Laplace(0, 0.1), bm.Normal(0, 10))
HEAVY = bm.Independent(StudentT(3, 0, 0.3), bm.Normal(0, 10))
CONJUGATE = bm.NormalInverseGamma(scale=3.0, shape=2.0, rate=0.5)
SPIKES = bm.SpikeAndSlab(0.5, CONJUGATE)
OF_SQUARES = bm.Independent(intercept=bm.Normal(0, 5), others={"theta": bm.Normal(0, 5)})
CASES = {
    "`Linear()`, `Gaussian()`": Case(bm.Model(), "y"),
    "…, σ known, `Flat()`": Case(bm.Model(bm.Linear(), bm.Gaussian(NOISE), bm.Flat()), "y"),
    "…, `NormalInverseGamma()`": Case(bm.Model(prior=CONJUGATE), "y"),
    "…, `SpikeAndSlab()`": Case(bm.Model(prior=SPIKES), "weak"),
    "…, Laplace priors (lasso)": Case(bm.Model(prior=LASSO), "y"),
    "…, Student-t priors": Case(bm.Model(prior=HEAVY), "y"),
    "`Linear()`, `StudentT(df=4)`": Case(bm.Model(bm.Linear(), bm.StudentT(df=4.0)), "heavy"),
    "`Linear()`, `Poisson()`": Case(bm.Model(bm.Linear(), bm.Poisson()), "counts"),
    "`Linear()`, `Bernoulli()`": Case(bm.Model(bm.Linear(), bm.Bernoulli()), "binary"),
    "`MLP()`, `Gaussian()`": Case(
        bm.Model(bm.MLP((3,)), bm.Gaussian(NOISE), bm.Layered(sd=1.0)), "y"
    ),
    "a predictor of your own, `Gaussian()`": Case(
        bm.Model(Squares(), bm.Gaussian(), OF_SQUARES), "squares"
    ),
}

NUTS = bm.NUTS(draws=250, tune=250, chains=2, progress=False)
SGD = bm.SGD(epochs=50, batch_size=20)
METHODS: dict[str, Any] = {
    "`MLE()`": bm.MLE(),
    "`MLE(LBFGS())`": bm.MLE(bm.LBFGS()),
    "`MLE(SGD())`": bm.MLE(SGD),
    "`MAP()`": bm.MAP(),
    "`MAP(LBFGS())`": bm.MAP(bm.LBFGS()),
    "`Exact()`": bm.Exact(),
    "`Laplace()`": bm.Laplace(),
    "`NUTS()`": NUTS,
    "`Langevin()`": bm.Langevin(chains=2, steps=1000, thin=10),
    "`Ensemble(2, MAP())`": bm.Ensemble(2, bm.MAP()),
    "`SubsetSampler()`": bm.SubsetSampler(draws=1000, tune=100, chains=2),
    "`Auto()`": bm.Auto(NUTS, bm.Ensemble(2, bm.Laplace())),
}


class Refusal(NamedTuple):
    """An error, as users read it: its class, and a pattern of its message."""

    error: type[bm.BayesmlError]
    pattern: str
    reason: str


NOT_EXACT = Refusal(
    bm.IncompatibleModelError,
    r"Exact\(\) does not apply: .* Use NUTS\(\)",
    "“Exact() does not apply: …”: the predictor is not `Linear()`, the likelihood is not Gaussian, "
    "or a prior is neither Normal nor Flat; the message says which, and what to use.",
)
NO_ROWS = Refusal(
    bm.DataError,
    "(Of these rows only the sufficient statistics are left|the sufficient statistics of 60 rows)",
    "“Of these rows only the sufficient statistics are left …”: they stand for the rows in a "
    "linear Gaussian model alone, and minibatches are of rows.",
)
READ_AGAIN = Refusal(
    bm.IncompatibleModelError,
    r"(NUTS|Langevin)\(\) evaluates every row some ten thousand times",
    "“NUTS() evaluates every row some ten thousand times …”: rows that are not in memory would be "
    "read as often. `data.collect()` brings them there; `Laplace()` and `MAP()` take a few passes.",
)
NO_DENSITY = Refusal(
    bm.IncompatibleModelError,
    r"Under SpikeAndSlab\(\) weights are exactly zero .* Use Exact\(\), or SubsetSampler\(\)",
    "“Under SpikeAndSlab() weights are exactly zero with a positive probability …”: there is no "
    "density that has a mode, a curvature or a gradient.",
)
ONE_MODEL = Refusal(
    bm.IncompatibleModelError,
    r"SubsetSampler\(\) samples models of SpikeAndSlab\(\)",
    "“SubsetSampler() samples models of SpikeAndSlab() …”: the prior is not over sets of features.",
)
REFUSALS = (NOT_EXACT, NO_ROWS, READ_AGAIN, NO_DENSITY, ONE_MODEL)


def refusal(case: Case, method: str, kind: str) -> Refusal | None:
    """What is refused, and how: the rules that the tests hold the package to."""
    how = METHODS[method]
    if isinstance(how, bm.SubsetSampler) and not case.over_models:
        return ONE_MODEL
    if case.over_models and not isinstance(how, bm.MLE | bm.Exact | bm.SubsetSampler | bm.Auto):
        return NO_DENSITY
    if how == bm.Exact() and not case.exact:
        return NOT_EXACT
    if kind == "summarised" and (how == bm.MLE(SGD) or not case.linear_gaussian):
        return NO_ROWS
    if _streamed(case, kind) and not _few_passes(case, how):
        return READ_AGAIN
    return None


def _few_passes(case: Case, how: Any) -> bool:
    if case.network:  # whose rows are collected, but for NUTS
        return how != NUTS
    return not isinstance(how, bm.NUTS | bm.Langevin)


def _streamed(case: Case, kind: str) -> bool:
    """Say whether the rows themselves are read, where they are."""
    return kind in ("Parquet", "Dask") and not case.linear_gaussian


def kind_of(case: Case, method: str, kind: str) -> str:
    """What kind of answer a method gives."""
    match METHODS[method]:
        case bm.MLE() | bm.MAP():
            return "point"
        case bm.Exact():
            return "exact"
        case bm.Laplace():
            return "approximate"
        case bm.Ensemble():
            return "ensemble"
        case bm.Auto() if case.exact:
            return "exact"
        case bm.Auto() if case.network:
            return "ensemble"
        case bm.Auto() if _streamed(case, kind) or case.nearly_gaussian:
            return "approximate"
    return "sampled"


@cache
def columns() -> dict[str, np.ndarray[Any, Any]]:
    """Two features of different scales, off the origin, and a target for every likelihood."""
    rng = np.random.default_rng(7)
    a, b = (rng.normal(size=(2, M)).T * [1.0, 0.5] + [0.5, -0.3]).T
    eta = 0.3 + 0.8 * a - 0.6 * b
    return {
        "a": a,
        "b": b,
        "eta": eta,
        "y": eta + NOISE * rng.standard_normal(M),
        "heavy": eta + NOISE * rng.standard_t(4, M),
        "counts": rng.poisson(np.exp(eta)).astype(float),
        "binary": (rng.random(M) < 1.0 / (1.0 + np.exp(-eta))).astype(float),
        "squares": 0.3 + 0.8 * a**2 - 0.6 * b**2 + NOISE * rng.standard_normal(M),
        "weak": 0.3 + 0.15 * a - 0.3 * b + NOISE * rng.standard_normal(M),
    }


INTRODUCTION = """
# Methods

Every method takes every model that its mathematics allows, from every kind of data, and refuses the
others by name. Each cell below is a fit that the contract tests make, and compare with an answer
computed apart from the package; `python -m tests.contracts.methods_table` writes this page.

An answer is **exact**, **sampled**, an **approximation**, a **mixture** of members, or a **point**
with standard errors. A number is a refusal, explained at the end.
"""
WORDS = {"approximate": "approximation", "ensemble": "mixture"}
HEADINGS = {
    "memory": "Rows in memory",
    "summarised": "Sufficient statistics, `data.summarised()`",
    "Parquet": "Parquet files and Dask collections",
}


def cell(case: Case, method: str, kind: str) -> str:
    refused = refusal(case, method, kind)
    if refused is not None:
        return f"{REFUSALS.index(refused) + 1}"
    answer = kind_of(case, method, kind)
    return WORDS.get(answer, answer)


def page() -> str:
    """The tables, for people."""
    lines = INTRODUCTION.strip().split("\n")
    for kind, heading in HEADINGS.items():
        lines += ["", f"## {heading}", "", "| | " + " | ".join(METHODS) + " |"]
        lines.append("|---" * (len(METHODS) + 1) + "|")
        for name, case in CASES.items():
            cells = " | ".join(cell(case, method, kind) for method in METHODS)
            lines.append(f"| {name} | {cells} |")
    lines += ["", "## Refusals", ""]
    lines += [f"{k}. `{r.error.__name__}`, {r.reason}" for k, r in enumerate(REFUSALS, start=1)]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
