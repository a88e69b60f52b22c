"""What a target or the rows beside it can have wrong: named with its rows, or handled and right."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm

M = 20
RNG = np.random.default_rng(0)
X = RNG.normal(size=(M, 2))
COUNTS = RNG.poisson(2, M).astype(float)
SHARES = RNG.uniform(0.1, 0.9, M)
FRAME = pd.DataFrame(X, columns=["a", "b"]).assign(
    counts=COUNTS,
    tried=5.0,
    hits=np.minimum(COUNTS, 5.0),
    years=np.exp(X[:, 0]),
    kind=np.array(list("xyz"))[np.arange(M) % 3],
)


def with_row(values: Any, row: int, value: Any) -> Any:
    out = np.array(values)
    out[row] = value
    return out


OUTSIDE = {
    "a negative count": (bm.Poisson(), with_row(COUNTS, 7, -1.0), "row 7 is -1; .* a count"),
    "of clusters": (bm.NegativeBinomial(), with_row(COUNTS, 7, -1.0), "row 7 is -1; .* a count"),
    "no whole count": (bm.Poisson(), with_row(COUNTS, 3, 1.5), r"row 3 is 1\.5; .* a count"),
    "a truncated zero": (
        bm.Truncated(bm.Poisson(), lower=1),
        with_row(COUNTS + 1.0, 3, 0.0),
        "row 3 is 0; .* at least 1",
    ),
    "a probability": (
        bm.Bernoulli(),
        with_row(COUNTS > 1, 4, 0) * 1.0 + 1.2 * (np.arange(M) == 4),
        r"row 4 is 1\.2; .* 0 or 1",
    ),
    "a share of 1.2": (bm.BetaResponse(), with_row(SHARES, 4, 1.2), r"row 4 is 1\.2; .* 0 and 1"),
    "a share of 0": (bm.BetaResponse(), with_row(SHARES, 4, 0.0), "row 4 is 0; .* 0 and 1"),
    "no duration": (bm.GammaResponse(), with_row(SHARES, 4, 0.0), "row 4 is 0; .* positive"),
    "no number": (bm.Poisson(), with_row(COUNTS, 7, np.nan), "not finite: nan in row 7"),
}


@pytest.mark.parametrize(("likelihood", "y", "message"), OUTSIDE.values(), ids=OUTSIDE.keys())
def test_values_outside_the_support_are_named(likelihood: Any, y: Any, message: str) -> None:
    with pytest.raises(bm.DataError, match=message):
        bm.fit(bm.Model(likelihood=likelihood), bm.Data(X, y))


ODDS = bm.Model(likelihood=bm.Binomial())
KINDS = bm.Model(likelihood=bm.Categorical())
RATES = bm.Model(likelihood=bm.Poisson())


@pytest.mark.parametrize(
    ("model", "formula", "change", "message"),
    [
        (ODDS, "hits | trials(tried) ~ a", {"hits": with_row(COUNTS, 5, 9.0)}, "row 5.* is 9.* at"),
        (ODDS, "hits | trials(tried) ~ a", {"tried": with_row([5.0] * M, 5, 5.5)}, "row 5"),
        (ODDS, "hits ~ a", {}, r"has to know 'trials'.*'y \| trials\(trials\) ~ x'"),
        (KINDS, "kind ~ a", {"kind": "x"}, r"two or more different names, got \('x',\)"),
        (RATES, "kind ~ a", {}, r"holds the classes 'x', 'y', 'z'.* Use Categorical\(\)"),
        (RATES, "counts ~ a + offset(log(years))", {"years": 0.0}, "offset|log"),
    ],
)
def test_what_is_known_of_rows_has_to_be_possible(
    model: bm.Model, formula: str, change: dict[str, Any], message: str
) -> None:
    with pytest.raises((bm.DataError, bm.IncompatibleModelError), match=message):
        bm.fit(model, bm.Data.from_formula(formula, FRAME.assign(**change)), bm.MLE())


@pytest.mark.parametrize(
    ("model", "formula", "change", "message"),
    [
        (bm.Model(likelihood=bm.Bernoulli()), "hits ~ a", {"hits": 1.0}, "hits is 1 in every row"),
        (RATES, "counts ~ a", {"counts": 0.0}, "counts is 0 in every row"),
        (
            bm.Model(likelihood=bm.Bernoulli()),
            "hits ~ a + b",
            {"hits": (X[:, 0] > 0).astype(float)},
            "'a' tells .* rows apart",
        ),
        (
            RATES,
            "counts ~ z + a",
            {"z": 1.0 * (np.arange(M) < 5), "counts": np.where(np.arange(M) < 5, 0, COUNTS + 1)},
            "'z' tells 5 rows apart",
        ),
        (KINDS, "kind ~ a", {"kind": np.where(X[:, 0] > 0.3, "x", "y")}, "'a' tells .* apart"),
    ],
)
def test_separation_names_its_column(
    model: bm.Model, formula: str, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(bm.SeparationError, match=message):
        bm.fit(model, bm.Data.from_formula(formula, FRAME.assign(**change)), bm.MLE())


def test_one_class_alone_is_said_where_the_prior_answers() -> None:
    with pytest.warns(bm.BayesmlWarning, match="needs 2, zeros and ones"):
        bm.fit(bm.Model(likelihood=bm.Bernoulli()), bm.Data(X, np.ones(M)), bm.Laplace(), rng=1)


def test_a_perfect_prediction_is_said() -> None:
    data = bm.Data(X, X @ [1.0, 2.0])
    with pytest.warns(bm.ConvergenceWarning, match="fits every row exactly"):
        bm.fit(bm.Model(), data, bm.MLE())
    with pytest.raises(bm.ImproperPosteriorError, match="The posterior of σ is improper"):
        bm.fit(bm.Model(), data)


def test_an_exponential_that_overflows_is_finite() -> None:
    fit = bm.fit(RATES, bm.Data(X, COUNTS), bm.MLE())
    p = fit.predict([[1e5, 0.0], [-1e6, 0.0], [1e150, 1e150], [-1e150, -1e150]])
    assert np.all(np.isfinite(p.mean))
    assert np.all(np.isfinite(p.sd))
    with pytest.raises(bm.DataError, match="beyond float64"):
        bm.fit(RATES, bm.Data(X * 1e300, COUNTS), bm.MLE())


def test_what_a_row_needs_is_missed_at_predict() -> None:
    rates = bm.Data.from_formula("counts ~ a + offset(log(years))", FRAME)
    odds = bm.Data.from_formula("hits | trials(tried) ~ a", FRAME)
    for model, data, column in ((RATES, rates, "years"), (ODDS, odds, "tried")):
        fit = bm.fit(model, data, bm.MLE())
        with pytest.raises(bm.DataError, match=f"needs the column '{column}'"):
            fit.predict(FRAME[["a"]])
    known = bm.fit(RATES, bm.Data(X, COUNTS, offset=np.ones(M)), bm.MLE())
    with pytest.raises(bm.DataError, match="'offset'"):
        known.predict(X)


@pytest.mark.parametrize("kinds", ["q", np.array(list("xz"))[np.arange(M) % 2]], ids=repr)
def test_classes_that_the_fit_never_saw_are_named(kinds: Any) -> None:
    """Their numbers are those of others: rows are refused, and a frame is read by its names."""
    fit = bm.fit(KINDS, bm.Data.from_formula("kind ~ a", FRAME), bm.MLE())
    new = FRAME.assign(kind=kinds)
    for judge in (bm.calibration, bm.risk):
        with pytest.raises(bm.DataError, match=r"has the classes .* the fit has 'x', 'y', 'z'"):
            judge(fit, bm.Data.from_formula("kind ~ a", new))
    if isinstance(kinds, str):
        with pytest.raises(bm.DataError, match=r"kind is 'q' in row 0.* training rows never had"):
            bm.calibration(fit, new)
    else:
        codes = bm.calibration(fit, new).y
        np.testing.assert_array_equal(codes, 2.0 * (np.arange(M) % 2))
