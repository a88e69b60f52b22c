"""A declared model as a PyMC model: the only file that imports PyMC."""

from collections.abc import Sequence
from itertools import batched
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.data import Data
from bayesml.distributions import (
    Distribution,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    Laplace,
    Normal,
    StudentT,
    stack,
)
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import Likelihood
from bayesml.model import Model, Problem
from bayesml.predictors import GELU, MLP, Activation, ReLU, SiLU, Softplus, Tanh
from bayesml.priors import Independent, Layered, NormalInverseGamma
from bayesml.samplers import STATISTICS
from bayesml.typing import Array, ArrayLike

if TYPE_CHECKING:
    import pymc


def to_pymc(model: Model, data: Data) -> "pymc.Model":
    """Return the declared model, with these data, as a PyMC model.

    Variables carry the package's names (``intercept``, ``weights``, ``sigma``, ``df``, ``y``) and
    coordinates (``feature``, ``observation``); X and y are ``pm.Data``, so that new values can be
    set. A prior on the intercept at the centre is on ``intercept_centred``, and ``intercept`` is
    deterministic.

    Parameters
    ----------
    model : Model
    data : Data

    Returns
    -------
    pymc.Model

    Examples
    --------
    >>> import bayesml as bm
    >>> from bayesml.pymc import to_pymc
    >>> data = bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
    >>> sorted(v.name for v in to_pymc(bm.Model(), data).free_RVs)
    ['intercept_centred', 'sigma', 'weights']
    """
    return build(model.resolve(data))


def build(problem: Problem) -> "pymc.Model":
    """Return a resolved problem as a PyMC model."""
    import pymc as pm

    data = problem.data
    rows = np.arange(data.m) if data.row_labels is None else data.row_labels
    coords = {"feature": list(data.feature_names), "observation": rows}
    with pm.Model(coords=coords) as pymc_model:
        X = pm.Data("X", np.asarray(data.X, dtype=np.float64), dims=("observation", "feature"))
        y = pm.Data("y_observed", np.asarray(data.y), dims="observation")
        if isinstance(problem.prior, NormalInverseGamma):
            noise, eta = _conjugate(problem, problem.prior, X)
        else:
            noise = {name: noise_variable(name, p) for name, p in problem.inferred.items()}
            if isinstance(problem.prior, Layered):
                eta = _network(problem, problem.prior, X)
            else:
                eta = _predictor(problem, problem.prior, X)
        observe(
            problem.model.likelihood,
            eta,
            noise | {k: _exact(v) for k, v in problem.known.items()},
            y,
            data,
        )
    return pymc_model


def _predictor(problem: Problem, prior: Independent, X: Any) -> Any:
    import pymc as pm

    priors = problem.coefficient_priors()
    weights = _weights(priors[int(problem.has_intercept) :], problem.data.feature_names)
    if not problem.has_intercept:
        return X @ weights
    if prior.intercept_origin == "original":
        return variable("intercept", prior.intercept) + X @ weights
    mean_X = problem.statistics.mean_X
    centred = variable("intercept_centred", prior.intercept)
    pm.Deterministic("intercept", centred - weights @ mean_X)
    return centred + (X - mean_X) @ weights


def _network(problem: Problem, prior: Layered, X: Any) -> Any:
    """Return η of a network, its prior scales learned or known."""
    import pymc as pm

    network = problem.model.predictor
    if not isinstance(network, MLP):
        raise IncompatibleModelError(f"Layered() is the prior of a network, got {network!r}.")
    shapes = network.shapes(problem.data.n)
    groups = prior.groups(shapes, problem.data.feature_names)
    precision: Any = prior.precision(groups)
    if prior.learned:
        size = len(groups.names)
        precision = pm.Gamma("precision", alpha=prior.shape, beta=prior.rate, shape=size)
    sd = precision[groups.members] ** -0.5
    scales = network.standardisation
    a = X if scales is None else (X - np.array(scales.mean_X)) / np.array(scales.sd_X)
    start = 0
    for layer, (weights, biases) in enumerate(batched(shapes.items(), 2), start=1):
        parts = []
        for name, shape in (weights, biases):
            scale = sd[start : start + prod(shape)].reshape(shape)
            parts.append(pm.Normal(name, 0.0, scale, shape=shape))
            start += prod(shape)
        a = pm.math.dot(a, parts[0].T) + parts[1]
        if layer < network.depth:
            a = _activation(network.activation, a)
    outputs = [c + s * a[:, k] for k, (c, s) in enumerate(network.outputs)]
    return outputs[0] if len(outputs) == 1 else outputs


def _activation(activation: Activation, z: Any) -> Any:
    import pymc as pm

    match activation:
        case Tanh():
            return pm.math.tanh(z)
        case ReLU():
            return pm.math.maximum(z, 0.0)
        case SiLU():
            return z * pm.math.sigmoid(z)
        case GELU():
            return 0.5 * z * (1.0 + pm.math.erf(z / np.sqrt(2.0)))
        case Softplus():
            return pm.math.log1pexp(z)
    raise IncompatibleModelError(f"No PyMC activation for {activation!r}.")


