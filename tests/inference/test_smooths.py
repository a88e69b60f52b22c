"""Smooths: the basis against scipy, the posterior against dense matrices, and mistakes."""

from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.polynomial.legendre import leggauss
from scipy.interpolate import BSpline
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

import bayesml as bm
from bayesml.data.splines import Moments, SeenRange, Spline, b_splines
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.inference.groups import marginal_of
from bayesml.log_joint.group_joint import group_joint
from bayesml.posteriors import GroupedPosterior
from bayesml.predictors import Grouped
from bayesml.samplers.lattice import Peak
from bayesml.samplers.sobol import sobol_points
from bayesml.typing import Array


def frame_of(rng: np.random.Generator, m: int = 60) -> pd.DataFrame:
    x, g = rng.uniform(-1.0, 3.0, m), rng.choice(list("abcd"), m)
    frame = pd.DataFrame({"x": x, "z": rng.normal(2.0, 3.0, m), "g": g, "h": rng.integers(0, 3, m)})
    frame["w"] = rng.uniform(0.5, 2.0, m)
    frame["y"] = np.sin(2.0 * x) + 0.3 * frame.z + (g == "a") + rng.normal(scale=0.3, size=m)
    return frame


def knots(low: float, high: float, k: int) -> Array:
    step = (high - low) / (k - 3)
    return low + step * np.arange(-3, k + 1)


def spline_of(x: Array, k: int) -> Spline:
    seen = SeenRange.of(x, k)
    return Moments.of(x, seen).spline(seen)


@pytest.mark.parametrize("k", [4, 5, 9, 20])
def test_the_basis_is_that_of_scipy_and_straight_beyond(k: int, rng: np.random.Generator) -> None:
    low, high = -1.5, 2.0
    x = np.r_[low, high, rng.uniform(low, high, 50)]
    t = knots(low, high, k)
    expected = BSpline.design_matrix(x, t, 3).toarray()
    np.testing.assert_allclose(b_splines(x, low, high, k), expected, atol=1e-14)
    slopes = np.column_stack([BSpline(t, e, 3).derivative()([low, high]) for e in np.eye(k)])
    ends = b_splines(np.array([low, high]), low, high, k)
    beyond = b_splines(np.array([low - 2.0, high + 3.0]), low, high, k)
    np.testing.assert_allclose(beyond, ends + np.array([[-2.0], [3.0]]) * slopes, atol=1e-12)


