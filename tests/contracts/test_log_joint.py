"""The log joint of every problem: its value, gradient, curvature, wherever its rows lie."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from bayesml.distributions import Laplace, StudentT
from bayesml.log_joint import (
    Folded,
    LogJoint,
    NegativeLogJoint,
    Rows,
    Statistics,
    log_joint,
    single_rows,
)
from bayesml.model import Problem
from tests.parts.squares import Squares

Vector = np.ndarray[Any, Any]
M = 24


@cache
def table() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, M)) * [[0.5], [4.0]] + [[2.0], [-7.0]]
    eta = 0.4 * (a - 2.0) + 0.1 * (b + 7.0)
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "real": 3.0 + eta + 0.5 * rng.standard_normal(M),
            "counts": rng.poisson(np.exp(eta)).astype(float),
            "binary": (rng.random(M) < 0.5 + 0.4 * np.tanh(eta)).astype(float),
            "w": rng.uniform(0.5, 2.0, M),
            "positive": rng.gamma(3.0, np.exp(eta) / 3.0),
            "share": rng.beta(4.0, 3.0, M),
            "kind": np.array(["u", "v", "w"])[rng.integers(0, 3, M)],
            "few": rng.integers(0, 4, M).astype(float),
            "tried": rng.integers(4, 9, M).astype(float),
        }
    )


OF_SQUARES = bm.Independent(intercept=bm.Normal(1, 5), others={"theta": bm.Normal(0, 1)})
ROBUST = bm.Independent(StudentT(3, 0, 2), Laplace(3, 2), "original")
AT_ZERO = bm.Independent(bm.Normal(0, 2), bm.Normal(1, 5), "original")
SHRUNK = bm.Independent(bm.Normal(0.3, sd=bm.HalfNormal(2)), bm.Normal(1, 5))
SHRUNK_BY_TERM = bm.ByTerm(
    {"a": StudentT(4, 0.2, bm.HalfNormal(2)), "b": bm.Normal(0, bm.Exponential(1))}
)
BY_PREDICTOR = bm.ByPredictor(SHRUNK, {"sigma": bm.Independent(bm.Normal(0, bm.HalfNormal(1)))})
NO_INTERCEPT, HARD = bm.Linear(intercept=False), bm.Layered(sd=1.0)
MODELS = {
    "Gaussian": (bm.Model(), "real"),
    "Gaussian, σ known": (bm.Model(bm.Linear(), bm.Gaussian(0.6), AT_ZERO), "real"),
    "Gaussian, flat": (bm.Model(bm.Linear(), bm.Gaussian(bm.Flat()), bm.Flat()), "real"),
    "Gaussian, conjugate": (bm.Model(prior=bm.NormalInverseGamma(3.0, 2.0, 2.0)), "real"),
    "Gaussian, robust priors": (bm.Model(prior=ROBUST), "real"),
    "Gaussian, scale inferred": (bm.Model(prior=SHRUNK), "real"),
    "Gaussian, scales inferred": (bm.Model(prior=SHRUNK_BY_TERM), "real"),
    "Bernoulli, scale inferred": (bm.Model(bm.Linear(), bm.Bernoulli(), SHRUNK), "binary"),
    "Gaussian, no intercept": (bm.Model(NO_INTERCEPT), "real"),
    "Gaussian of a stranger": (bm.Model(Squares(), prior=OF_SQUARES), "real"),
    "Gaussian of a network": (bm.Model(bm.MLP((3,)), bm.Gaussian()), "real"),
    "Gaussian of layers": (bm.Model(bm.MLP((3, 2)), bm.Gaussian(0.5), HARD), "real"),
    "StudentT": (bm.Model(bm.Linear(), bm.StudentT()), "real"),
    "StudentT, df known": (bm.Model(bm.Linear(), bm.StudentT(df=4.0), AT_ZERO), "real"),
    "StudentT of a stranger": (bm.Model(Squares(), bm.StudentT(), OF_SQUARES), "real"),
    "StudentT of a network": (bm.Model(bm.MLP((3,)), bm.StudentT()), "real"),
    "Poisson": (bm.Model(bm.Linear(), bm.Poisson()), "counts"),
    "Poisson of a network": (bm.Model(bm.MLP((2,)), bm.Poisson()), "counts"),
    "Bernoulli": (bm.Model(bm.Linear(), bm.Bernoulli(), AT_ZERO), "binary"),
    "Bernoulli of a network": (bm.Model(bm.MLP((2,)), bm.Bernoulli()), "binary"),
    "probit": (bm.Model(bm.Linear(), bm.Bernoulli(bm.Probit()), AT_ZERO), "binary"),
    "cloglog of a network": (bm.Model(bm.MLP((2,)), bm.Bernoulli(bm.CLogLog())), "binary"),
    "negative binomial": (bm.Model(bm.Linear(), bm.NegativeBinomial()), "counts"),
    "gamma": (bm.Model(bm.Linear(), bm.GammaResponse()), "positive"),
    "gamma of a network": (bm.Model(bm.MLP((2,)), bm.GammaResponse()), "positive"),
    "beta": (bm.Model(bm.Linear(), bm.BetaResponse(link=bm.Probit())), "share"),
    "absolute": (bm.Model(bm.Linear(), bm.LaplaceResponse()), "real"),
    "quantile": (bm.Model(bm.Linear(), bm.AsymmetricLaplace(0.8), AT_ZERO), "real"),
    "zero-inflated": (bm.Model(bm.Linear(), bm.ZeroInflated(bm.NegativeBinomial())), "counts"),
    "hurdle of a network": (bm.Model(bm.MLP((2,)), bm.Hurdle(bm.Poisson())), "counts"),
    "predicted scale": (bm.Model(), "real"),
    "predicted scale, scales inferred": (bm.Model(prior=BY_PREDICTOR), "real"),
    "predicted scale of StudentT": (bm.Model(likelihood=bm.StudentT()), "real"),
    "classes": (bm.Model(likelihood=bm.Categorical()), "kind"),
    "classes, scales inferred": (bm.Model(bm.Linear(), bm.Categorical(), SHRUNK), "kind"),
    "ordered classes": (bm.Model(likelihood=bm.Ordinal()), "kind"),
    "trials": (bm.Model(likelihood=bm.Binomial()), "few | trials(tried)"),
    "offset": (bm.Model(likelihood=bm.Poisson()), "counts"),
    "two outputs": (bm.Model(bm.MLP((3,)), bm.HeteroscedasticGaussian()), "real"),
    "two outputs, linear": (bm.Model(bm.MLP(()), bm.HeteroscedasticStudentT()), "real"),
}
MORE = {"predicted scale": ", sigma ~ a", "offset": " + offset(log(tried))"}
"""What stands behind `a + b` in the formulas of models whose names begin so."""
each = pytest.mark.parametrize("name", MODELS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log_joint")


def formula_of(name: str) -> str:
    model, target = MODELS[name]
    more = next((text for start, text in MORE.items() if name.startswith(start)), "")
    return f"{target} ~ {'0 + ' * (model.predictor == NO_INTERCEPT)}a + b{more}"


@cache
def problem_of(name: str, weighted: bool = True) -> Problem:
    model, _ = MODELS[name]
    w = table()["w"].to_numpy() if weighted else None
    data = bm.Data.from_formula(formula_of(name), table(), observation_weights=w)
    return model.resolve(data)


def by_rows(problem: Problem) -> LogJoint:
    return replace(log_joint(problem), rows=Rows.of(problem))


def somewhere(joint: LogJoint, *batch: int, seed: int = 3) -> Vector:
    return 0.4 * np.random.default_rng(seed).standard_normal((*batch, joint.size))


@each
def test_the_value_is_the_sum_of_its_parts(name: str) -> None:
    """Σ wᵢ log p(yᵢ | η(xᵢ), φ) in the user's names, and the log densities of all priors."""
    problem = problem_of(name)
    joint = log_joint(problem)
    at, x = joint.coordinates, somewhere(joint)
    named, values, data = at.named(x), at.values(x), problem.data
    eta = problem.model.predictor.eta(named, np.asarray(data.X))
    likelihood = problem.model.likelihood
    of_rows = likelihood.log_density(np.asarray(data.y), eta, values)
    prior = problem.prior.log_density_and_score(problem, at.beta(x), values).value
    expected = float(of_rows @ data.row_weights + prior)
    supports = {**likelihood.parameter_supports}
    jacobian = 0.0
    for block in at.free:
        v = values[block.name]
        expected += float(np.sum(block.prior.log_density(v)))
        own = supports.get(block.name, block.prior.support)
        support, h = block.prior.support if block.prior.proper else own, 1e-6
        u = support.unconstrain(v)
        slope = (support.constrain(u + h) - support.constrain(u - h)) / (2 * h)
        jacobian += float(np.sum(np.log(np.abs(slope))))
    assert float(joint.log_density(x)) == pytest.approx(expected, rel=1e-9)
    if at.spread is not None:  # coefficients are in units of their scales
        jacobian += float(np.log(at.spread.scale(values)).sum())
    unconstrained = float(joint.unconstrained().log_density(x))
    assert unconstrained == pytest.approx(expected + jacobian, rel=1e-7, abs=1e-7)


