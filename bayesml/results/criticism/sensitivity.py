"""Prior-data conflict of sampled answers: power scaling, by arviz-stats."""

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from bayesml.errors import PriorConflictWarning
from bayesml.log_joint import Rows, not_linear_gaussian
from bayesml.predictors import HasJacobian, Network
from bayesml.results.answer import Answer
from bayesml.results.criticism.linearised import estimates
from bayesml.results.criticism.told_apart import disagree, prior_of
from bayesml.results.export import to_datatree
from bayesml.results.findings import Finding
from bayesml.typing import Bools

if TYPE_CHECKING:
    import xarray as xr

GROUPS = ("prior", "likelihood")

SENSITIVE = 0.05
"""Kallioinen et al. (2023), §4: the distance from which sensitivity is a finding."""

MOST = 40_000_000
"""Draws times rows whose log likelihoods are worth it."""


def findings(answer: Answer) -> tuple[Finding, ...] | str:
    """Judge by how draws answer to another power of the prior, and of the likelihood (C11)."""
    problem, posterior = answer.problem, answer.learned.posterior
    if posterior.kind != "sampled" or not_linear_gaussian(problem) is None:
        return ()
    compared = posterior.compared
    if compared is None or not answer.data.in_memory:
        return ()
    predictor = problem.model.predictor
    if isinstance(predictor, Network) or not isinstance(predictor, HasJacobian):
        return f"prior-data conflict: it is asked of coefficients, which {predictor!r} has not."
    chains, draws = next(iter(compared.values.values())).shape[:2]
    if chains * draws * answer.data.m > MOST:
        return "prior-data conflict: log likelihoods of all draws and rows would fill the memory."
    return (_power_scaling(answer),)


def _power_scaling(answer: Answer) -> Finding:
    """Compare the coefficients, and look at those that the prior moved (C9, C11)."""
    from arviz_stats import psense

    tree = to_datatree(answer, log_likelihood=True, log_prior=True)
    names = list(answer.problem.shapes)
    by_prior, by_data = (_values(psense(tree, var_names=names, group=g)) for g in GROUPS)
    moved = dict(zip(by_prior, _moved(answer), strict=True))
    conflict = [k for k, v in by_prior.items() if moved[k] and min(v, by_data[k]) >= SENSITIVE]
    worst = max(conflict or by_prior, key=lambda k: by_prior[k])
    return Finding(
        f"sensitivity of {worst} to the power of the priors",
        not conflict,
        by_prior[worst],
        f"≤ {SENSITIVE:g}, unless the likelihood has no say or prior and data agree",
        f"{', '.join(conflict[:6])} would move with priors a little stronger or weaker, and with "
        "the likelihood as well: the two disagree.",
        "Ask whether the priors' scales and units are meant; widen them, or use the default.",
        PriorConflictWarning,
    )


def _moved(answer: Answer) -> Bools:
    """Say which entries a prior moved that the likelihood makes improbable, by one step (C9)."""
    problem, at = answer.problem, estimates(answer)
    beta = problem.frame.unnamed({k: at[k].reshape(s) for k, s in problem.shapes.items()})
    values = {name: at[name].reshape(()) for name in problem.model.likelihood.parameters}
    rows, G = Rows.of(problem), np.concatenate(list(problem.frame.matrices().values()))
    covariance = np.linalg.pinv(rows.information(beta, values), hermitian=True)
    error = np.sqrt(np.einsum("ij,jk,ik->i", G, covariance, G))
    step = G @ covariance @ rows.sums(beta, values).gradient
    moved: Bools = np.abs(step) > error
    normal = problem.prior.normal_rows(problem)
    if normal is None:
        return moved
    own = problem.hyperparameters
    shapes = {name: own[name].shape if name in own else () for name in normal.scale_names}
    sd = normal.scales({name: at[name].reshape(shape) for name, shape in shapes.items()})[1]
    P = (np.eye(len(beta)) if normal.rows is None else normal.rows) / sd[:, None]
    prior = prior_of(P, normal.mean / sd, G)
    return np.asarray(moved & disagree((G @ beta + step, error), prior, np.inf))


def _values(sensitivity: "xr.Dataset") -> dict[str, float]:
    """Return the sensitivity of every entry by name."""
    out: dict[str, float] = {}
    for name, values in sensitivity.data_vars.items():
        if values.ndim == 0:
            out[str(name)] = float(values)
        else:
            axes = [map(str, values.coords[dim].to_numpy()) for dim in values.dims]
            entries = zip(product(*axes), np.ravel(values.to_numpy()), strict=True)
            out |= {f"{name}[{', '.join(at)}]": float(v) for at, v in entries}
    return out
