"""What a refusal says to use instead takes the model that was refused."""

import re
from functools import cache
from pathlib import Path
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

ELSEWHERE = [
    (name, method, kind)
    for name, case in CASES.items()
    for method in METHODS
    for kind in ("summarised", "Parquet")
    if refusal(case, method, kind) is not None
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


@pytest.mark.parametrize(("name", "method", "kind"), ELSEWHERE)
def test_nor_where_the_rows_are_elsewhere(name: str, method: str, kind: str, rows: Path) -> None:
    """What is named takes these rows as they are, or the rows are asked for."""
    case, data = CASES[name], elsewhere(CASES[name].formula, kind, rows)
    with pytest.raises(bm.BayesmlError) as caught:
        bm.fit(case.model, data, METHODS[method], rng=1)
    text = str(caught.value)
    known = {m.strip("`").partition("(")[0] for m in METHODS}
    taken = {m.strip("`").partition("(")[0] for m in METHODS if refusal(case, m, kind) is None}
    advice = re.split(r"\b[Uu]se ", text, maxsplit=1)
    named = set(NAMED.findall(advice[-1])) & known if len(advice) == 2 else set()
    assert named <= taken, text
    assert named or re.search(r"data\.collect\(\)|[Gg]ive the rows|from the rows", text), text


@cache
def elsewhere(formula: str, kind: str, rows: Path) -> bm.Data:
    if kind == "summarised":
        return data_of(formula).summarised()
    return bm.Data.from_parquet(rows, formula)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("advice") / "rows.parquet"
    pd.DataFrame(columns()).to_parquet(path)
    return path


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