@each
@pytest.mark.parametrize("jacobian", [False, True])
def test_the_gradient_is_the_derivative(name: str, jacobian: bool) -> None:
    joint = replace(log_joint(problem_of(name)), jacobian=jacobian)
    x, h = somewhere(joint), 1e-5
    gradient = joint.log_density_and_gradient(x)[1]
    for k, direction in enumerate(np.eye(joint.size)):
        up, down = (float(joint.log_density(x + s * h * direction)) for s in (1, -1))
        expected = (up - down) / (2 * h)
        assert gradient[k] == pytest.approx(expected, rel=1e-6, abs=1e-6 * np.abs(gradient).max())


@each
def test_a_batch_is_its_members(name: str) -> None:
    joint = log_joint(problem_of(name)).unconstrained()
    x = somewhere(joint, 2, 3)
    value, gradient = joint.log_density_and_gradient(x)
    assert np.shape(value) == (2, 3)
    for k in np.ndindex(2, 3):
        alone, slope = joint.log_density_and_gradient(x[k])
        assert value[k] == pytest.approx(float(alone), rel=1e-11)
        np.testing.assert_allclose(gradient[k], slope, rtol=1e-8, atol=1e-9 * np.abs(slope).max())


@each
def test_coordinates_are_a_bijection(name: str) -> None:
    joint = log_joint(problem_of(name))
    at, x = joint.coordinates, somewhere(joint, 4)
    np.testing.assert_allclose(at.x(at.beta(x), at.values(x)), x, atol=1e-9)
    assert set(at.named(x)) == {*problem_of(name).shapes, *(block.name for block in at.free)}


