"""A declared model as a PyMC model, every part by its own expression."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.data import Data
from bayesml.distributions import ContinuousSupport, Distribution, exact
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import Likelihood
from bayesml.model import Problem
from bayesml.predictors import ExportsToPyMC, Frame, Predictor, labels_of
from bayesml.priors import exported

if TYPE_CHECKING:
    import pymc


def build(problem: Problem) -> "pymc.Model":
    """Return a resolved problem as a PyMC model."""
    import pymc as pm

    data = problem.data
    with pm.Model(coords=coordinates(problem)) as pymc_model:
        columns = "feature" if data.feature_names == problem_features(problem) else "column"
        X = pm.Data("X", np.asarray(data.X, dtype=np.float64), dims=("observation", columns))
        y = pm.Data("y_observed", np.asarray(data.y), dims="observation")
        parameters, values = variables(problem)
        frame = problem.frame
        A = X if frame.centre is None else X - frame.centre
        eta = expression(frame.predictor, parameters, A if frame.unit is None else A / frame.unit)
        known = {name: exact(value) for name, value in problem.known.items()}
        observe(problem.model.likelihood, eta, values | known, y, data)
    return pymc_model


def problem_features(problem: Problem) -> tuple[str, ...]:
    """Return the features that weights of η are of."""
    return tuple(labels_of(problem.model.predictor, problem.feature_names)["feature"])


def coordinates(problem: Problem) -> dict[str, Any]:
    """Return the labels of all axes."""
    data = problem.data
    rows = np.arange(data.m) if data.row_labels is None else data.row_labels
    coords: dict[str, Any] = dict(labels_of(problem.model.predictor, problem.feature_names))
    columns = "feature" if coords["feature"] == list(data.feature_names) else "column"
    return coords | {"observation": rows, columns: list(data.feature_names)}


def variables(problem: Problem) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make the predictor's parameters, as counted in β, and all others, with their priors.

    Intercepts that are counted from the centre are deterministic, under their own name.
    """
    import pymc as pm

    supports = problem.model.likelihood.parameter_supports
    noise = {  # first, since a prior may be in units of it
        name: variable(name, prior, supports[name])
        for name, prior in problem.inferred.items()
        if name not in problem.hyperparameters
    }
    parameters, values = _prior(problem)
    values = noise | values
    frame, dims = problem.frame, problem.frame.predictor.dims()
    for name, moved in _moves(frame, parameters).items():
        if name not in pm.modelcontext(None).named_vars:
            pm.Deterministic(name, parameters[name] - moved, dims=dims.get(name))
    return parameters, values


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

    return exported(problem.prior, pm, problem)


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
