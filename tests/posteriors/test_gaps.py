"""Rows with missing values are kept in a prediction as NaN, the others as if alone."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import bayesml as bm
from bayesml.errors import DataError


@pytest.mark.filterwarnings("error::bayesml.ModelWarning")  # a gap is no tail without a mean
def test_rows_with_missing_values_stay_where_they_are(rng: np.random.Generator) -> None:
    frame = pd.DataFrame({"x": rng.normal(size=30), "g": list("abc") * 10})
    frame["y"] = frame.x + rng.normal(size=30)
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + g", frame))
    new = pd.DataFrame({"x": [1.0, np.nan, 2.0, 3.0], "g": ["a", "b", None, "c"]})
    right = fit.predict(new.iloc[[0, 3]])
    here = [0, 3]
    for given in (new, pl.from_pandas(new), {n: new[n].tolist() for n in new}):
        kept = fit.predict(given, missing="keep")
        assert len(kept) == 4
        found = (kept.mean, kept.sd, kept.epistemic_sd, kept.interval(0.5).upper, kept.leverage)
        known = (
            right.mean,
            right.sd,
            right.epistemic_sd,
            right.interval(0.5).upper,
            right.leverage,
        )
        for values, expected in zip(found, known, strict=True):
            np.testing.assert_array_equal(values[here], expected)
            assert np.isnan(values[[1, 2]]).all()
        draws = kept.sample(5, rng=1)
        np.testing.assert_array_equal(draws[:, here], right.sample(5, rng=1))
        assert np.isnan(draws[:, [1, 2]]).all()
        np.testing.assert_array_equal(kept.log_prob(np.ones(4))[here], right.log_prob(np.ones(2)))
    with pytest.raises(DataError, match="missing values in row 1, row 2"):
        fit.predict(new)
    with pytest.raises(DataError, match="it is 'raise' or 'keep'"):
        fit.predict(new, missing="drop")  # type: ignore[arg-type]


def test_arrays_and_classes_too() -> None:
    data = bm.Data([[0.0], [1.0], [2.0], [3.0]], ["no", "yes", "no", "yes"])
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MAP())
    kept = fit.predict([[np.nan], [1.5]], missing="keep").probabilities
    assert np.isnan(kept[0]).all()
    np.testing.assert_array_equal(kept[1:], fit.predict([[1.5]]).probabilities)
