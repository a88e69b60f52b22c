"""What a refusal says to use instead takes the model that was refused."""

import re
from functools import cache
from typing import Any

import pandas as pd
import pytest

import bayesml as bm
from tests.contracts.cases import CASES
from tests.contracts.methods_table import METHODS, NUTS, refusal
from tests.contracts.table import columns

NAMED = re.compile(r"\b([A-Z]\w+)\(")
REFUSED = [
    (name, method)
    for name, case in CASES.items()
    for method in METHODS
    if refusal(case, method, "memory") is not None
]

OTHERS: dict[str, Any] = {
    **METHODS,
    "`Gibbs()`": bm.Gibbs(draws=20, tune=20, chains=1),
    "`EmpiricalBayes()`": bm.EmpiricalBayes(),
}
GROUPS = {
    "Gaussian": (bm.Model(), "y ~ a + (1 | g)", {"Exact", "Laplace", "NUTS", "Auto", "MLE", "MAP"}),
    "Poisson": (
        bm.Model(likelihood=bm.Poisson()),
        "counts ~ a + (1 | g)",
        {"Laplace", "NUTS", "Auto", "MLE", "MAP"},
    ),
    "StudentT": (
        bm.Model(likelihood=bm.StudentT(4.0)),
        "heavy ~ a + (1 | g)",
        {"Laplace", "NUTS", "Auto", "MLE", "MAP"},
    ),
}


@cache
def data_of(formula: str) -> bm.Data:
    frame = pd.DataFrame(columns())
    frame["g"] = [f"g{k % 6}" for k in range(len(frame))]
    return bm.Data.from_formula(formula, frame)


def advised(model: bm.Model, formula: str, how: Any) -> set[str]:
    """Return the methods that the refusal names after the first "Use"."""
    with pytest.raises(bm.IncompatibleModelError) as caught:
        bm.fit(model, data_of(formula), how, rng=1)
    advice = re.split(r"\b[Uu]se ", str(caught.value), maxsplit=1)
    assert len(advice) == 2, f"says nothing of what to use: {caught.value}"
    known = {name.strip("`").partition("(")[0] for name in OTHERS}
    return set(NAMED.findall(advice[1])) & known


@pytest.mark.parametrize(("name", "method"), REFUSED)
def test_what_is_advised_is_not_refused(name: str, method: str) -> None:
    case = CASES[name]
    named = advised(case.model, case.formula, METHODS[method])
    assert named
    for other in named:
        taken = [m for m in METHODS if m.startswith(f"`{other}(")]
        assert any(refusal(case, m, "memory") is None for m in taken), other


@pytest.mark.parametrize("method", OTHERS)
@pytest.mark.parametrize("name", GROUPS)
def test_of_groups_too(name: str, method: str) -> None:
    model, formula, taken = GROUPS[name]
    own = method.strip("`").partition("(")[0]
    if own in taken or "MLE" in method or "MAP" in method:
        return
    assert advised(model, formula, OTHERS[method]) <= taken


@pytest.mark.parametrize("name", ["Poisson", "StudentT"])
@pytest.mark.parametrize("how", [bm.MLE(restricted=True), bm.Exact()], ids=["REML", "Exact"])
def test_what_takes_no_such_groups_sends_to_what_does(name: str, how: Any) -> None:
    model, formula, taken = GROUPS[name]
    assert advised(model, formula, how) <= taken


def test_the_words_of_the_table_are_of_methods_that_are_there() -> None:
    """So that a method which is renamed does not drop out of these tests."""
    names = {name.strip("`").partition("(")[0] for name in OTHERS}
    assert names <= set(vars(bm))
    assert METHODS["`NUTS()`"] == NUTS
