"""The network's calculus against automatic differentiation, finite differences and plain loops."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from bayesml.errors import IncompatibleModelError
from bayesml.predictors import (
    GELU,
    MLP,
    Linear,
    ReLU,
    SiLU,
    Softplus,
    Standardisation,
    Tanh,
    flat,
)

ACTIVATIONS = [Tanh(), ReLU(), SiLU(), GELU(), Softplus()]
SYMBOLIC = {
    Tanh: pt.tanh,
    ReLU: lambda z: pt.maximum(z, 0),
    SiLU: lambda z: z * pt.sigmoid(z),
    GELU: lambda z: z * 0.5 * (1 + pt.erf(z / np.sqrt(2.0))),
    Softplus: pt.softplus,
}
TANH = Tanh()
HIDDEN = [(), (4,), (5, 3)]


def network(hidden, activation=TANH, outputs=((1.5, 2.0),), n=3):
    standardisation = Standardisation((0.5,) * n, (2.0, 0.3, 1.0)[:n], outputs)
    return MLP(hidden, activation, standardisation)


def drawn(mlp, rng, members=(), n=3):
    """Parameters with nothing zero, biases included."""
    return {
        name: rng.normal(size=(*members, *shape)) * 0.7 for name, shape in mlp.shapes(n).items()
    }


def symbolic(mlp, X):
    """η, stacked (k, m), as a PyTensor function of the flat parameters."""
    theta = pt.dvector("theta")
    shapes, start, parameters = mlp.shapes(X.shape[1]), 0, {}
    for name, shape in shapes.items():
        parameters[name] = theta[start : start + int(np.prod(shape))].reshape(shape)
        start += int(np.prod(shape))
    s = mlp.standardisation
    a = pt.as_tensor((X - np.array(s.mean_X)) / np.array(s.sd_X))
    for layer in range(1, mlp.depth + 1):
        a = a @ parameters[f"weights_{layer}"].T + parameters[f"biases_{layer}"]
        if layer < mlp.depth:
            a = SYMBOLIC[type(mlp.activation)](a)
    return theta, pt.stack([c + scale * a[:, k] for k, (c, scale) in enumerate(s.outputs)])


@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: type(a).__name__)
def test_all_derivatives_are_those_of_automatic_differentiation(hidden, activation, rng):
    outputs = ((1.5, 2.0), (-0.5, 0.7))
    mlp = network(hidden, activation, outputs)
    X, parameters = rng.normal(size=(6, 3)), drawn(mlp, rng)
    cotangent, shapes = rng.normal(size=(2, 6)), mlp.shapes(3)
    x = flat.join(parameters, shapes)

    theta, eta = symbolic(mlp, X)
    jacobian = pytensor.gradient.jacobian(eta.ravel(), theta)
    expected_eta, J = pytensor.function(
        [theta], [eta, jacobian], mode=pytensor.compile.mode.Mode("py", None)
    )(x)
    J = J.reshape(2, 6, -1)

    np.testing.assert_allclose(mlp.eta(parameters, X), expected_eta, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(mlp.jacobian(parameters, X), J, rtol=1e-10, atol=1e-12)
    vjp = flat.join(mlp.vjp(parameters, X, cotangent), shapes)
    np.testing.assert_allclose(vjp, np.einsum("kmp,km->p", J, cotangent), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
def test_jacobian_is_the_finite_difference(hidden, rng):
    mlp = network(hidden)
    X, parameters, shapes = rng.normal(size=(5, 3)), drawn(mlp, rng), mlp.shapes(3)
    x, h = flat.join(parameters, shapes), 1e-6
    differences = [
        (mlp.eta(flat.split(x + h * e, shapes), X) - mlp.eta(flat.split(x - h * e, shapes), X))
        / (2 * h)
        for e in np.eye(len(x))
    ]
    np.testing.assert_allclose(
        mlp.jacobian(parameters, X), np.array(differences).T, rtol=1e-7, atol=1e-8
    )


@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
@pytest.mark.parametrize("outputs", [((1.5, 2.0),), ((1.5, 2.0), (-0.5, 0.7))], ids=len)
def test_a_batch_of_members_is_each_member_alone(hidden, outputs, rng):
    mlp = network(hidden, outputs=outputs)
    X, members = rng.normal(size=(6, 3)), drawn(mlp, rng, (4,))
    eta = mlp.eta(members, X)
    cotangent = rng.normal(size=eta.shape)
    batched = mlp.vjp(members, X, cotangent), mlp.jacobian(members, X)
    for k in range(4):
        one = {name: value[k] for name, value in members.items()}
        np.testing.assert_allclose(eta[..., k, :], mlp.eta(one, X), rtol=1e-13)
        for name, value in mlp.vjp(one, X, cotangent[..., k, :]).items():
            np.testing.assert_allclose(batched[0][name][k], value, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(
            batched[1][..., k, :, :], mlp.jacobian(one, X), rtol=1e-11, atol=1e-13
        )


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: type(a).__name__)
def test_single_precision_stays_single_and_agrees(activation, rng):
    mlp = network((7, 5), activation)
    X, parameters = rng.normal(size=(9, 3)), drawn(mlp, rng)
    low = {name: value.astype(np.float32) for name, value in parameters.items()}
    X32, g = X.astype(np.float32), rng.normal(size=9)
    eta, J, vjp = mlp.eta(low, X32), mlp.jacobian(low, X32), mlp.vjp(low, X32, g.astype(np.float32))
    assert eta.dtype == J.dtype == np.float32
    assert {v.dtype for v in vjp.values()} == {np.dtype(np.float32)}
    np.testing.assert_allclose(eta, mlp.eta(parameters, X), rtol=1e-4, atol=1e-5)
    for name, value in mlp.vjp(parameters, X, g).items():
        np.testing.assert_allclose(vjp[name], value, rtol=1e-3, atol=1e-4)


def test_without_hidden_layers_it_is_linear(rng):
    mlp, X = network(()), rng.normal(size=(6, 3))
    parameters = drawn(mlp, rng)
    s = mlp.standardisation
    slopes = 2.0 * parameters["weights_1"][0] / np.array(s.sd_X)
    intercept = 1.5 + 2.0 * parameters["biases_1"][0] - slopes @ np.array(s.mean_X)
    expected = Linear().eta({"weights": slopes, "intercept": intercept}, X)
    np.testing.assert_allclose(mlp.eta(parameters, X), expected, rtol=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: type(a).__name__)
def test_signals_keep_their_size_through_ten_layers_at_the_start(activation):
    rng = np.random.default_rng(1)
    mlp = MLP((200,) * 10, activation)
    out = mlp.eta(mlp.start(20, rng, (20,)), rng.normal(size=(30, 20)))
    assert 0.05 < np.std(out) < 20


@pytest.mark.parametrize("hidden", [(0,), (2.5,), ("a",), (-1, 3)])
def test_widths_that_are_none_are_refused(hidden):
    with pytest.raises(IncompatibleModelError, match="hidden must be"):
        MLP(hidden)


def test_activation_class_or_name_is_refused():
    with pytest.raises(IncompatibleModelError, match="activation must be"):
        MLP((3,), "tanh")
    with pytest.raises(IncompatibleModelError, match="activation must be"):
        MLP((3,), Tanh)
