"""A declared model as a PyMC model: the only file that imports PyMC."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.data import Data
from bayesml.distributions import Distribution, Interval, Positive, Real, exact, stack
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import Likelihood
from bayesml.model import Model, Problem
from bayesml.predictors import ExportsToPyMC, Predictor
from bayesml.priors import Independent, Layered, NormalInverseGamma
from bayesml.samplers import STATISTICS
from bayesml.typing import Array

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
            noise = {name: variable(name, p, Positive()) for name, p in problem.inferred.items()}
            if isinstance(problem.prior, Layered):
                eta = _network(problem, problem.prior, X)
            else:
                eta = _predictor(problem, problem.prior, X)
        observe(
            problem.model.likelihood,
            eta,
            noise | {k: exact(v) for k, v in problem.known.items()},
            y,
            data,
        )
    return pymc_model


def _predictor(problem: Problem, prior: Independent, X: Any) -> Any:
    import pymc as pm

    priors = problem.coefficient_priors()
    weights = _weights(priors[int(problem.has_intercept) :], problem.data.feature_names)
    predictor, parameters = problem.model.predictor, {"weights": weights}
    if not problem.has_intercept:
        return expression(predictor, parameters, X)
    if prior.intercept_origin == "original":
        parameters["intercept"] = variable("intercept", prior.intercept, Real())
        return expression(predictor, parameters, X)
    mean_X = problem.statistics.mean_X
    parameters["intercept"] = variable("intercept_centred", prior.intercept, Real())
    pm.Deterministic("intercept", parameters["intercept"] - weights @ mean_X)
    return expression(predictor, parameters, X - mean_X)


def _network(problem: Problem, prior: Layered, X: Any) -> Any:
    """Return η of a network, its prior scales learned or known."""
    import pymc as pm

    shapes = problem.model.predictor.shapes(problem.data.n)
    groups = prior.groups(shapes, problem.data.feature_names)
    precision: Any = prior.precision(groups)
    if prior.learned:
        size = len(groups.names)
        precision = pm.Gamma("precision", alpha=prior.shape, beta=prior.rate, shape=size)
    sd = precision[groups.members] ** -0.5
    parameters, start = {}, 0
    for name, shape in shapes.items():
        scale = sd[start : start + prod(shape)].reshape(shape)
        parameters[name] = pm.Normal(name, 0.0, scale, shape=shape)
        start += prod(shape)
    return expression(problem.model.predictor, parameters, X)


def _conjugate(problem: Problem, prior: NormalInverseGamma, X: Any) -> tuple[dict[str, Any], Any]:
    import pymc as pm

    variance = pm.InverseGamma("sigma_squared", alpha=exact(prior.shape), beta=exact(prior.rate))
    sigma = pm.Deterministic("sigma", variance**0.5)
    scale = sigma * exact(prior.scale)
    weights = pm.Normal("weights", exact(prior.mean), scale, dims="feature")
    predictor, parameters = problem.model.predictor, {"weights": weights}
    if not problem.has_intercept:
        return {"sigma": sigma}, expression(predictor, parameters, X)
    mean_X = problem.statistics.mean_X
    centred = pm.Normal("intercept_centred", prior.intercept_mean, sigma * prior.intercept_scale)
    pm.Deterministic("intercept", centred - weights @ mean_X)
    eta = expression(predictor, parameters | {"intercept": centred}, X - mean_X)
    return {"sigma": sigma}, eta


def _weights(priors: Sequence[Distribution], names: Sequence[str]) -> Any:
    """Return the weights as one vector, of one distribution where the family is the same."""
    import pymc as pm

    if not priors:
        return np.zeros(0)
    if len({type(prior) for prior in priors}) == 1:
        return variable("weights", stack(priors), Real(), dims="feature")
    parts = [variable(f"weights_{n}", p, Real()) for n, p in zip(names, priors, strict=True)]
    return pm.Deterministic("weights", pm.math.stack(parts), dims="feature")


def variable(
    name: str, distribution: Distribution, support: Interval, dims: str | None = None
) -> Any:
    """Return a PyMC variable of a parameter that lives on `support`, with this prior."""
    import pymc as pm

    family, arguments = distribution.pymc(pm, support)
    return family(name, dims=dims, **arguments)


def expression(predictor: Predictor, parameters: Mapping[str, Any], X: Any) -> Any:
    """Return η of tensors by name; refuse a predictor that is no PyMC expression."""
    import pymc as pm

    if not isinstance(predictor, ExportsToPyMC):
        raise IncompatibleModelError(
            f"{predictor!r} is no PyMC expression: {type(predictor).__name__} has no "
            "pymc(pm, parameters, X). Write that method, or use NUTS(engine=Direct()), which "
            "needs none."
        )
    return predictor.pymc(pm, parameters, X)


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
