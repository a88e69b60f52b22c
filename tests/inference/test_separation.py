"""Likelihoods without a maximum are named before their estimates are believed."""

import numpy as np
import pandas as pd
import pytest

import bayesml as bm


def frame(m: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(size=m), "g": list("abc") * (m // 3)})
    rows["z"] = rng.normal(size=m)
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_complete_separation_names_the_column(seed: int) -> None:
    rows = frame()
    rows["y"] = (rows["x"] > np.quantile(rows["x"], 0.3 + 0.1 * seed)).astype(float)
    data = bm.Data.from_formula("y ~ x + z", rows)
    with pytest.raises(bm.SeparationError, match=r"y: 'x' tells 5\d rows apart"):
        bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MLE())
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MAP())
    assert fit.learned.notes == ()


def test_a_level_of_zeros_is_named_alone() -> None:
    rows = frame()
    rng = np.random.default_rng(1)
    rows["y"] = np.where(rows["g"] == "b", 0.0, rng.integers(0, 2, 60))
    data = bm.Data.from_formula("y ~ x + g", rows)
    with pytest.raises(bm.SeparationError, match=r"y: 'g\[T.b\]' tells 20 rows apart"):
        bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MLE())
    rows["counts"] = np.where(rows["g"] == "c", 0.0, rng.poisson(2.0, 60))
    data = bm.Data.from_formula("counts ~ x + g", rows)
    for likelihood in (bm.Poisson(), bm.NegativeBinomial(concentration=2.0)):
        with pytest.raises(bm.SeparationError, match=r"'g\[T.c\]' tells 20 rows apart"):
            bm.fit(bm.Model(likelihood=likelihood), data, bm.MLE())


def test_trials_and_ordered_classes() -> None:
    rows = frame().assign(n=5.0)
    rng = np.random.default_rng(2)
    rows["y"] = np.where(rows["g"] == "b", 5.0, rng.binomial(5, 0.4, 60))
    data = bm.Data.from_formula("y | trials(n) ~ g", rows)
    with pytest.raises(bm.SeparationError, match=r"'g\[T.b\]' tells 20 rows apart"):
        bm.fit(bm.Model(likelihood=bm.Binomial()), data, bm.MLE())
    rows["k"] = np.where(rows["g"] == "b", 2.0, rng.integers(0, 3, 60))
    data = bm.Data.from_formula("C(k) ~ g", rows)
    with pytest.raises(bm.SeparationError, match=r"'g\[T.b\]' tells 20 rows apart"):
        bm.fit(bm.Model(likelihood=bm.Ordinal()), data, bm.MLE())


def test_rows_without_a_trial_say_nothing() -> None:
    rows = pd.DataFrame({"x": [-2.0, -1.0, 1.0, 2.0, 5.0], "y": [0.0, 0.0, 3.0, 3.0, 0.0]})
    rows["n"] = [3.0, 3.0, 3.0, 3.0, 0.0]
    data = bm.Data.from_formula("y | trials(n) ~ x", rows)
    with pytest.raises(bm.SeparationError, match="'x' tells 4 rows apart"):
        bm.fit(bm.Model(likelihood=bm.Binomial()), data, bm.MLE())


def test_nearly_separated_rows_have_an_estimate() -> None:
    x = np.linspace(-3, 3, 41)
    y = (x > 0.1).astype(float)
    y[20] = 1.0
    y[22] = 0.0
    data = bm.Data(x[:, None], y)
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MLE())
    assert fit.learned.notes == ()
    assert np.max(np.abs(fit.draws(1, 1)["weights"])) > 5


@pytest.mark.parametrize("method", [bm.MAP(), bm.Laplace(), bm.NUTS(progress=False)], ids=repr)
def test_a_flat_prior_under_separation_has_no_posterior(method: object) -> None:
    rows = frame()
    rows["y"] = (rows["x"] > 0).astype(float)
    model = bm.Model(likelihood=bm.Bernoulli(), prior=bm.Flat())
    with pytest.raises(bm.SeparationError):
        bm.fit(model, bm.Data.from_formula("y ~ x", rows), method)
