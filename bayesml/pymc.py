"""A declared model as a PyMC model: the only file that imports PyMC."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.data import Data
from bayesml.distributions import ContinuousSupport, Distribution, exact
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import Likelihood
from bayesml.model import Model, Problem
from bayesml.predictors import ExportsToPyMC, Frame, Predictor, labels_of
from bayesml.priors import ExportsPrior
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
    ['coefficients_whitened', 'sigma']
    """
    return build(model.resolve(data))


def build(problem: Problem) -> "pymc.Model":
    """Return a resolved problem as a PyMC model."""
    import pymc as pm

    data = problem.data
    rows = np.arange(data.m) if data.row_labels is None else data.row_labels
    coords: dict[str, Any] = dict(labels_of(problem.model.predictor, problem.feature_names))
    columns = "feature" if coords["feature"] == list(data.feature_names) else "column"
    coords |= {"observation": rows, columns: list(data.feature_names)}
    with pm.Model(coords=coords) as pymc_model:
        X = pm.Data("X", np.asarray(data.X, dtype=np.float64), dims=("observation", columns))
        y = pm.Data("y_observed", np.asarray(data.y), dims="observation")
        parameters, values = _prior(problem)
        supports = problem.model.likelihood.parameter_supports
        for name, prior in problem.inferred.items():
            if name not in values:
                values[name] = variable(name, prior, supports[name])
        frame = problem.frame
        A = X if frame.centre is None else X - frame.centre
        eta = expression(frame.predictor, parameters, A if frame.unit is None else A / frame.unit)
        for name, moved in _moves(frame, parameters).items():
            if name not in pymc_model.named_vars:
                dims = frame.predictor.dims().get(name)
                pm.Deterministic(name, parameters[name] - moved, dims=dims)
        known = {name: exact(value) for name, value in problem.known.items()}
        observe(problem.model.likelihood, eta, values | known, y, data)
    return pymc_model


def _moves(frame: Frame, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return how far every intercept is counted from the user's."""
    if frame.centre is None:
        return {"intercept": 0.0} if "intercept" in parameters else {}
    return {
        shift.intercept: parameters[shift.weights] @ shift.of(frame.centre)
        for shift in frame.shifts
    }


def _prior(problem: Problem) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the predictor's parameters as counted in β, and what else the prior infers."""
    import pymc as pm

    prior = problem.prior
    if not isinstance(prior, ExportsPrior):
        raise IncompatibleModelError(
            f"{prior!r} is no PyMC expression: {type(prior).__name__} has no pymc(pm, problem). "
            "Write that method, or use NUTS(engine=Direct()), which needs none."
        )
    return prior.pymc(pm, problem)


def variable(
    name: str, distribution: Distribution, support: ContinuousSupport, dims: str | None = None
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
