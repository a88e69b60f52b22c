"""What was learned as a prior: features are matched by name, and mean the same, or are refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)) * [1.0, 3.0, 0.2] + [0.0, 5.0, -1.0]
Y = 1 + X @ [1.0, -2.0, 3.0] + 0.3 * RNG.normal(size=40)
NAMES = ["a", "b", "c"]
EARLY, LATE = slice(0, 20), slice(20, 40)
PRIORS: dict[str, Any] = {
    "default": bm.WeaklyInformative(),
    "by name": bm.Independent(
        {n: bm.Normal(0, k + 1.0) for k, n in enumerate(NAMES)}, bm.Normal(0, 50)
    ),
    "original": bm.Independent(bm.Normal(0, 5), bm.Normal(0, 5), intercept_origin="original"),
    "conjugate": bm.NormalInverseGamma(mean=(1.0, 0.0, 2.0), scale=(1.0, 2.0, 9.0), shape=2),
}


def data(rows: slice, order: list[int] | None = None, **names: Any) -> bm.Data:
    order = [0, 1, 2] if order is None else order
    names = {"feature_names": [NAMES[k] for k in order]} | names
    return bm.Data(X[rows][:, order], Y[rows], **names)


def learn_on(fit: bm.Fit, later: bm.Data) -> bm.Fit:
    return bm.fit(bm.Model(bm.Linear(), fit.resolved.likelihood, fit.as_prior()), later)


BY_PRIOR_AND_UPDATE = pytest.mark.parametrize(
    "on", [learn_on, bm.Fit.update], ids=["as_prior", "update"]
)


@BY_PRIOR_AND_UPDATE
@pytest.mark.parametrize(
    ("later", "words"),
    [
        (data(LATE, feature_names=["a", "b", "d"]), r"\['a', 'b', 'd'\].*Name them alike"),
        (data(LATE, [0, 1]), r"by \['a', 'b'\]"),
        (data(LATE, [2, 0, 1]), r"in another order, \['c', 'a', 'b'\]"),
        (data(LATE, target_name="z"), r"'z' by \['a', 'b', 'c'\]"),
    ],
)
@pytest.mark.parametrize("name", PRIORS)
def test_other_features_and_targets_are_refused_by_name(
    on: Callable[[bm.Fit, bm.Data], bm.Fit], later: bm.Data, words: str, name: str
) -> None:
    fit = bm.fit(bm.Model(prior=PRIORS[name]), data(EARLY))
    with pytest.raises(bm.DataError, match=words):
        on(fit, later)


@BY_PRIOR_AND_UPDATE
def test_a_formula_that_learned_elsewhere_is_refused(
    on: Callable[[bm.Fit, bm.Data], bm.Fit], tmp_path: Any
) -> None:
    frame = pd.DataFrame(X, columns=NAMES).assign(y=Y)
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ center(b)", frame[:20]))
    with pytest.raises(bm.DataError, match=r"learned other centres.*fit.data.like\(frame\)"):
        on(fit, bm.Data.from_formula("y ~ center(b)", frame[20:]))
    later = on(fit, fit.data.like(frame[20:]))
    assert later.statistics.rows == 40
    later.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc")
    with pytest.raises(bm.DataError, match="learned other centres"):
        on(again, bm.Data.from_formula("y ~ center(b)", frame[20:]))


def test_another_intercept_is_refused() -> None:
    fit = bm.fit(bm.Model(), data(EARLY))
    model = bm.Model(bm.Linear(intercept=False), fit.resolved.likelihood, fit.as_prior())
    with pytest.raises(bm.IncompatibleModelError, match=r"an intercept.*Linear\(intercept=True\)"):
        bm.fit(model, data(LATE))
    fit = bm.fit(bm.Model(bm.Linear(intercept=False)), data(EARLY))
    with pytest.raises(bm.IncompatibleModelError, match=r"no intercept.*intercept=False"):
        learn_on(fit, data(LATE))


def test_statistics_with_names_merge_by_name() -> None:
    together, early = data(slice(None)).statistics, data(EARLY).statistics
    other = data(LATE, [1, 2, 0]).statistics
    for found in (early + other, early + data(LATE).statistics):
        assert found.names == ("a", "b", "c", "y")
        np.testing.assert_allclose(found.mean, together.mean, rtol=1e-12)
        np.testing.assert_allclose(found.R.T @ found.R, together.R.T @ together.R, rtol=1e-10)
    rest = together - other
    np.testing.assert_allclose(rest.R.T @ rest.R, early.R.T @ early.R, rtol=1e-9)
    with pytest.raises(bm.DataError, match="not of the same columns"):
        early + data(LATE, feature_names=["a", "b", "d"]).statistics
    with pytest.raises(bm.DataError, match="not of the same columns"):
        early + data(LATE, target_name="z").statistics
    again = bm.Data.from_statistics(early + other)
    assert (again.feature_names, again.target_name) == (("a", "b", "c"), "y")
    renamed = bm.Data.from_statistics(early, feature_names=["p", "q", "r"])
    assert renamed.statistics.names == ("p", "q", "r", "y")
