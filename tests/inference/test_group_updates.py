"""Mixed models that go on learning: as if all rows had been there, to rounding."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from bayesml.errors import DataError, IncompatibleModelError


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    g, h, x = rng.integers(0, 12, 300), rng.integers(0, 5, 300), rng.normal(3.0, 2.0, 300)
    x[150:] += 100.0  # the later rows lie elsewhere, and so does the mean of all
    effects = rng.normal(size=(12, 2)) * [2.0, 0.5]
    y = 1.0 + x + effects[g, 0] + effects[g, 1] * x + rng.normal(size=5)[h] + rng.normal(size=300)
    return pd.DataFrame({"y": y, "x": x, "g": g, "h": h})


@pytest.mark.parametrize(
    "formula", ["y ~ x + (x | g)", "y ~ x + (1 | g) + (1 | h)", "y ~ 0 + x + (1 | g)"]
)
@pytest.mark.parametrize("method", [bm.Exact(), bm.MLE(), bm.MLE(restricted=True)])
def test_rows_that_come_later_count_alike(formula: str, method: Any, frame: pd.DataFrame) -> None:
    data = bm.Data.from_formula(formula, frame)
    first = bm.fit(bm.Model(), data.like(frame[:150]), method)
    later = first.update(first.data.like(frame[150:]))
    whole = bm.fit(first.resolved, first.data.like(frame), method)
    found, right = later.summary(), whole.summary()
    spread = right["sd"] if "sd" in right else right["mean"].abs()
    away = (found["mean"] - right["mean"]).abs() / spread
    assert later.statistics.rows == 300
    assert away.max() < 1e-5
    if method == bm.Exact():
        total = first.learned.log_evidence + later.learned.log_evidence  # type: ignore[operator]
        assert total == pytest.approx(whole.learned.log_evidence, abs=1e-6)
        rows = frame[:3].assign(x=[1.0, 2.0, 100.0])
        size = 1e-9 * float(frame.y.abs().max())  # the lattices start where rounding lets them
        np.testing.assert_allclose(later.predict(rows).mean, whole.predict(rows).mean, atol=size)


def test_what_was_learned_is_a_prior(frame: pd.DataFrame) -> None:
    first = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + (1 | g)", frame[:150]))
    rows = first.data.like(frame[150:])
    stated = bm.fit(bm.Model(likelihood=first.resolved.likelihood, prior=first.as_prior()), rows)
    updated = first.update(rows)
    assert stated.summary().equals(updated.summary())


def test_a_prior_of_groups_is_for_their_levels(frame: pd.DataFrame) -> None:
    first = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + (1 | g)", frame[:150]))
    with pytest.raises(DataError, match="13"):
        first.data.like(frame[150:].assign(g=13))
    with pytest.raises((DataError, IncompatibleModelError)):
        first.update(bm.Data.from_formula("y ~ x", frame[150:]))
