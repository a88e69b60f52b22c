"""Sufficient statistics: a monoid, invariances to nine digits, and rows taken out again."""

from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest

import bayesml as bm
from bayesml.data import Block
from bayesml.data.statistics import SufficientStatistics as Statistics

Array = np.ndarray[Any, Any]


def rows(m: int = 200, n: int = 4, seed: int = 1, shift: float = 0.0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, n)) @ (np.eye(n) + 0.4) + shift
    return X, X @ np.arange(1.0, n + 1) + rng.standard_normal(m)


def moments(statistics: Statistics) -> Array:
    return statistics.R.T @ statistics.R


def chunked(X: Array, y: Array, size: int, w: Array | None = None) -> Statistics:
    blocks = (
        Block(X[i : i + size], y[i : i + size], None if w is None else w[i : i + size])
        for i in range(0, len(y), size)
    )
    return reduce(add, map(Statistics.of, blocks))


@pytest.mark.parametrize("shift", [0.0, 30.0, 1e4, 1e8])
@pytest.mark.parametrize("m", [3, 40, 2000])
def test_moments_are_the_definition(m: int, shift: float) -> None:
    """In 50 digits, through each of the paths: raw products, centred products, Householder."""
    mpmath = pytest.importorskip("mpmath")
    X, y = rows(m=m, n=2, shift=shift)
    found = Statistics.of(Block(X, y, None))
    with mpmath.workdps(50):
        Z = mpmath.matrix(np.column_stack([X, y]).tolist())
        means = [sum(Z[:, j]) / m for j in range(3)]
        exact = np.array(
            [
                [
                    float(sum((Z[i, j] - means[j]) * (Z[i, k] - means[k]) for i in range(m)))
                    for k in range(3)
                ]
                for j in range(3)
            ]
        )
    scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    np.testing.assert_allclose(moments(found) / scale, exact / scale, atol=1e-11)


@pytest.mark.parametrize("size", [1, 7, 64, 199])
@pytest.mark.parametrize("weighted", [False, True])
def test_however_the_rows_are_divided(size: int, weighted: bool) -> None:
    X, y = rows()
    w = np.linspace(0, 2, len(y)) if weighted else None
    whole, parts = chunked(X, y, 1000, w), chunked(X, y, size, w)
    assert (parts.rows, parts.weight) == (whole.rows, pytest.approx(whole.weight))
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(moments(parts), moments(whole), rtol=1e-11, atol=1e-9)


def test_addition_is_associative_and_has_a_neutral_element() -> None:
    X, y = rows()
    a, b, c = (Statistics.of(Block(X[i], y[i], None)) for i in np.split(np.arange(200), [50, 90]))
    np.testing.assert_allclose(moments((a + b) + c), moments(a + (b + c)), rtol=1e-12, atol=1e-10)
    assert (a + Statistics.empty(4)).R is a.R


@pytest.mark.parametrize("size", [1, 7])
def test_the_rounding_of_means_is_kept(size: int) -> None:
    """Means and what is left of their rounding are the mean in rational numbers."""
    X, y = rows(shift=1e8)
    found = chunked(X, y, size)
    for j, column in enumerate(np.column_stack([X, y]).T):
        exact = sum(map(Fraction, column)) / len(column)
        away = Fraction(found.mean[j]) + Fraction(found.mean_error[j]) - exact
        assert abs(away) < 1e-4 * np.spacing(found.mean[j])


def answers(X: Array, y: Array, **options: Any) -> tuple[Array, Array, float]:
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.Exponential(1.0)), bm.Flat())
    fit = bm.fit(model, bm.Data(X, y, **options))
    p = fit.predict(X[:5])
    return fit.summary().to_numpy()[1:, :2], np.column_stack([p.mean, p.sd, p.epistemic_sd]), 0.0


