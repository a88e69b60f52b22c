"""Offsets and trials beside a network: against the linear model, and as a rate's and a share's."""

import warnings
from typing import Any

import numpy as np
import pytest

import bayesml as bm
from bayesml.predictors import Beside

Columns = np.ndarray[Any, Any]


def counted(rng: np.random.Generator) -> bm.Data:
    """Counts over different times."""
    X, time = rng.normal(size=(80, 2)), rng.uniform(1, 9, 80)
    return bm.Data(X, rng.poisson(time * np.exp(0.3 * np.abs(X[:, 0]))), offset=np.log(time))


def tried(rng: np.random.Generator) -> bm.Data:
    """Successes among different numbers of trials."""
    X, trials = rng.normal(size=(80, 2)), rng.integers(1, 9, 80)
    return bm.Data(X, rng.binomial(trials, 1 / (1 + np.exp(-np.abs(X[:, 1])))), trials=trials)


def both(rng: np.random.Generator) -> bm.Data:
    """An offset and trials together."""
    X, trials, offset = rng.normal(size=(80, 2)), rng.integers(1, 9, 80), rng.normal(size=80)
    y = rng.binomial(trials, 1 / (1 + np.exp(-X[:, 1] - offset)))
    return bm.Data(X, y, trials=trials, offset=offset)


def fitted(data: bm.Data, predictor: Any, likelihood: Any, method: Any) -> bm.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bm.fit(bm.Model(predictor, likelihood), data, method, rng=0)


@pytest.mark.parametrize(
    ("make", "likelihood"),
    [(counted, bm.Poisson()), (tried, bm.Binomial()), (both, bm.Binomial())],
)
def test_without_hidden_layers_it_is_the_linear_model(
    make: Any, likelihood: Any, rng: np.random.Generator
) -> None:
    data = make(rng)
    ours, linear = (fitted(data, h, likelihood, bm.MLE()) for h in (bm.MLP(()), bm.Linear()))
    np.testing.assert_allclose(
        ours.predict(data.X).mean, linear.predict(data.X).mean, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    "method",
    [
        bm.Laplace(),
        bm.Laplace(curvature=bm.KroneckerFactored()),
        bm.Laplace(curvature=bm.LastLayer()),
        bm.Langevin(chains=2, steps=400),
    ],
    ids=repr,
)
def test_twice_the_time_is_twice_the_count_and_trials_count_alike(
    method: Any, rng: np.random.Generator
) -> None:
    for data, likelihood, change in (
        (counted(rng), bm.Poisson(), lambda last: last + np.log(2.0)),
        (tried(rng), bm.Binomial(), lambda last: 2.0 * last),
    ):
        fit = fitted(data, bm.MLP((4,)), likelihood, method)
        X = np.array(data.X)
        X[:, -1] = change(X[:, -1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_allclose(
                fit.predict(X).mean, 2.0 * fit.predict(data.X).mean, rtol=1e-10
            )
            assert np.corrcoef(fit.predict(data.X).mean, data.y)[0, 1] > 0.5


def test_a_formula_states_an_offset_and_weights_are_of_features_alone(
    rng: np.random.Generator,
) -> None:
    import pandas as pd

    frame = pd.DataFrame({"x": rng.normal(size=60), "t": rng.uniform(1, 9, 60)})
    frame["y"] = rng.poisson(frame["t"] * np.exp(np.sin(frame["x"])))
    data = bm.Data.from_formula("y ~ x + offset(log(t))", frame)
    fit = fitted(data, bm.MLP((3,)), bm.Poisson(), bm.MAP())
    assert fit.resolved.predictor.beside == Beside(1, -1, (), 1)
    assert fit.idata["posterior"]["weights_1"].sizes["feature"] == 1
    assert list(fit.idata["posterior"]["feature"].values) == ["x"]
    double = frame.assign(t=2.0 * frame["t"])
    np.testing.assert_allclose(fit.predict(double).mean, 2.0 * fit.predict(frame).mean)


def test_other_predictors_and_groups_are_refused_by_name(rng: np.random.Generator) -> None:
    import pandas as pd

    frame = pd.DataFrame({"x": rng.normal(size=20), "y": rng.normal(size=20), "g": ["a", "b"] * 10})
    for formula, what in (("y ~ x, sigma ~ x", "sigma"), ("y ~ x + (1 | g)", "groups of g")):
        data = bm.Data.from_formula(formula, frame)
        with pytest.raises(bm.IncompatibleModelError, match=what):
            bm.fit(bm.Model(bm.MLP((3,))), data, bm.MAP())
