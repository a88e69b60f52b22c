"""Networks trained from Parquet by minibatches: as in memory, and never all rows at once."""

import warnings

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from bayesml.inference.networks.mode import joint_objective
from bayesml.inference.networks.starts import setting_of

ADAM = bm.Adam(max_iterations=4, batch_size=128)


@pytest.fixture
def frame(rng):
    frame = pd.DataFrame(rng.normal(size=(20_000, 3)), columns=list("abc"))
    frame["w"] = rng.integers(0, 3, len(frame)).astype(float)
    frame["y"] = np.sin(2 * frame.a) + 0.5 * frame.b + 0.1 * rng.normal(size=len(frame))
    return frame


def both(frame, tmp_path):
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=3_000)
    names = {"target": "y", "features": list("abc"), "observation_weights": "w"}
    streamed = bm.Data.from_parquet(tmp_path / "rows.parquet", progress=False, **names)
    formula = "y ~ a + b + c"
    return streamed, bm.Data.from_formula(formula, frame, observation_weights="w")


def test_the_objective_and_its_minibatches_are_those_of_memory(frame, tmp_path, rng):
    streamed, memory = both(frame, tmp_path)
    model = bm.Model(bm.MLP((4,)), bm.Gaussian(), bm.Layered(sd=1.0))
    problem = model.resolve(streamed)
    setting = setting_of(problem, streamed=True)
    objective = joint_objective(setting, setting.rows)
    whole_setting = setting_of(model.resolve(memory))
    whole = joint_objective(whole_setting, whole_setting.rows)
    x = rng.normal(size=whole.joint.size)
    value, gradient = objective.value_and_gradient(x)
    expected, slope = whole.value_and_gradient(x)
    np.testing.assert_allclose(value, expected, rtol=1e-10)
    np.testing.assert_allclose(gradient, slope, rtol=1e-8, atol=1e-10)
    estimates = np.array([batch(x) for batch in objective.minibatches(1000, rng)])
    error = estimates.std(axis=0) / len(estimates) ** 0.5
    assert np.all(np.abs(estimates.mean(axis=0) - slope) < 4 * error + 1e-6)


@pytest.mark.parametrize(
    "method", [bm.MAP(ADAM), bm.MLE(bm.AdamW(0.01, ADAM)), bm.MAP(bm.SGD(epochs=2, batch_size=64))]
)
def test_it_learns_without_holding_the_rows(method, frame, tmp_path, monkeypatch):
    streamed, _ = both(frame, tmp_path)
    monkeypatch.setattr(
        "bayesml.log_joint.rows.Rows.of",
        lambda problem: pytest.fail("all rows were gathered"),
    )
    model = bm.Model(bm.MLP((8,)), bm.HeteroscedasticGaussian())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        fit = bm.fit(model, streamed, method, rng=0)
        p = fit.predict(frame.head(2000))
    residual = p.mean - frame["y"].head(2000)
    assert np.sqrt(np.mean(residual**2)) < 0.25
    assert fit.loss_curve[-1] < fit.loss_curve[0]


def test_rows_cannot_be_set_aside(frame, tmp_path):
    streamed, _ = both(frame, tmp_path)
    method = bm.MAP(ADAM, bm.inference.Training(held_out=0.1))
    with pytest.raises(bm.IncompatibleModelError, match="held_out=0"):
        bm.fit(bm.Model(bm.MLP((4,))), streamed, method, rng=0)


def test_a_curvature_of_rows_that_are_not_held_is_refused(frame, tmp_path):
    streamed, _ = both(frame, tmp_path)
    with pytest.raises(bm.IncompatibleModelError, match="curvature of all rows"):
        bm.fit(bm.Model(bm.MLP((4,))), streamed, bm.Laplace(ADAM), rng=0)