@pytest.mark.parametrize("shift", [1e3, 1e6, 1e8])
def test_shifting_changes_nothing(shift: float) -> None:
    """X is rounded to multiples of 2⁻²⁰, so that the shifted numbers are the same numbers."""
    X, y = rows()
    X = np.round(X * 2**20) / 2**20
    one, other = answers(X, y), answers(X + shift, y)
    np.testing.assert_allclose(other[0], one[0], rtol=1e-9)
    np.testing.assert_allclose(other[1], one[1], rtol=1e-9)


def test_scaling_changes_units_only() -> None:
    X, y = rows()
    units = np.array([1e12, 1e-12, 1.0, 1e6])
    one, other = answers(X, y), answers(X * units, y)
    np.testing.assert_allclose(other[0][:4] * units[:, None], one[0][:4], rtol=1e-9)
    np.testing.assert_allclose(other[1], one[1], rtol=1e-9)


def test_order_does_not_matter() -> None:
    X, y = rows()
    order, columns = np.random.default_rng(0).permutation(200), [2, 0, 3, 1]
    one = answers(X, y)
    shuffled = answers(X[order], y[order])
    np.testing.assert_allclose(shuffled[0], one[0], rtol=1e-9)
    turned = answers(X[:, columns], y)
    np.testing.assert_allclose(turned[0][:4], one[0][columns], rtol=1e-9)


@pytest.mark.parametrize("kind", ["float32", "fortran", "strided", "reversed"])
def test_memory_layouts_give_the_same(kind: str) -> None:
    X, y = rows()
    X = X.astype(np.float32).astype(np.float64)
    layouts = {
        "float32": X.astype(np.float32),
        "fortran": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "reversed": X[::-1][::-1],
    }
    np.testing.assert_allclose(answers(layouts[kind], y)[0], answers(X, y)[0], rtol=1e-10)


def test_rows_can_be_taken_out_again() -> None:
    X, y = rows()
    whole, part = chunked(X, y, 1000), chunked(X[:60], y[:60], 1000)
    rest = whole - part
    np.testing.assert_allclose(moments(rest), moments(chunked(X[60:], y[60:], 1000)), rtol=1e-9)
    assert rest.rows == 140


def test_taking_out_is_refused_where_nothing_would_be_left() -> None:
    X, y = rows(m=30)
    X[:, 0] = 0.0
    X[3, 0] = 1.0  # row 3 holds all that is known of the first column
    whole = chunked(X, y, 1000)
    with pytest.raises(bm.DataError, match="nearly all that is known"):
        _ = whole - chunked(X[3:4], y[3:4], 1000)
    with pytest.raises(bm.DataError, match="nothing would be left"):
        _ = whole - whole


def test_updating_is_learning_all_rows_together() -> None:
    X, y = rows()
    prior = bm.Independent(bm.Normal(0, 2), bm.Normal(1, 9), "original")
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.HalfCauchy(1.0)), prior)
    together = bm.fit(model, bm.Data(X, y))
    yesterday = bm.fit(model, bm.Data(X[:80], y[:80]), rng=0)
    today = yesterday.update(bm.Data(X[80:], y[80:]))
    np.testing.assert_allclose(today.summary(), together.summary(), rtol=1e-9)
    total = yesterday.log_evidence + today.log_evidence
    assert total == pytest.approx(together.log_evidence, abs=1e-8)
    in_three = yesterday.update(bm.Data(X[80:120], y[80:120])).update(bm.Data(X[120:], y[120:]))
    np.testing.assert_allclose(in_three.summary(), together.summary(), rtol=1e-9)


def test_a_loaded_fit_goes_on_learning(tmp_path: Any) -> None:
    X, y = rows()
    fit = bm.fit(bm.Model(), bm.Data(X[:80], y[:80]), rng=0)
    fit.save(tmp_path / "fit.nc")
    more = bm.Data(X[80:], y[80:])
    again = bm.load(tmp_path / "fit.nc").update(more)
    np.testing.assert_array_equal(again.summary(), fit.update(more).summary())
    with pytest.raises(bm.DataError, match="has seen 200 rows"):
        again.leave_one_out()