@each
def test_coefficients_are_in_units_of_inferred_scales(name: str) -> None:
    """Of every predictor that has one: doubled, it doubles what is away from their location."""
    at = log_joint(problem_of(name)).coordinates
    assert (at.spread is None) == ("inferred" not in name)
    if at.spread is None:
        return
    x, moved = somewhere(log_joint(problem_of(name))), np.zeros(at.size)
    scales = [where for block, where in at.blocks() if "prior_scale" in block.name]
    moved[scales] = np.log(2.0)
    away = at.spread.location * at.spread.scaled
    before, after = at.beta(x) - away, at.beta(x + moved) - away
    factors = np.where(at.spread.scaled, 2.0, 1.0)
    np.testing.assert_allclose(after, factors * before, rtol=1e-12)


CANONICAL = [  # η linear in θ, and information that y does not enter
    name
    for name, (model, _) in MODELS.items()
    if not isinstance(model.predictor, bm.MLP)
    and isinstance(
        model.likelihood, bm.Gaussian | bm.Poisson | bm.Bernoulli | bm.Binomial | bm.Categorical
    )
    and name != "probit"
    and not name.startswith("predicted scale")
]


@each
def test_the_expected_curvature_is_symmetric(name: str) -> None:
    joint = log_joint(problem_of(name)).unconstrained()
    H = joint.precision(somewhere(joint))
    assert H.shape == (joint.size, joint.size)
    np.testing.assert_allclose(H, H.T, rtol=1e-9, atol=1e-9 * np.abs(H).max())
    if name not in CANONICAL:
        return
    observed = joint.observed(somewhere(joint))
    np.testing.assert_allclose(H, observed, rtol=1e-6, atol=1e-7 * np.abs(H).max())


