"""Every method, every model and every kind of data: a right answer, or the documented refusal."""

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from tests.contracts.case import Case
from tests.contracts.cases import CASES
from tests.contracts.methods_table import (
    KINDS,
    METHODS,
    NUTS,
    PAGE,
    SGD,
    kind_of,
    near,
    page,
    refusal,
)
from tests.contracts.oracles import Oracle, oracle
from tests.contracts.table import NOISE, M, columns


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("methods")


@cache
def data_of(formula: str, kind: str, folder: Path) -> bm.Data:
    frame = pd.DataFrame(columns())
    if kind == "Parquet":
        return bm.Data.from_parquet(files(folder), formula)
    if kind == "Dask":
        dask = pytest.importorskip("dask.dataframe")
        return bm.Data.from_formula(formula, dask.from_pandas(frame, npartitions=3))
    data = bm.Data.from_formula(formula, frame)
    return data.summarised() if kind == "summarised" else data


@cache
def files(folder: Path) -> list[Path]:
    """Write the table in three parts of unequal lengths."""
    frame, ends = pd.DataFrame(columns()), [0, 25, 37, M]
    paths = [folder / f"{k}.parquet" for k in range(3)]
    for k, path in enumerate(paths):
        frame[ends[k] : ends[k + 1]].to_parquet(path)
    return paths


@cache
def fitted(name: str, method: str, kind: str, folder: Path) -> bm.Fit:
    """Fit once a module. Short runs and small data may fail their checks, and say so."""
    case = CASES[name]
    how = bm.MLE(bm.LBFGS(max_iterations=60)) if _endless(case, method) else METHODS[method]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        return bm.fit(case.model, data_of(case.formula, kind, folder), how, rng=1)


def _endless(case: Case, method: str) -> bool:
    """Say whether L-BFGS would walk for minutes: a network without a prior may have no optimum."""
    return case.network and METHODS[method] == bm.MLE(bm.LBFGS())


def spread_of(table: pd.DataFrame) -> pd.Series:
    """Return standard deviations, or the standard errors of a point."""
    return table["sd"] if "sd" in table else table["std_error"]


# What is asked of an answer.


def check_point(fit: bm.Fit, method: str, truth: Oracle, near_it: bool) -> None:
    """The mode, to a small part of a standard deviation; by minibatches O17's, root mean square.

    Slopes lead only near to kinks, and the fit has to say so.
    """
    expected = truth.mle if isinstance(METHODS[method], bm.MLE) else truth.mode
    sd = truth.sd[: len(expected)]  # no estimate of whether a feature is in
    error = np.abs(fit.summary()["mean"] - expected) / sd
    if near_it:
        assert not fit.check().computed
    if METHODS[method] == bm.MLE(SGD):
        assert np.sqrt(np.mean(error**2)) < 1.5 / np.sqrt(SGD.epochs)
        return
    np.testing.assert_array_less(error, 0.1 if near_it else 1e-4)


def check_exact(fit: bm.Fit, truth: Oracle) -> None:
    """Five errors of the importance sampling, whose effective draws are thousands."""
    table, within = fit.summary(), tail(truth.ess) + 1e-9
    np.testing.assert_array_less(np.abs(table["mean"] - truth.mean) / truth.sd, within)
    np.testing.assert_array_less(np.abs(spread_of(table) / truth.sd - 1), within)


def tail(*draws: Any) -> Any:
    """Five errors of a mean in sds; those of an sd are smaller by √2, heavy tails apart."""
    return 5.0 * np.sqrt(sum(1.0 / np.asarray(n) for n in draws))


def check_sampled(fit: bm.Fit, truth: Oracle) -> None:
    """Five Monte Carlo errors; Langevin's step size leaves a bias of its own, below a tenth."""
    table = fit.summary()
    bias = 0.1 * isinstance(fit.method, bm.Langevin)
    # chains over models: 2,000 draws, of which some hundreds count
    draws = table.get("ess_bulk", 400.0)
    within = tail(truth.ess, draws) + bias
    np.testing.assert_array_less(np.abs(table["mean"] - truth.mean) / truth.sd, within)
    np.testing.assert_array_less(np.abs(spread_of(table) / truth.sd - 1), within)


def check_approximate(fit: bm.Fit, case: Case, truth: Oracle) -> None:
    """Laplace's error: O(1/√m) of an sd in a mean, O(1/m) in an sd, with a constant of 4 or more.

    It is the number of coordinates: the third derivatives of the log density add up over them.
    The curvature of kinks is that of the few rows nearby: O(m^(-1/4)) of both.
    """
    table, size = fit.summary(), max(4, case.size)
    of_mean, of_sd = size / np.sqrt(M), 2 * size / M + 0.02
    if case.kinked:
        of_mean, of_sd = 3 * M**-0.25, M**-0.25
    error = np.abs(table["mean"] - truth.mean) / truth.sd
    np.testing.assert_array_less(error, of_mean)
    np.testing.assert_array_less(np.abs(spread_of(table) / truth.sd - 1), of_sd)


def check_network(fit: bm.Fit) -> None:
    """The function itself: p parameters cost about σ√(p/m) of it, and we allow for twice that."""
    table = columns()
    with warnings.catch_warnings():  # of short runs, as at the fit
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        eta = fit.predict(pd.DataFrame({name: table[name] for name in ("a", "b")})).mean
    error = np.sqrt(np.mean((eta - table["eta"]) ** 2))
    assert error < 2 * NOISE * np.sqrt(13 / M)