@pytest.mark.filterwarnings("ignore::bayesml.errors.PriorConflictWarning")  # a tight one
def test_statistics_stand_for_the_rows(tmp_path: Any) -> None:
    X, y = rows()
    data = bm.Data(X, y, feature_names=["a", "b", "c", "d"], target_name="z")
    rest = data.summarised()
    other = bm.Model(prior=bm.Independent(bm.Normal(0, 0.3)))
    bm.fit(bm.Model(), rest, rng=1).save(tmp_path / "fit.nc")
    loaded = bm.load(tmp_path / "fit.nc").data
    assert (
        repr(loaded) == "Data(200 rows as sufficient statistics, 4 features: a, b, c, d; target z)"
    )
    for method in (bm.MLE(), bm.MAP(), bm.Exact()):
        expected = bm.fit(other, data, method, rng=1).summary()
        for one in (rest, loaded):
            found = bm.fit(other, one, method, rng=1).summary()
            np.testing.assert_allclose(found, expected, rtol=1e-9)
    short = bm.NUTS(draws=50, tune=100, chains=1, progress=False)
    with pytest.warns(bm.ConvergenceWarning):
        draws = [bm.fit(other, d, short, rng=1).draws()["weights"] for d in (data, loaded)]
    np.testing.assert_array_equal(*draws)


def test_what_needs_rows_says_that_there_are_none() -> None:
    X, y = rows()
    rest = bm.Data.from_statistics(bm.Data(X, y).statistics)
    with pytest.raises(bm.DataError, match="sufficient statistics"):
        bm.fit(bm.Model(likelihood=bm.StudentT()), rest, bm.MAP())
    with pytest.raises(bm.DataError, match="which are not here"):
        bm.fit(bm.Model(), rest).leave_one_out()
    with pytest.raises(bm.DataError, match="3 feature_names"):
        bm.Data.from_statistics(rest.statistics, feature_names=["a", "b", "c"])


def test_rows_centred_elsewhere_are_refused() -> None:
    rng = np.random.default_rng(8)
    frame = {"x": rng.normal(size=60), "g": np.array(["a", "b", "c"] * 20)}
    frame["y"] = frame["x"] + rng.normal(size=60)
    first, second = ({k: v[rows] for k, v in frame.items()} for rows in (slice(40), slice(40, 60)))
    for formula, why in (("y ~ center(x) + g", "learned other centres"), ("y ~ C(g)", "levels")):
        fit = bm.fit(bm.Model(), bm.Data.from_formula(formula, first))
        g = second["g"] if "center" in formula else np.where(second["g"] == "a", "A", second["g"])
        other = second | {"g": g}
        with pytest.raises(bm.DataError, match=why):
            fit.update(bm.Data.from_formula(formula, other))
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x * g", first), rng=1)
    together = bm.fit(fit.resolved, bm.Data.from_formula("y ~ x * g", frame), rng=1)
    updated = fit.update(fit.data.like(second))
    np.testing.assert_allclose(updated.summary(), together.summary(), rtol=1e-9)
    with pytest.raises(bm.DataError, match="no target 'y'"):
        fit.data.like({"x": [1.0], "g": ["a"]})


def test_squares_beyond_float64_are_refused() -> None:
    X, y = rows()
    for data in (bm.Data(X * 1e160, y), bm.Data(X, y * 1e300), bm.Data(X[:5] * 1e200, y[:5])):
        with pytest.raises(bm.DataError, match="larger units"):
            bm.fit(bm.Model(), data, bm.MLE())


def test_other_columns_are_refused() -> None:
    X, y = rows()
    fit = bm.fit(bm.Model(), bm.Data(X, y))
    with pytest.raises(bm.DataError, match="same features"):
        fit.update(bm.Data(X, y, feature_names=["a", "b", "c", "d"]))
    with pytest.raises(bm.DataError, match="cannot be merged"):
        _ = fit.statistics + Statistics.empty(2)
    with pytest.raises(bm.IncompatibleModelError, match="noise is part of it"):
        bm.Model(bm.Linear(), bm.Gaussian(2.0), fit.as_prior())
