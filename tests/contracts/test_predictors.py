"""Every predictor: derivatives, batches, its frame, and that its predictions are its η."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import bayesml as bm
from bayesml.posteriors import PointEstimate
from bayesml.predictors import (
    GELU,
    HasJacobian,
    ReLU,
    SiLU,
    Softplus,
    Standardisation,
    Tanh,
    flat,
    frame_of,
    pullback_of,
)
from tests.parts.squares import Squares

N, M = 2, 9
MEAN, SD = np.array([3.0, -40.0]), np.array([0.5, 20.0])
ONE, TWO = ((1.5, 2.0),), ((1.5, 2.0), (-0.3, 0.7))


def scaled(outputs: Any) -> Standardisation:
    return Standardisation(tuple(MEAN.tolist()), tuple(SD.tolist()), outputs)


PREDICTORS: dict[str, Any] = {
    "Linear": bm.Linear(intercept=True),
    "Linear without intercept": bm.Linear(intercept=False),
    "MLP without hidden layers": bm.MLP((), Tanh(), scaled(ONE)),
    "MLP of two layers": bm.MLP((4, 3), Tanh(), scaled(ONE)),
    "MLP of two outputs": bm.MLP((3,), SiLU(), scaled(TWO)),
    **{repr(a): bm.MLP((3,), a, scaled(ONE)) for a in (ReLU(), SiLU(), GELU(), Softplus())},
    "a stranger's": Squares(),
}
each = pytest.mark.parametrize("predictor", PREDICTORS.values(), ids=PREDICTORS.keys())


def outputs_of(predictor: Any) -> tuple[tuple[float, float], ...]:
    return predictor.standardisation.outputs if isinstance(predictor, bm.MLP) else ONE


@dataclass(frozen=True)
class Point:
    """A predictor somewhere, with rows."""

    predictor: Any
    X: np.ndarray[Any, Any]
    theta: np.ndarray[Any, Any]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return self.predictor.shapes(N)

    def eta(self, theta: Any) -> Any:
        return self.predictor.eta(flat.split(theta, self.shapes), self.X)


def somewhere(predictor: Any, seed: int = 3) -> Point:
    rng = np.random.default_rng(seed)
    X = MEAN + SD * rng.standard_normal((M, N))
    theta = rng.standard_normal(flat.size(predictor.shapes(N)))
    return Point(predictor, X, theta)


def differences(point: Point) -> np.ndarray[Any, Any]:
    """∂η/∂θ by central differences, one column a parameter: shape (..., m, p)."""
    columns = []
    for direction in np.eye(len(point.theta)):
        h = 1e-5
        up, down = (point.eta(point.theta + s * h * direction) for s in (1, -1))
        columns.append((up - down) / (2 * h))
    return np.stack(columns, axis=-1)


@each
def test_the_jacobian_is_the_derivative(predictor: Any) -> None:
    at = somewhere(predictor)
    assert isinstance(predictor, HasJacobian)
    J = predictor.jacobian(flat.split(at.theta, at.shapes), at.X)
    expected = differences(at)
    np.testing.assert_allclose(J, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())


@each
def test_backpropagation_is_the_transposed_jacobian(predictor: Any) -> None:
    at = somewhere(predictor)
    cotangent = np.random.default_rng(4).standard_normal(at.eta(at.theta).shape)
    back = predictor.vjp(flat.split(at.theta, at.shapes), at.X, cotangent)
    assert {name: np.shape(v) for name, v in back.items()} == at.shapes
    J = differences(at).reshape(-1, len(at.theta))
    expected = cotangent.ravel() @ J
    found = flat.join(back, at.shapes)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())


@each
def test_pullback_is_eta_and_backpropagation(predictor: Any) -> None:
    at = somewhere(predictor)
    parameters = flat.split(at.theta, at.shapes)
    eta, back = pullback_of(predictor)(parameters, at.X)
    np.testing.assert_allclose(eta, at.eta(at.theta), rtol=1e-13)
    cotangent = np.ones_like(eta)
    one, other = back(cotangent), predictor.vjp(parameters, at.X, cotangent)
    for name in at.shapes:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-12)


@each
def test_a_batch_is_its_members(predictor: Any) -> None:
    """Leading axes of the parameters stand before the rows, and behind the outputs."""
    at = somewhere(predictor)
    batch = np.random.default_rng(6).standard_normal((2, 3, len(at.theta)))
    eta = at.eta(batch)
    several = len(outputs_of(predictor)) > 1
    assert eta.shape == ((2,) if several else ()) + (2, 3, M)
    cotangent = np.random.default_rng(7).standard_normal(eta.shape)
    back = flat.join(predictor.vjp(flat.split(batch, at.shapes), at.X, cotangent), at.shapes)
    for k in np.ndindex(2, 3):
        of_member = (slice(None), *k) if several else k
        np.testing.assert_allclose(eta[of_member], at.eta(batch[k]), rtol=1e-10, atol=1e-12)
        parameters = flat.split(batch[k], at.shapes)
        alone = flat.join(predictor.vjp(parameters, at.X, cotangent[of_member]), at.shapes)
        np.testing.assert_allclose(back[k], alone, rtol=1e-9, atol=1e-9 * np.abs(alone).max())


@each
def test_the_frame_keeps_the_function(predictor: Any) -> None:
    """η of prepared rows at β is η of the user's rows at the user's parameters, and back."""
    at = somewhere(predictor)
    frame = frame_of(predictor, N, MEAN, SD, outputs_of(predictor))
    rng = np.random.default_rng(8)
    z = rng.standard_normal((4, frame.p))
    beta = frame.beta(z)
    named = frame.named(beta)
    assert {name: v.shape[1:] for name, v in named.items()} == at.shapes
    np.testing.assert_allclose(frame.z(beta), z, atol=1e-9)
    np.testing.assert_allclose(frame.unnamed(named), beta, rtol=1e-9, atol=1e-9)
    inside = frame.predictor.eta(flat.split(beta, frame.shapes), frame.prepare(at.X))
    outside = predictor.eta(named, at.X)
    np.testing.assert_allclose(inside, outside, rtol=1e-9, atol=1e-9)


@each
def test_the_functionals_of_the_frame_are_its_names(predictor: Any) -> None:
    """What standard errors are propagated by: A β, less the origin, is the named parameter."""
    frame = frame_of(predictor, N, MEAN, SD, outputs_of(predictor))
    beta = np.random.default_rng(9).standard_normal(frame.p)
    for name, A in frame.matrices().items():
        expected = np.ravel(frame.named(beta)[name])
        np.testing.assert_allclose(A @ beta, expected, rtol=1e-9, atol=1e-10)


@each
def test_a_point_predicts_its_eta(predictor: Any) -> None:
    at = somewhere(predictor)
    several = len(outputs_of(predictor)) > 1
    likelihood = bm.HeteroscedasticGaussian() if several else bm.Gaussian(0.5)
    parameters = flat.split(at.theta, at.shapes)
    unknown = {name: np.full(np.shape(v), np.nan) for name, v in parameters.items()}
    known = {} if several else {"sigma": np.asarray(0.5)}
    estimate = PointEstimate(predictor, likelihood, parameters | known, unknown, np.inf)
    eta = at.eta(at.theta)
    np.testing.assert_allclose(estimate.predict(at.X).mean, eta[0] if several else eta, rtol=1e-12)


@each
def test_no_rows_have_no_values(predictor: Any) -> None:
    at = somewhere(predictor)
    parameters = flat.split(at.theta, at.shapes)
    eta = predictor.eta(parameters, np.empty((0, N)))
    assert eta.shape[-1] == 0
    back = predictor.vjp(parameters, np.empty((0, N)), eta)
    assert all(not np.any(v) for v in back.values())


@each
def test_it_says_itself(predictor: Any) -> None:
    names = {**vars(bm), **vars(bm.predictors), "Squares": Squares}
    assert eval(repr(predictor), names) == predictor
    assert "η" in predictor.describe()
    assert set(predictor.dims()) <= set(predictor.shapes(N))
