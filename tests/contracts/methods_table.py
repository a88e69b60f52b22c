"""Which method learns which model from which data, and who refuses: what the contract tests run.

``python -m tests.contracts.methods_table`` writes the tables to docs/methods.md.
"""

from typing import Any, NamedTuple

import bayesml as bm
from tests.conftest import REPOSITORY
from tests.contracts.case import Case
from tests.contracts.cases import CASES

PAGE = REPOSITORY / "docs" / "methods.md"

KINDS = ("memory", "summarised", "Parquet", "Dask")
NUTS = bm.NUTS(draws=200, tune=150, chains=2, progress=False)
SHORT = bm.NUTS(draws=100, tune=200, chains=2, progress=False)
"""Where a choice is judged, and the sampling by others."""
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
    "`Auto()`": bm.Auto(SHORT, bm.Ensemble(2, bm.Laplace())),
}


class Refusal(NamedTuple):
    """An error, as users read it: its class, and a pattern of its message."""

    error: type[bm.BayesmlError]
    pattern: str
    reason: str


NOT_EXACT = Refusal(
    bm.IncompatibleModelError,
    r"Exact\(\) does not apply: .* (Use NUTS\(\)|Use Laplace\(\)|data.collect\(\)|from the rows)",
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
AT_ONCE = Refusal(
    bm.IncompatibleModelError,
    r"A programme is of all rows at once, and these are .* data\.collect\(\) puts them there",
    "“A programme is of all rows at once …”: a log density made of straight lines has its mode at "
    "a corner, which a linear or quadratic programme finds. `data.collect()` brings rows there.",
)
REFUSALS = (NOT_EXACT, NO_ROWS, READ_AGAIN, NO_DENSITY, ONE_MODEL, AT_ONCE)


def refusal(case: Case, method: str, kind: str) -> Refusal | None:
    """What is refused, and how: the rules that the tests hold the package to."""
    how = METHODS[method]
    if isinstance(how, bm.SubsetSampler) and not case.over_models:
        return ONE_MODEL
    if case.over_models and not isinstance(how, bm.MLE | bm.Exact | bm.SubsetSampler | bm.Auto):
        return NO_DENSITY
    if how == bm.Exact() and not case.exact:
        return NOT_EXACT
    if kind == "summarised" and (how == bm.MLE(SGD) or not case.statistics):
        return NO_ROWS
    if _streamed(case, kind) and not _few_passes(case, how):
        return READ_AGAIN
    if case.kinked and kind in ("Parquet", "Dask") and _by_programme(how):
        return AT_ONCE
    return None


def _by_programme(how: Any) -> bool:
    """Say whether a method looks for a mode without being told by which optimizer."""
    searches = isinstance(how, bm.Laplace | bm.Ensemble | bm.Auto)
    return searches or how in (bm.MLE(), bm.MAP())


def _few_passes(case: Case, how: Any) -> bool:
    if case.network:  # whose rows are collected, but for NUTS
        return how != NUTS
    return not isinstance(how, bm.NUTS | bm.Langevin)


def _streamed(case: Case, kind: str) -> bool:
    """Say whether the rows themselves are read, where they are."""
    return kind in ("Parquet", "Dask") and not case.statistics


def near(case: Case, method: str) -> bool:
    """Say whether a mode at a kink is looked for by slopes, which lead only near to it."""
    how = METHODS[method]
    return case.kinked and isinstance(how, bm.MLE | bm.MAP) and how.optimizer is not None


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


INTRODUCTION = """
# Methods

Every method takes every model that its mathematics allows, from every kind of data, and refuses the
others by name. Each cell below is a fit that the contract tests make, and compare with an answer
computed apart from the package; `python -m tests.contracts.methods_table` writes this page.

An answer is **exact**, **sampled**, an **approximation**, a **mixture** of members, or a **point**
with standard errors; *near* one where slopes lead only near to a mode at a kink, and the fit says
so. A number is a refusal, explained at the end.
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
    answer = "near" if near(case, method) else kind_of(case, method, kind)
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