def check(name: str, method: str, kind: str, fit: bm.Fit) -> None:
    case = CASES[name]
    assert fit.kind == kind_of(case, method, kind)
    if case.network:
        check_network(fit)
        return
    truth = oracle(name)
    assert truth.ess > 5000
    match fit.kind:
        case "point" | "ensemble":  # members are learned from one optimum
            check_point(fit, method, truth, near(case, method))
        case "exact":
            check_exact(fit, truth)
        case "sampled":
            check_sampled(fit, truth)
        case "approximate":
            check_approximate(fit, case, truth)


def _slow(name: str, method: str, kind: str) -> bool:
    """Say whether a cell waits: a network by NUTS, and chains once more on statistics of files."""
    case = CASES[name]
    if refusal(case, method, kind) is not None or kind_of(case, method, kind) != "sampled":
        return False
    return kind in ("Parquet", "Dask") or (case.network and METHODS[method] == NUTS)


def kinds_of(name: str, method: str) -> list[str]:
    """Return the kinds of data a method meets a model in: of files and partitions one in turn.

    Both are a `Source` behind one sum over blocks, so that every model and every method meets
    each; where the answer is a refusal, all of them are asked.
    """
    streams = ("Parquet", "Dask")
    left_out = streams[(list(CASES).index(name) + list(METHODS).index(method)) % 2]
    answers = all(refusal(CASES[name], method, kind) is None for kind in streams)
    return [kind for kind in KINDS if not (answers and kind == left_out)]


CELLS = [
    pytest.param(name, method, kind, marks=[pytest.mark.slow] * _slow(name, method, kind))
    for name in CASES
    for method in METHODS
    for kind in kinds_of(name, method)
]


@pytest.mark.parametrize(("name", "method", "kind"), CELLS)
def test_a_method_answers_or_refuses(name: str, method: str, kind: str, folder: Path) -> None:
    refused = refusal(CASES[name], method, kind)
    if refused is None:
        check(name, method, kind, fitted(name, method, kind, folder))
        return
    with pytest.raises(refused.error, match=refused.pattern) as caught:
        fitted(name, method, kind, folder)
    assert type(caught.value) is refused.error


def test_every_model_and_every_method_meets_files_and_partitions() -> None:
    for each in (0, 1):
        met = {(cell.values[each], cell.values[2]) for cell in CELLS}
        assert met == {(name, kind) for name in (CASES, METHODS)[each] for kind in KINDS}


SAME = [
    (name, method)
    for name in CASES
    for method in METHODS
    if METHODS[method] != bm.MLE(SGD)
    and not CASES[name].network
    and not near(CASES[name], method)
    and kind_of(CASES[name], method, "memory") != "sampled"
    and refusal(CASES[name], method, "memory") is None
]


@pytest.mark.parametrize(("name", "method"), SAME)
def test_where_rows_are_does_not_matter(name: str, method: str, folder: Path) -> None:
    """To rounding for what is computed; chains part, and only their laws agree."""
    answers = [
        fitted(name, method, kind, folder).summary()
        for kind in kinds_of(name, method)
        if refusal(CASES[name], method, kind) is None
    ]
    for other in answers[1:]:
        np.testing.assert_allclose(other, answers[0], rtol=CASES[name].digits, atol=1e-9)


OF_EVERY_KIND = [
    (name, method)
    for name in CASES
    for method in METHODS
    if refusal(CASES[name], method, "memory") is None
    and not _slow(name, method, "memory")
    and not (CASES[name].network and kind_of(CASES[name], method, "memory") == "ensemble")
]


@pytest.mark.parametrize(("name", "method"), OF_EVERY_KIND)
def test_the_table_is_of_the_draws(name: str, method: str, folder: Path) -> None:
    """Means and sds of four thousand draws, within five Monte Carlo errors of the table's."""
    fit = fitted(name, method, "memory", folder)
    table, draws = fit.summary(), fit.draws(4, 1000)
    flat = {k: np.asarray(v).reshape(-1, *np.shape(v)[2:]) for k, v in draws.items()}
    joined = np.column_stack([v.reshape(len(v), -1) for v in flat.values()])
    names = [*flat]
    order = [n.partition("[")[0] for n in table.index]
    assert list(dict.fromkeys(order)) == names
    mean, spread = table["mean"].to_numpy(), spread_of(table).to_numpy()
    if fit.kind in ("point", "ensemble"):  # every draw is the estimate: of members, one of theirs
        np.testing.assert_allclose(joined, np.broadcast_to(mean, joined.shape), rtol=1e-9)
        return
    # the table of draws is of these, unless they are of a mixture over models
    size = len(joined) if fit.kind != "sampled" or CASES[name].over_models else np.inf
    within = 5.0 / np.sqrt(size) + 1e-9
    np.testing.assert_array_less(np.abs(joined.mean(axis=0) - mean) / spread, within)
    np.testing.assert_array_less(np.abs(joined.std(axis=0) / spread - 1), within + 1e-6)


def test_the_page_is_what_is_tested() -> None:
    """Written by ``python -m tests.contracts.methods_table``."""
    assert PAGE.read_text(encoding="utf-8") == page()
