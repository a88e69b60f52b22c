"""Every predictor: derivatives, batches, its frame, and that its predictions are its η."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import bayesml as bm
from bayesml.data.roles import LinearPart
from bayesml.posteriors import PointEstimate
from bayesml.predictors import (
    GELU,
    Beside,
    HasGram,
    HasJacobian,
    KnownColumns,
    LinearPredictors,
    ReLU,
    SiLU,
    Softplus,
    Standardisation,
    Tanh,
    flat,
    frame_of,
    labels_of,
    pullback_of,
)
from tests.parts.linear_predictors import SEVERAL, WIDTH
from tests.parts.squares import Squares

N, M = 2, 9
MEAN, SD = np.array([3.0, -40.0, 2.0]), np.array([0.5, 20.0, 0.1])
ONE, TWO = ((1.5, 2.0),), ((1.5, 2.0), (-0.3, 0.7))


def scaled(outputs: Any) -> Standardisation:
    return Standardisation(tuple(MEAN[:N].tolist()), tuple(SD[:N].tolist()), outputs)


PREDICTORS: dict[str, Any] = {
    "Linear": bm.Linear(intercept=True),
    "Linear without intercept": bm.Linear(intercept=False),
    "MLP without hidden layers": bm.MLP((), Tanh(), scaled(ONE)),
    "MLP of two layers": bm.MLP((4, 3), Tanh(), scaled(ONE)),
    "MLP of two outputs": bm.MLP((3,), SiLU(), scaled(TWO)),
    "MLP beside a linear model": bm.MLP((4, 3), SiLU(), scaled(TWO), skip=True),
    "MLP beside an offset": bm.MLP((3,), Tanh(), scaled(ONE), Beside(1, -1, (), 1)),
    "MLP beside trials": bm.MLP((3,), Tanh(), scaled(ONE), Beside(1, None, (-1,), 1)),
    **{repr(a): bm.MLP((3,), a, scaled(ONE)) for a in (ReLU(), SiLU(), GELU(), Softplus())},
    "a stranger's": Squares(),
    **{name: several.predictor for name, several in SEVERAL.items()},
}
LIKELIHOODS: dict[Any, Any] = {s.predictor: s.likelihood for s in SEVERAL.values()}
LIKELIHOODS[PREDICTORS["MLP beside trials"]] = bm.Binomial()
each = pytest.mark.parametrize("predictor", PREDICTORS.values(), ids=PREDICTORS.keys())


def outputs_of(predictor: Any) -> tuple[tuple[float, float], ...]:
    if isinstance(predictor, LinearPredictors):
        return TWO[: sum(part.size for part in predictor.parts)]
    return predictor.standardisation.outputs if isinstance(predictor, bm.MLP) else ONE


def width(predictor: Any) -> int:
    if isinstance(predictor, bm.MLP) and predictor.beside is not None:
        return N + predictor.beside.columns
    return WIDTH if isinstance(predictor, LinearPredictors) else N


@dataclass(frozen=True)
class Point:
    """A predictor somewhere, with rows."""

    predictor: Any
    X: np.ndarray[Any, Any]
    theta: np.ndarray[Any, Any]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return self.predictor.shapes(width(self.predictor))

    @property
    def several(self) -> bool:
        return self.eta(self.theta).ndim > 1

    def eta(self, theta: Any) -> Any:
        return self.predictor.eta(flat.split(theta, self.shapes), self.X)


def somewhere(predictor: Any, seed: int = 3) -> Point:
    rng = np.random.default_rng(seed)
    n = width(predictor)
    X = MEAN[:n] + SD[:n] * rng.standard_normal((M, n))
    theta = rng.standard_normal(flat.size(predictor.shapes(n)))
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
def test_the_gram_matrix_is_that_of_the_jacobian(predictor: Any) -> None:
    at = somewhere(predictor)
    if not isinstance(predictor, HasGram):
        return
    information = np.random.default_rng(5).exponential(size=M)
    found = predictor.gram(flat.split(at.theta, at.shapes), at.X, information)
    J = differences(at)
    expected = J.T @ np.diag(information) @ J
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())


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
    eta, several = at.eta(batch), at.several
    assert eta.shape == (at.eta(at.theta).shape[:1] if several else ()) + (2, 3, M)
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
    n = width(predictor)
    frame = frame_of(predictor, n, MEAN[:n], SD[:n], outputs_of(predictor))
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
    n = width(predictor)
    frame = frame_of(predictor, n, MEAN[:n], SD[:n], outputs_of(predictor))
    beta = np.random.default_rng(9).standard_normal(frame.p)
    for name, A in frame.matrices().items():
        expected = np.ravel(frame.named(beta)[name])
        np.testing.assert_allclose(A @ beta, expected, rtol=1e-9, atol=1e-10)


@each
def test_a_point_predicts_its_eta(predictor: Any) -> None:
    at = somewhere(predictor)
    default = bm.HeteroscedasticGaussian() if at.several else bm.Gaussian(0.5)
    likelihood = LIKELIHOODS.get(predictor, default)
    parameters = flat.split(at.theta, at.shapes)
    unknown = {name: np.full(np.shape(v), np.nan) for name, v in parameters.items()}
    known = {name: np.asarray(0.5) for name in likelihood.parameters}
    estimate = PointEstimate(predictor, likelihood, parameters | known, unknown, np.inf)
    expected = likelihood.mean(at.eta(at.theta), known)
    np.testing.assert_allclose(estimate.predict(at.X).mean, expected, rtol=1e-12)


@each
def test_no_rows_have_no_values(predictor: Any) -> None:
    at = somewhere(predictor)
    parameters = flat.split(at.theta, at.shapes)
    none = np.empty((0, width(predictor)))
    eta = predictor.eta(parameters, none)
    assert eta.shape[-1] == 0
    back = predictor.vjp(parameters, none, eta)
    assert all(not np.any(v) for v in back.values())


@each
def test_it_says_itself(predictor: Any) -> None:
    parts = {"Squares": Squares, "LinearPart": LinearPart, "KnownColumns": KnownColumns}
    assert eval(repr(predictor), {**vars(bm), **vars(bm.predictors), **parts}) == predictor
    assert "η" in predictor.describe()


@each
def test_its_axes_are_labelled(predictor: Any) -> None:
    """Every axis of features or classes has a label for every entry; units have no names."""
    n = width(predictor)
    shapes, labels = predictor.shapes(n), labels_of(predictor, ("x", "z", "t")[:n])
    assert set(predictor.dims()) <= set(shapes)
    for name, dims in predictor.dims().items():
        assert len(dims) == len(shapes[name])
        for dim, size in zip(dims, shapes[name], strict=True):
            assert len(labels.get(dim, range(size))) == size
            assert dim in labels or isinstance(predictor, bm.MLP)


@pytest.mark.parametrize("several", SEVERAL.values(), ids=SEVERAL.keys())
def test_several_predictors_are_each_of_its_columns(several: Any) -> None:
    """η against sums written out: the offset counts once, and what is known is not changed."""
    predictor, at = several.predictor, somewhere(several.predictor)
    values, expected = flat.split(at.theta, at.shapes), []
    for part in predictor.parts:
        W = np.atleast_2d(values[part.weights_name])
        b = np.atleast_1d(values[part.intercept_name]) if part.intercept else np.zeros(len(W))
        offset = 0.0 if predictor.known.offset is None or part.name else at.X[:, 2]
        first, last = part.columns
        for c in range(len(W)):
            terms = [W[c, j - first] * at.X[:, j] for j in range(first, last)]
            expected.append(b[c] + sum(terms) + offset)
    expected += [at.X[:, j] for j in predictor.known.outputs]
    found = at.eta(at.theta)
    np.testing.assert_allclose(found, expected if at.several else expected[0], rtol=1e-12)