@pytest.mark.parametrize("k", [4, 10])
def test_what_bends_has_a_unit_penalty_no_line_and_unit_variance(
    k: int, rng: np.random.Generator
) -> None:
    x = rng.gamma(2.0, size=200)
    spline = spline_of(x, k)
    Z, T = spline.rows(x), np.array(spline.transform)
    np.testing.assert_allclose(Z.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(Z.T @ x / len(x), 0.0, atol=1e-12)
    G = Z.T @ Z / len(x)
    assert np.trace(G) == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(G, np.diag(np.sort(np.diag(G))[::-1]), atol=1e-12)
    t = knots(spline.low, spline.high, k)
    at, w = leggauss(4)
    S = np.zeros((k - 2, k - 2))
    for a, b in pairwise(t[3 : k + 1]):  # the second derivative is linear between knots
        bends = BSpline(t, T, 3).derivative(2)(0.5 * (a + b) + 0.5 * (b - a) * at)
        S += 0.5 * (b - a) * (bends.T * w) @ bends
    np.testing.assert_allclose(S / S[0, 0], np.eye(k - 2), atol=1e-11)


FORMULAS = [
    "y ~ s(x)",
    "y ~ s(x, k=6) + z + (1 | g)",
    "y ~ s(x, k=5) + s(z) + (x | g) + (1 | h)",
    "y ~ s(x, k=6, by=g)",
    "y ~ s(x, k=6, by=w) + (1 | g)",
    "y ~ 0 + s(x, k=7)",
]


def dense(data: bm.Data, predictor: Grouped, scales: Any, theta: Array, sigma: float) -> Array:
    """Return the covariance of y given the coefficients, σ²(I + ZΛΛᵀZᵀ)."""
    V = np.eye(data.m)
    for part, factor in zip(predictor.in_order(), scales.factors(theta), strict=True):
        if part in predictor.smooths:
            z = part.rows(data.X) * factor[0, 0]
            V += z @ z.T
        else:
            z, g = part.terms(data.X) @ factor, part.codes(data.X)
            V += (z @ z.T) * (g[:, None] == g)
    return np.asarray(sigma**2 * V)


def prior_of(marginal: Any) -> tuple[Array, Array]:
    """Return mean and covariance of the coefficients."""
    rows = marginal.rows
    covariance = np.linalg.inv(rows.P.T @ rows.P)
    return covariance @ rows.P.T @ (rows.mean / rows.sd), covariance


def columns(data: bm.Data, predictor: Any, origin: Array) -> Array:
    own = data.X[:, predictor.part.where]
    if not predictor.has_intercept:
        return np.asarray(own)
    return np.column_stack([np.ones(data.m), own - origin[predictor.part.where]])


def node_of(data: bm.Data, rng: np.random.Generator) -> tuple[Any, GroupedPosterior, float]:
    """Return the density of the scales, the posterior at one node, and the log density there."""
    problem = bm.Model().resolve(data)
    predictor: Any = problem.model.predictor
    marginal = marginal_of(problem)
    theta = rng.normal(-0.3, 0.5, size=(1, marginal.scales.size))
    log_sigma = np.array([-0.8])
    found = marginal.arrow.eliminate(marginal.scales.factors(theta))
    value, mean, root = marginal.given(theta, found, log_sigma[None])
    number = np.zeros(1, dtype=np.intp)
    whole = (predictor, marginal, theta, number, log_sigma, np.ones(1), mean[0], root[0])
    known = problem.inferred["sigma"].log_density(np.exp(-0.8))
    known = known + marginal.scales.log_prior(theta[0], log_sigma)[0]
    return marginal, GroupedPosterior(*whole), float(value[0, 0] - known)


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_density_and_rows_are_those_of_dense_matrices(
    formula: str, rng: np.random.Generator
) -> None:
    data = bm.Data.from_formula(formula, frame_of(rng))
    marginal, one, log_density = node_of(data, rng)
    predictor, sigma = one.predictor, np.exp(-0.8)
    A = columns(data, predictor, data.statistics.mean_X)
    prior_mean, prior_cov = prior_of(marginal)
    V = dense(data, predictor, marginal.scales, one.theta[0], sigma)
    expected = multivariate_normal(A @ prior_mean, V + A @ prior_cov @ A.T).logpdf(data.y)
    assert log_density == pytest.approx(expected, rel=1e-10)

    signal = V - sigma**2 * np.eye(data.m) + A @ prior_cov @ A.T
    K = signal @ np.linalg.inv(signal + sigma**2 * np.eye(data.m))
    mean = A @ prior_mean + K @ (data.y - A @ prior_mean)
    sd = np.sqrt(np.diag(signal - K @ signal))
    prediction = one.predict(data.X)
    np.testing.assert_allclose(prediction.expectation.mean, mean, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(prediction.epistemic_sd, sd, rtol=1e-7)
    draws = one.draws(1, 3000, np.random.default_rng(1))
    eta = one.eta(draws, data.X)[0]
    assert np.all(np.abs(eta.mean(axis=0) - mean) < 4.5 * sd / np.sqrt(3000))
    np.testing.assert_allclose(eta.std(axis=0), sd, rtol=0.08)
    for curve in predictor.smooths:
        of_curve = one.effects(curve.factor)
        mean_of = draws[curve.name][0].reshape(3000, -1).mean(axis=0)
        assert np.all(np.abs(mean_of - of_curve.mean) < 4.5 * of_curve.sd / np.sqrt(3000))


def moments_on_a_grid(fit: bm.Fit, x: Array) -> tuple[Array, Array]:
    """Return mean and sd of the curve at x, by dense matrices on a grid of both scales."""
    data, problem = fit.data, fit.problem
    new = data.like({"x": x, "y": x})
    marginal, predictor = marginal_of(problem), problem.model.predictor
    A, B = (columns(each, predictor, problem.mean_X) for each in (data, new))
    Z, Z_new = (predictor.smooths[0].rows(each.X) for each in (data, new))  # type: ignore[attr-defined]
    prior_mean, prior_cov = prior_of(marginal)
    logs, means, squares = [], [], []
    for log_sigma, u in product(np.linspace(-1.8, -0.5, 14), np.linspace(-2.0, 4.5, 27)):
        sigma, sd = np.exp(log_sigma), np.exp(log_sigma + u)
        whole = sd**2 * Z @ Z.T + A @ prior_cov @ A.T + sigma**2 * np.eye(data.m)
        C = sd**2 * Z_new @ Z.T + B @ prior_cov @ A.T
        K = C @ np.linalg.inv(whole)
        mean = B @ prior_mean + K @ (data.y - A @ prior_mean)
        variance = np.diag(sd**2 * Z_new @ Z_new.T + B @ prior_cov @ B.T - K @ C.T)
        value = multivariate_normal(A @ prior_mean, whole).logpdf(data.y)
        value += problem.inferred["sigma"].log_density(sigma) + log_sigma
        value += marginal.scales.parts[0].priors[0].log_density(sd) + np.log(sd)
        logs.append(value)
        means.append(mean)
        squares.append(variance + mean**2)
    w = np.exp(np.array(logs) - np.max(logs))
    mean = w @ np.array(means) / w.sum()
    return mean, np.sqrt(w @ np.array(squares) / w.sum() - mean**2)


def test_the_posterior_of_a_curve_is_that_of_a_dense_grid(rng: np.random.Generator) -> None:
    frame = frame_of(rng, 40)
    frame["y"] = np.sin(2.0 * frame.x) + rng.normal(scale=0.3, size=40)
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ s(x, k=8)", frame))
    x = np.linspace(-2.0, 4.0, 7)
    mean, sd = moments_on_a_grid(fit, x)
    found = fit.predict({"x": x})
    assert np.all(np.abs(found.mean - mean) < 2e-3 * sd)
    np.testing.assert_allclose(found.epistemic_sd, sd, rtol=3e-3)


def test_restricted_likelihood_is_the_best_of_dense_matrices(rng: np.random.Generator) -> None:
    data = bm.Data.from_formula("y ~ s(x) + z + (1 | g)", frame_of(rng))
    problem = bm.Model().without_priors().resolve(data)
    predictor: Any = problem.model.predictor
    scales = marginal_of(problem).scales
    A = np.column_stack([np.ones(data.m), data.X[:, predictor.part.where]])

    def deviance(x: Array) -> float:
        V = dense(data, predictor, scales, x[:2] - x[2], float(np.exp(x[2])))
        W = np.linalg.inv(V)
        H = A.T @ W @ A
        r = data.y - A @ np.linalg.solve(H, A.T @ W @ data.y)
        logs = np.linalg.slogdet(V)[1] + np.linalg.slogdet(H)[1]
        return float(logs + r @ W @ r + (data.m - A.shape[1]) * np.log(2.0 * np.pi))

    best = minimize(deviance, [0.0, 0.0, -1.0], method="Nelder-Mead", options={"xatol": 1e-7})
    fit = bm.fit(bm.Model(), data, bm.MLE(restricted=True))
    means = fit.summary()["mean"]
    found = np.log([means["sd[g, intercept]"], means["sd[s(x)]"], means["sigma"]])
    assert fit.diagnostics["deviance"] == pytest.approx(best.fun, abs=1e-6)
    np.testing.assert_allclose(found, best.x, atol=2e-4)


def test_the_gradient_is_that_of_differences(rng: np.random.Generator) -> None:
    frame = frame_of(rng)
    frame["y"] = rng.poisson(np.exp(0.3 * np.sin(frame.x)))
    data = bm.Data.from_formula("y ~ s(x, k=6, by=g) + (1 | h) + s(z, k=5)", frame)
    problem = bm.Model(likelihood=bm.Poisson()).resolve(data)
    model: Any = problem.model
    joint = group_joint(problem, model.predictor, model.prior)
    x = rng.normal(scale=0.3, size=joint.size)
    _, slopes = joint.log_density_and_gradient(x)
    h = 1e-5 * np.eye(joint.size)
    differences = [
        (joint.log_density_and_gradient(x + e)[0] - joint.log_density_and_gradient(x - e)[0]) / 2e-5
        for e in h
    ]
    np.testing.assert_allclose(slopes, differences, atol=1e-5)
    named = joint.named(x)
    assert named["sd[s(z)]"].shape == ()
    assert named["effects[s(x, by=g)]"].shape == (4, 4)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return frame_of(np.random.default_rng(3), 120)


@pytest.fixture(scope="module")
def exact(frame: pd.DataFrame) -> bm.Fit:
    return bm.fit(bm.Model(), bm.Data.from_formula("y ~ s(x) + z + (1 | g)", frame))


def test_names_and_coordinates(exact: bm.Fit) -> None:
    rows = ["intercept", "weights[x]", "weights[z]", "sd[g, intercept]", "sd[s(x)]", "sigma"]
    assert list(exact.summary().index) == rows
    effects = exact.idata["posterior"]["effects[s(x)]"]
    assert effects.dims == ("chain", "draw", "s(x)_direction")
    assert list(effects["s(x)_direction"].values) == [str(k) for k in range(1, 9)]
    assert "sd[s(x)] ~ HalfStudentT(df=3.0" in exact.resolved.prior.describe()
    assert repr(exact.data).endswith("effects of g: intercept; s(x); target y)")


def test_the_prior_of_a_scale_is_stated_by_name(frame: pd.DataFrame) -> None:
    data = bm.Data.from_formula("y ~ s(x)", frame)
    small = bm.Hierarchical(groups={"s(x)": bm.GroupEffects(bm.HalfNormal(1e-4))})
    flat = bm.fit(bm.Model(prior=small), data)
    line = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x", frame))
    np.testing.assert_allclose(flat.predict(frame).mean, line.predict(frame).mean, atol=1e-4)
    wrong = bm.Hierarchical(groups={"s(x)": bm.GroupEffects({"curve": bm.HalfNormal(1.0)})})
    with pytest.raises(IncompatibleModelError, match="is a curve, which has one"):
        bm.fit(bm.Model(prior=wrong), data)


def test_curves_go_on_straight(exact: bm.Fit) -> None:
    x = np.array([4.0, 6.0, 8.0, -2.0, -4.0, -6.0])
    population = exact.predict({"x": x, "z": np.zeros(6)}, population=True)
    steps = np.diff(population.mean.reshape(2, 3), axis=1)
    np.testing.assert_allclose(steps[:, 0], steps[:, 1], rtol=1e-9)
    assert np.all(np.diff(population.epistemic_sd.reshape(2, 3), axis=1) > 0)


def test_slopes_are_those_of_the_curve(exact: bm.Fit, frame: pd.DataFrame) -> None:
    up, down = frame.assign(x=frame.x + 1e-4), frame.assign(x=frame.x - 1e-4)
    steps = (exact.predict(up).mean - exact.predict(down).mean) / 2e-4
    table = exact.slopes("x").to_frame()
    assert abs(float(table["mean"].iloc[0]) - steps.mean()) < 4.5 * float(table["sd"].iloc[0]) / 63


def test_a_saved_fit_predicts_the_same(exact: bm.Fit, frame: pd.DataFrame, tmp_path: Any) -> None:
    exact.save(tmp_path / "curve.nc")
    again = bm.load(tmp_path / "curve.nc")
    np.testing.assert_array_equal(again.predict(frame).mean, exact.predict(frame).mean)


def test_files_and_parts_give_the_same_posterior(
    exact: bm.Fit, frame: pd.DataFrame, tmp_path: Any
) -> None:
    frame.to_parquet(tmp_path / "curve.parquet")
    data = bm.Data.from_parquet(tmp_path / "curve.parquet", "y ~ s(x) + z + (1 | g)")
    assert "knots" in data.first_pass
    streamed = bm.fit(bm.Model(), data)
    np.testing.assert_allclose(streamed.summary(), exact.summary(), rtol=1e-6)
    first, second = (exact.data.like(part) for part in (frame[:50], frame[50:]))
    earlier = bm.fit(exact.model, first)
    updated, whole = earlier.update(second), bm.fit(earlier.resolved, exact.data)
    np.testing.assert_allclose(updated.summary(), whole.summary(), rtol=1e-6)


def test_a_curve_of_every_level_and_one_that_is_multiplied(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    frame = frame.assign(y=np.where(frame.g == "a", 0.0, np.sin(2.0 * frame.x)) * frame.w)
    frame["y"] += rng.normal(scale=0.1, size=len(frame))
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ s(x, by=g)", frame))
    assert "weights[x:g[a]]" in fit.summary().index
    grid = {"x": np.linspace(0.0, 2.0, 5)}
    one, other = (fit.predict({**grid, "g": [g] * 5}).mean for g in "ab")
    assert np.ptp(one) < 0.3 * np.ptp(other)
    with pytest.raises(DataError, match="g is 'e'"):
        fit.predict({"x": [0.0], "g": ["e"]})
    number = bm.fit(bm.Model(), bm.Data.from_formula("y ~ s(x, by=w)", frame))
    at = [number.predict({**grid, "w": [w] * 5}).mean for w in (0.0, 1.0, 2.0)]
    np.testing.assert_allclose(at[2] - at[1], at[1] - at[0], rtol=1e-9)
    coded = frame.assign(g=frame.g.map("abcd".index))
    codes = bm.fit(bm.Model(), bm.Data.from_formula("y ~ s(x, by=C(g))", coded))
    np.testing.assert_allclose(codes.predict(coded).mean, fit.predict(frame).mean, rtol=1e-7)


@pytest.mark.parametrize(
    ("formula", "match"),
    [
        ("y ~ s(x, k=3)", "k=3 is no number of B-splines, a whole number of 4 to 1,000"),
        ("y ~ s(x, k=2000)", "k=2000 is no number"),
        ("y ~ s(x, k=w)", "k=w is no number"),
        ("y ~ s(x, bs='cr')", "there is no option 'bs'"),
        ("y ~ s(x, z)", r"of several write one each, s\(x\) \+ s\(z\)"),
        ("y ~ s(x) + s(x, k=5)", r"'s\(x\)' twice"),
        ("y ~ s(x):z", r"write s\(x, by=z\)"),
        ("y ~ z - s(x)", "a term of its own that is added"),
        ("y ~ log(s(x))", "write it as a term of its own"),
        ("y ~ te(x, z)", r"write s\(x\) \+ s\(z\)"),
        ("y ~ s(x, by=log(w))", "neither the name of a column"),
        ("y ~ s(g)", r"s\(g\) is of levels, and a smooth is of numbers"),
        ("y ~ s(3)", "cannot be read"),
        ("y ~ s(c)", r"s\(c\): its column is the same in all rows"),
        ("y ~ s(h)", r"s\(h\): its column takes 3 different values, and a curve needs 4"),
        ("y ~ s(v)", r"takes 6 different values, too few for k=10 B-splines. Write k=6"),
        ("y ~ s(nothing)", "'nothing' is not a column"),
        ("y ~ s(x", "cannot be read"),
        ("y ~ s()", "a term of its own"),
        ("y ~ x, sigma ~ s(z)", "smooths are of the first clause only"),
    ],
)
def test_smooths_that_cannot_be_learned(formula: str, match: str, frame: pd.DataFrame) -> None:
    frame = frame.assign(c=1.0, v=np.arange(len(frame)) % 6)
    with pytest.raises(DataError, match=match):
        bm.Data.from_formula(formula, frame)


@pytest.mark.parametrize(
    ("model", "method", "match"),
    [
        (bm.Model(), bm.EmpiricalBayes(), "finds no scales"),
        (bm.Model(), bm.Gibbs(), "Use NUTS.., or Auto"),
        (bm.Model(bm.MLP((4,))), bm.MAP(), r"does not read 's\(x\)'"),
        (bm.Model(likelihood=bm.Categorical()), bm.MAP(), "group terms or smooths"),
    ],
)
def test_what_knows_no_smooths_says_so(
    model: Any, method: Any, match: str, frame: pd.DataFrame
) -> None:
    frame = frame.assign(y=frame.g if "Categorical" in repr(model) else frame.y)
    with pytest.raises(IncompatibleModelError, match=match):
        bm.fit(model, bm.Data.from_formula("y ~ s(x)", frame), method)


def test_points_of_a_sequence_are_halved_where_each_half_covers_the_space() -> None:
    root = np.linalg.cholesky(np.diag([1.0, 2.0, 0.5, 1.0, 1.0, 3.0]) + 0.3)
    precision = np.linalg.inv(root @ root.T)

    def density(x: Array) -> Array:
        return np.asarray(-0.5 * np.einsum("ni,ij,nj->n", x, precision, x))

    points = sobol_points(density, Peak(np.full(6, 0.4), root), np.random.default_rng(1))
    right = 3.0 * np.log(2.0 * np.pi) + np.log(np.diag(root)).sum()
    assert points.error < 0.03  # every other point lies on one side: 0.15
    assert points.log_total == pytest.approx(right, abs=0.02)
    assert points.effective > 2000.0


def test_many_rows_are_predicted_by_draws(
    exact: bm.Fit, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bayesml.posteriors import grouped

    rows = frame[:20].assign(g=["a", "new"] * 10)
    whole = exact.predict(rows, new_groups=True)
    monkeypatch.setattr(grouped, "MOST_WORK", 0.0)
    drawn = exact.predict(rows, new_groups=True)
    error = whole.epistemic_sd / np.sqrt(grouped.DRAWS)
    assert np.all(np.abs(drawn.mean - whole.mean) < 4.5 * error)
    np.testing.assert_allclose(drawn.sd, whole.sd, rtol=0.15)