@each
def test_the_data_part_of_the_curvature_is_positive(name: str) -> None:
    joint = log_joint(problem_of(name))
    x = somewhere(joint)
    information = joint.rows.information(joint.coordinates.beta(x), joint.coordinates.values(x))
    eigenvalues = np.linalg.eigvalsh(information)
    assert eigenvalues[0] > -1e-10 * eigenvalues[-1]


BY_STATISTICS = [n for n in MODELS if isinstance(log_joint(problem_of(n)).rows, Statistics)]


def test_statistics_stand_for_rows_of_linear_gaussian_models_alone() -> None:
    expected = [
        name
        for name, (model, _) in MODELS.items()
        if isinstance(model.predictor, bm.Linear)
        and isinstance(model.likelihood, bm.Gaussian)
        and not name.startswith("predicted scale")
    ]
    assert expected == BY_STATISTICS


@pytest.mark.parametrize("name", BY_STATISTICS)
def test_statistics_are_their_rows(name: str) -> None:
    """Through different algebra: O(n²) and O(mn); summarised data give the same."""
    problem = problem_of(name)
    joint, rows = log_joint(problem), by_rows(problem)
    x = somewhere(joint, 3)
    summarised = log_joint(MODELS[name][0].resolve(problem.data.summarised()))
    for other in (rows, summarised):
        for ours, theirs in zip(
            joint.log_density_and_gradient(x), other.log_density_and_gradient(x), strict=True
        ):
            size = np.abs(theirs).max()
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-11 * size)
        H = other.precision(x[0])
        np.testing.assert_allclose(joint.precision(x[0]), H, rtol=1e-6, atol=1e-8 * np.abs(H).max())


@each
@pytest.mark.parametrize("kind", ["Parquet", "Dask"])
def test_rows_read_in_turn_are_the_same_rows(name: str, kind: str, folder: Path) -> None:
    model, _ = MODELS[name]
    problem, joint = problem_of(name, weighted=False), by_rows(problem_of(name, weighted=False))
    formula = formula_of(name)
    if kind == "Parquet":
        paths = [folder / f"{k}.parquet" for k in range(2)]
        for path, part in zip(paths, (slice(0, 7), slice(7, M)), strict=True):
            if not path.exists():
                table()[part].to_parquet(path)
        data = bm.Data.from_parquet(paths, formula)
    else:
        dask = pytest.importorskip("dask.dataframe")
        data = bm.Data.from_formula(formula, dask.from_pandas(table(), npartitions=3))
    read = model.resolve(data)
    other = replace(log_joint(read), rows=single_rows(read, "they are compared."))
    assert isinstance(other.rows, Folded)
    # Blocks are centred at their common mean, that of the rows to rounding.
    x = somewhere(joint)
    assert other.weight == pytest.approx(problem.statistics.weight)
    for ours, theirs in zip(
        other.log_density_and_gradient(x), joint.log_density_and_gradient(x), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10 * np.abs(theirs).max())
    H, expected = other.precision(x), joint.precision(x)
    np.testing.assert_allclose(H, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


@each
def test_minibatches_are_unbiased(name: str) -> None:
    """Weighted by their rows, the estimates of one pass average to the gradient."""
    joint = by_rows(problem_of(name))
    objective, x = NegativeLogJoint(joint), somewhere(joint)
    rng = np.random.default_rng(4)
    sizes = [few.m for few in joint.rows.minibatches(7, rng)]
    assert sum(sizes) == M
    assert max(sizes) <= 7
    estimates = [estimate(x) for estimate in objective.minibatches(7, np.random.default_rng(4))]
    gradient = objective.value_and_gradient(x)[1]
    average = np.average(estimates, axis=0, weights=sizes)
    np.testing.assert_allclose(average, gradient, rtol=1e-9, atol=1e-10 * np.abs(gradient).max())


@each
def test_what_is_given_is_no_coordinate(name: str) -> None:
    joint = log_joint(problem_of(name))
    x = somewhere(joint)
    alone = joint.given(joint.coordinates.values(x))
    assert alone.size == joint.coordinates.p
    z = x[: alone.size]
    _, gradient = joint.log_density_and_gradient(x)
    np.testing.assert_allclose(
        alone.log_density_and_gradient(z)[1], gradient[: alone.size], rtol=1e-11
    )
