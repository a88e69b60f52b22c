"""Folds: whole groups, equal shares of strata, one prior for all, constant columns and all."""

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from bayesml.errors import DataError
from bayesml.results.folds import divided


def test_groups_stay_together_and_strata_are_shared(rng: np.random.Generator) -> None:
    groups = np.repeat(np.arange(12), rng.integers(2, 9, 12))
    parts = divided(len(groups), 4, groups.astype(str), None, rng)
    assert sorted(np.concatenate(parts)) == list(range(len(groups)))
    folds_of = [{k for k, rows in enumerate(parts) if g in groups[rows]} for g in range(12)]
    assert all(len(folds) == 1 for folds in folds_of)
    assert max(map(len, parts)) - min(map(len, parts)) <= 8
    strata = np.array(["rare"] * 10 + ["common"] * 93)
    shares = [np.sum(strata[rows] == "rare") for rows in divided(103, 5, None, strata, rng)]
    assert shares == [2] * 5
    sizes = sorted(map(len, divided(103, 5, None, strata, rng)))
    assert sizes[-1] - sizes[0] <= 1


def test_what_cannot_be_divided_is_refused(rng: np.random.Generator) -> None:
    for m, folds, groups, strata, complaint in (
        (5, 6, None, None, "between 2 and 5 rows, got 6"),
        (6, 4, [1, 1, 2, 2, 3, 3], None, "between 2 and 3 groups, got 4"),
        (6, 2, [1, 2], None, r"groups has shape \(2,\); one label for each of 6 rows"),
        (4, 2, [1, 1, 2, 2], list("abaa"), "group of row 0 has several strata|row 1 has several"),
    ):
        with pytest.raises(DataError, match=complaint):
            divided(m, folds, groups, strata, rng)


def test_priors_are_those_of_all_rows_and_a_level_may_be_absent(rng: np.random.Generator) -> None:
    frame = pd.DataFrame({"x": rng.normal(size=40), "g": ["rare", *rng.choice(list("ab"), 39)]})
    data = bm.Data.from_formula("y ~ x + g", frame.assign(y=frame.x + rng.normal(size=40)))
    found = bm.cross_validate(bm.Model(), data, bm.Exact(), folds=5, rng=1)
    right = bm.fit(bm.Model(), data, bm.Exact()).resolved
    assert {repr(fold.fit.resolved) for fold in found.folds} == {repr(right)}
    assert len(found.calibration) == 40


def with_a_rare_level(rng: np.random.Generator) -> bm.Data:
    """One row of a level of g and one of the first level of h: without it the others add up."""
    h = ["a", *rng.choice(list("bc"), 39)]
    frame = pd.DataFrame({"x": rng.normal(size=40), "g": [*rng.choice(list("ab"), 39), "rare"]})
    frame = frame.assign(h=h, y=frame.x + rng.normal(size=40))
    return bm.Data.from_formula("y ~ x + g + h", frame)


def test_least_squares_leaves_out_what_a_fold_does_not_determine(
    rng: np.random.Generator,
) -> None:
    """As R's lm: a coefficient that is not determined is none, and is said, once."""
    data = with_a_rare_level(rng)
    with pytest.warns(bm.DataWarning, match="columns? ") as said:
        found = bm.cross_validate(bm.Model(), data, bm.MLE(), folds=8, rng=1)
    (text,) = [str(warning.message) for warning in said]
    assert "'g[T.rare]'" in text
    assert "'h[T.c]'" in text
    assert "strata=" in text
    for fold in found.folds:
        kept = np.setdiff1d(np.arange(40), fold.rows)
        A = np.column_stack([np.ones(40), data.X])
        if np.linalg.matrix_rank(A[kept]) == A.shape[1]:
            beta = np.linalg.lstsq(A[kept], data.y[kept])[0]
            np.testing.assert_allclose(fold.prediction.mean, A[fold.rows] @ beta, atol=1e-9)
    (rare,) = [fold for fold in found.folds if 39 in fold.rows]
    kept = np.setdiff1d(np.arange(40), rare.rows)
    columns = [j for j, name in enumerate(data.feature_names) if name != "g[T.rare]"]
    A = np.column_stack([np.ones(40), np.asarray(data.X)[:, columns]])
    if np.linalg.matrix_rank(A[kept]) < A.shape[1]:  # both rare rows in one fold
        A = A[:, :-1]
    beta = np.linalg.lstsq(A[kept], data.y[kept])[0]
    np.testing.assert_allclose(rare.prediction.mean, A[rare.rows] @ beta, atol=1e-9)


def test_columns_that_all_rows_leave_undetermined_are_refused(rng: np.random.Generator) -> None:
    x = rng.normal(size=(20, 1))
    data = bm.Data(np.hstack([x, 2 * x]), x[:, 0] + rng.normal(size=20))
    with pytest.raises(bm.RankDeficientError, match="linearly dependent"):
        bm.cross_validate(bm.Model(), data, bm.MLE(), folds=4, rng=1)
