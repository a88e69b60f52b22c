"""Predictions of classes that were learned as labels."""

import numpy as np
import pandas as pd
import pytest

import bayesml as bm


@pytest.fixture(scope="module")
def fits() -> dict[str, bm.Fit]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    two = np.where(x + rng.normal(size=60) > 0, "yes", "no")
    three = np.where(x > 1.0, "high", two)
    frame = pd.DataFrame({"x": x, "two": two, "three": three})
    by_formula = bm.Data.from_formula("three ~ x", frame)
    return {
        "two": bm.fit(bm.Model(likelihood=bm.Bernoulli()), bm.Data(x[:, None], two), bm.MAP()),
        "three": bm.fit(bm.Model(likelihood=bm.Categorical()), by_formula, bm.MAP()),
    }


@pytest.mark.parametrize("name", ["two", "three"])
def test_labels_stand_for_their_numbers(fits: dict[str, bm.Fit], name: str) -> None:
    rows = [[0.0], [1.0], [-2.0]] if name == "two" else {"x": [0.0, 1.0, -2.0]}
    p = fits[name].predict(rows)
    assert p.classes is not None
    labels = ["yes", "no", "no"]
    by_label = np.exp(p.log_prob(labels))
    column = [p.classes.index(label) for label in labels]
    np.testing.assert_allclose(by_label, p.probabilities[np.arange(3), column], rtol=1e-12)
    by_number = p.log_prob(np.array(column, dtype=float))
    np.testing.assert_allclose(by_number, np.log(by_label), rtol=1e-12)
    np.testing.assert_allclose(np.exp(p.log_prob("no")), p.to_frame()["P(no)"], rtol=1e-12)
    assert p.to_frame().filter(like="P(").sum(axis=1).to_numpy() == pytest.approx(np.ones(3))
    with pytest.raises(bm.DataError, match="row 1 is 'maybe', a class that the training rows nev"):
        p.log_prob(["yes", "maybe", "no"])
