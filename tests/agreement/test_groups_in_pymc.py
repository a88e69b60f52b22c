"""The exported model of group effects is the density that the package samples."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from bayesml.inference import PyMC
from bayesml.log_joint.group_joint import group_joint
from bayesml.pymc import from_pymc, to_pymc


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"x": rng.normal(2.0, 1.0, 60), "g": rng.integers(0, 5, 60)})
    frame["h"], frame["n"] = rng.choice(list("abc"), 60), rng.integers(2, 9, 60)
    frame["y"] = rng.binomial(frame.n, 1.0 / (1.0 + np.exp(1.0 - frame.x)))
    return frame


@pytest.mark.parametrize(
    ("formula", "likelihood"),
    [
        ("y ~ x + (x | g) + (1 | h)", bm.Gaussian()),
        ("y | trials(n) ~ x + (1 | g)", bm.Binomial()),
    ],
)
def test_densities_differ_by_a_constant(
    formula: str, likelihood: Any, frame: pd.DataFrame, rng: np.random.Generator
) -> None:
    data = bm.Data.from_formula(formula, frame)
    model = bm.Model(likelihood=likelihood)
    problem = model.resolve(data)
    resolved: Any = problem.model
    joint = group_joint(problem, resolved.predictor, resolved.prior)
    exported = to_pymc(model, data)
    log_density = exported.compile_logp(mode="FAST_COMPILE")
    wanted = exported.replace_rvs_by_values([exported["intercept"], exported["weights"]])
    how = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
    named = exported.compile_fn(wanted, inputs=exported.value_vars, **how)
    part, offsets = resolved.predictor.part, []
    for _ in range(4):
        point = {
            k: rng.normal(scale=0.4, size=np.shape(v)) for k, v in exported.initial_point().items()
        }
        intercept, weights = named(point)
        centred = intercept + weights @ problem.frame.centre[part.where]
        beta = np.concatenate([np.atleast_1d(centred), weights])
        x = [(beta - problem.frame.start[: len(beta)]) / problem.frame.scale[: len(beta)]]
        x += [point[f"units[{block.factor}]"].ravel() for block in resolved.predictor.groups]
        if "sigma_log__" in point:  # ours is counted from where a search starts
            first = np.log(joint.named(np.zeros(joint.size))["sigma"])
            x.append(np.atleast_1d(point["sigma_log__"] - first))
        for scale in joint.scales.parts:
            terms, name = scale.group.terms, scale.group.factor
            logs = [float(point[f"sd[{name}, {term}]_log__"]) for term in terms]
            x.append(np.array(logs) + np.log(scale.sizes))
            partial = point.get(f"partial[{name}, {terms[0]}]_logodds__", np.empty(0))
            x.append(0.5 * np.asarray(partial))
        ours, _ = joint.log_density_and_gradient(np.concatenate(x))
        offsets.append(float(log_density(point)) - ours)
    np.testing.assert_allclose(offsets, offsets[0], atol=1e-6)


def test_pymc_samples_and_its_draws_come_back(frame: pd.DataFrame) -> None:
    data = bm.Data.from_formula("y ~ x + (1 | g)", frame)
    how = bm.NUTS(draws=15, tune=15, chains=2, engine=PyMC(), progress=False)
    with pytest.warns(bm.ConvergenceWarning):
        fit = bm.fit(bm.Model(), data, how, rng=1)
    assert fit.draws()["effects[g]"].shape == (2, 15, 5, 1)
    assert {"sd[g, intercept]", "sigma"} <= set(fit.summary().index)
    with pytest.warns(bm.ConvergenceWarning):
        again = from_pymc(bm.Model(), data, fit.idata)
    assert again.summary().equals(fit.summary())


def test_curves_are_no_expression_of_pymc(frame: pd.DataFrame) -> None:
    data = bm.Data.from_formula("y ~ s(x)", frame)
    with pytest.raises(bm.IncompatibleModelError, match=r"s\(x\) is no PyMC expression"):
        to_pymc(bm.Model(), data)