def _conjugate(problem: Problem, prior: NormalInverseGamma, X: Any) -> tuple[dict[str, Any], Any]:
    import pymc as pm

    variance = pm.InverseGamma("sigma_squared", alpha=_exact(prior.shape), beta=_exact(prior.rate))
    sigma = pm.Deterministic("sigma", variance**0.5)
    scale = sigma * _exact(prior.scale)
    weights = pm.Normal("weights", _exact(prior.mean), scale, dims="feature")
    if not problem.has_intercept:
        return {"sigma": sigma}, X @ weights
    mean_X = problem.statistics.mean_X
    centred = pm.Normal("intercept_centred", prior.intercept_mean, sigma * prior.intercept_scale)
    pm.Deterministic("intercept", centred - weights @ mean_X)
    return {"sigma": sigma}, centred + (X - mean_X) @ weights


def _weights(priors: Sequence[Distribution], names: Sequence[str]) -> Any:
    """Return the weights as one vector, of one distribution where the family is the same."""
    import pymc as pm

    if not priors:
        return np.zeros(0)
    if len({type(prior) for prior in priors}) == 1:
        return variable("weights", stack(priors), dims="feature")
    parts = [variable(f"weights_{n}", p) for n, p in zip(names, priors, strict=True)]
    return pm.Deterministic("weights", pm.math.stack(parts), dims="feature")


def variable(name: str, prior: Distribution, dims: str | None = None) -> Any:
    """Return a PyMC variable with this prior."""
    import pymc as pm

    match prior:
        case Flat():
            return pm.Flat(name, dims=dims)
        case Normal(mean, sd):
            return pm.Normal(name, _exact(mean), _exact(sd), dims=dims)
        case StudentT(df, location, scale):
            return pm.StudentT(
                name,
                nu=_exact(df),
                mu=_exact(location),
                sigma=_exact(scale),
                dims=dims,
            )
        case Laplace(location, scale):
            return pm.Laplace(name, _exact(location), _exact(scale), dims=dims)
    raise IncompatibleModelError(f"No PyMC variable on the real line for {prior!r}.")


def noise_variable(name: str, prior: Distribution) -> Any:
    """Return a positive PyMC variable with this prior."""
    import pymc as pm

    match prior:
        case Flat():
            return pm.HalfFlat(name)
        case HalfNormal(scale):
            return pm.HalfNormal(name, _exact(scale))
        case HalfCauchy(scale):
            return pm.HalfCauchy(name, _exact(scale))
        case HalfStudentT(df, scale):
            return pm.HalfStudentT(name, nu=_exact(df), sigma=_exact(scale))
        case Exponential(rate):
            return pm.Exponential(name, lam=_exact(rate))
        case Gamma(shape, rate):
            return pm.Gamma(name, alpha=_exact(shape), beta=_exact(rate))
        case InverseGamma(shape, scale):
            return pm.InverseGamma(name, alpha=_exact(shape), beta=_exact(scale))
    raise IncompatibleModelError(f"No positive PyMC variable for {prior!r}.")


def _exact(number: ArrayLike) -> Array:
    """Return float64: PyTensor stores a Python float that fits as float32, logs and all."""
    return np.asarray(number, dtype=np.float64)


def observe(likelihood: Likelihood, eta: Any, noise: dict[str, Any], y: Any, data: Data) -> None:
    """Add the observed rows; weighted rows enter as a potential Σ wᵢ log p(yᵢ)."""
    import pymc as pm

    family, arguments = likelihood.pymc(pm, eta, noise)
    if data.observation_weights is None:
        family("y", observed=y, dims="observation", **arguments)
        return
    log_density = pm.logp(family.dist(**arguments), y)
    pm.Potential("weighted_log_likelihood", (data.observation_weights * log_density).sum())


def sample(
    model: "pymc.Model",
    *,
    draws: int,
    tune: int,
    chains: int,
    target_accept: float,
    max_depth: int,
    seed: int,
    progress: bool,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Sample a PyMC model with ``pm.sample`` on nutpie; checking is for the caller.

    Returns
    -------
    draws, statistics : dict of ndarray, shape (chain, draw, ...)
        Variables by name, and sampler statistics in ArviZ's names.
    """
    import pymc as pm

    tree = pm.sample(
        draws=draws,
        tune=tune,
        chains=chains,
        random_seed=seed,
        progressbar=progress,
        nuts_sampler="nutpie",
        nuts={"target_accept": target_accept, "max_treedepth": max_depth},
        compile_kwargs={"freeze_model": True},
        compute_convergence_checks=False,
        model=model,
    )
    found = tree.sample_stats.data_vars
    statistics = {ours: np.asarray(found[n]) for n, ours in STATISTICS.items() if n in found}
    return {str(k): np.asarray(v) for k, v in tree.posterior.data_vars.items()}, statistics
