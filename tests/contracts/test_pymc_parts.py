"""Activations and predictors as PyMC expressions: the numbers and slopes of the package's own."""

from typing import Any

import numpy as np
import pymc as pm
import pytest
from pytensor import function, grad

import bayesml as bm
from bayesml.graphs.model import expression
from bayesml.predictors import (
    GELU,
    Activation,
    ExportsToPyMC,
    Predictor,
    ReLU,
    SiLU,
    Softplus,
    Standardisation,
    Tanh,
)
from bayesml.pymc import to_pymc
from tests.parts.linear_predictors import SEVERAL

ACTIVATIONS = [Tanh(), ReLU(), SiLU(), GELU(), Softplus()]
SCALES = Standardisation((0.5, -1.0, 3.0), (2.0, 0.3, 1.0), ((1.5, 2.0),))
TWO = Standardisation(SCALES.mean_X, SCALES.sd_X, ((1.5, 2.0), (-1.0, 0.5)))
PREDICTORS = [
    bm.Linear(),
    bm.Linear(intercept=False),
    bm.MLP((4,)),
    bm.MLP((), Tanh(), SCALES),
    bm.MLP((4,), Tanh(), Standardisation((), (), ((2.0, 3.0),))),
    *(bm.MLP((5, 3), activation, SCALES) for activation in ACTIVATIONS),
    bm.MLP((5, 3), SiLU(), TWO),
    *(several.predictor for several in SEVERAL.values()),
]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_an_activation_is_its_pymc_expression(activation: Activation) -> None:
    z = np.array([-800.0, -30.0, -5.0, -0.3, 1e-9, 0.7, 4.0, 40.0, 800.0])
    symbol = pm.math.constant(z)
    a = activation.pymc(pm, symbol)
    np.testing.assert_allclose(
        a.eval(mode="FAST_COMPILE"), activation.value(z), rtol=1e-12, atol=1e-300
    )
    slope = grad(a.sum(), symbol).eval(mode="FAST_COMPILE")
    np.testing.assert_allclose(slope, activation.slope(z, activation.value(z)), atol=1e-14)


@pytest.mark.parametrize("predictor", PREDICTORS, ids=repr)
def test_a_predictor_is_its_pymc_expression(predictor: Predictor, rng: np.random.Generator) -> None:
    """η, and the product of a vector with the Jacobian that PyTensor differentiates for itself."""
    X = rng.normal(size=(7, 3))
    parameters = {name: rng.normal(size=shape) for name, shape in predictor.shapes(3).items()}
    tensors = {name: pm.math.constant(value) for name, value in parameters.items()}
    eta = expression(predictor, tensors, pm.math.constant(X))
    joined = pm.math.stack(eta) if isinstance(eta, list) else eta
    expected = predictor.eta(parameters, X)
    np.testing.assert_allclose(joined.eval(mode="FAST_COMPILE"), expected, rtol=1e-12, atol=1e-14)
    cotangent = rng.normal(size=expected.shape)
    products = predictor.vjp(parameters, X, cotangent)
    assert products.keys() == tensors.keys()
    slopes = grad((joined * cotangent).sum(), list(tensors.values()))
    theirs = function([], slopes, mode="FAST_COMPILE")()
    for name, value in zip(tensors, theirs, strict=True):
        np.testing.assert_allclose(value, products[name], rtol=1e-9, atol=1e-12)


def test_a_predictor_without_an_expression_is_refused_by_name() -> None:
    class Plain:
        def __repr__(self) -> str:
            return "Plain()"

    assert not isinstance(Plain(), ExportsToPyMC)
    plain: Any = Plain()
    with pytest.raises(bm.IncompatibleModelError, match=r"Plain\(\) is no PyMC.*engine=Direct\(\)"):
        expression(plain, {}, None)


def test_the_exported_model_has_the_density_of_its_parts(rng: np.random.Generator) -> None:
    """log p(θ, φ, y) at a point, recomputed from η, the likelihood and the priors."""
    X = rng.normal(size=(9, 2))
    data = bm.Data(X, X @ [1.0, -2.0] + rng.normal(size=9))
    priors = bm.Independent(
        weights=bm.distributions.Laplace(0.0, 2.0),
        intercept=bm.Normal(0, 3),
        intercept_origin="original",
    )
    model = bm.Model(bm.Linear(), bm.StudentT(df=4.0, sigma=bm.HalfNormal(2.0)), priors)
    theirs = to_pymc(model, data)
    point = {"weights": np.array([0.5, -1.0]), "intercept": np.array(0.3)}
    value = theirs.compile_logp(jacobian=False, mode="FAST_COMPILE")(
        {**point, "sigma_log__": np.log(0.8)}
    )
    eta = bm.Linear().eta(point, X)
    ours = model.likelihood.log_density(data.y, eta, {"df": 4.0, "sigma": 0.8}).sum()
    ours += bm.distributions.Laplace(0.0, 2.0).log_density(point["weights"]).sum()
    ours += bm.Normal(0, 3).log_density(0.3) + bm.HalfNormal(2.0).log_density(0.8)
    assert value == pytest.approx(float(ours), rel=1e-10)
