"""What was learned as draws, and as an `xarray.DataTree` in ArviZ's schema."""

from typing import TYPE_CHECKING

import numpy as np

from bayesml.arguments import require_memory, whole_number
from bayesml.posteriors import Audited
from bayesml.results import datatree
from bayesml.results.answer import DRAWS, PREDICTIVE, PRIOR, Answer, generator
from bayesml.results.prior import prior_draws
from bayesml.typing import Array

if TYPE_CHECKING:
    import xarray as xr


APPROXIMATION = "the approximation, not reweighted; Fit.reweighted() weighs its draws"
"""What the draws of an audited approximation are of, among the attributes of their group."""


def parameter_draws(answer: Answer, chains: int = 4, draws: int = 1000) -> dict[str, Array]:
    """Return parameter draws by name, shape (chain, draw, ...), the same at every call.

    Parameters
    ----------
    chains, draws : int
        How many; sampled answers keep their own, and a point estimate is one draw.

    Raises
    ------
    DataError
        If a number is not a whole number of at least one.
    TooLargeError
        If they do not fit in memory.
    """
    whole_number(chains, "chains"), whole_number(draws, "draws")
    if answer.learned.posterior.kind not in ("sampled", "point"):
        size = answer.problem.size
        what = f"{chains:,} chains of {draws:,} draws of {size:,} parameters"
        require_memory(3.0 * chains * draws * size, what, "take fewer draws")
    return answer.learned.posterior.draws(chains, draws, generator(answer, DRAWS))


def kept_draws(answer: Answer, chains: int = 4, draws: int | None = None) -> dict[str, Array]:
    """Return as many draws as a DataTree holds where their number is not given.

    Of an approximation that was audited these are the draws of the audit.
    """
    posterior = answer.learned.posterior
    if draws is None and isinstance(posterior, Audited):
        values = posterior.audited_parameters()
        return {name: in_chains(v, chains) for name, v in values.items()}
    return parameter_draws(answer, chains, _affordable(answer, chains) if draws is None else draws)


def kept_statistics(answer: Answer, values: dict[str, Array]) -> dict[str, Array]:
    """Return statistics of the kept draws: log densities where they were audited (U4)."""
    posterior = answer.learned.posterior
    stats = dict(datatree.sample_stats(answer.learned, values))
    if not isinstance(posterior, Audited):
        return stats
    chains, audited = next(iter(values.values())).shape[0], posterior.audited
    found = {"log_p": audited.log_p, "log_q": audited.log_q}
    found["log_weights"] = audited.smoothed.log_weights
    return stats | {name: in_chains(v, chains) for name, v in found.items()}


def in_chains(values: Array, chains: int) -> Array:
    """Lay draws of shape (S, ...) out as chains; what does not fill them all is left out."""
    each = len(values) // chains
    return values[: each * chains].reshape(chains, each, *values.shape[1:])


def so_many_draws(answer: Answer, number: int) -> dict[str, Array]:
    """Return exactly so many draws, evenly picked or repeated, shape (1, draw, ...)."""
    values = parameter_draws(answer, 1, number)
    flat = {name: v.reshape(v.shape[0] * v.shape[1], *v.shape[2:]) for name, v in values.items()}
    size = len(next(iter(flat.values())))
    picked = np.linspace(0, size - 1, number).round().astype(int)
    return {name: v[None, picked] for name, v in flat.items()}


def _affordable(answer: Answer, chains: int) -> int:
    shapes = answer.learned.resolved.predictor.shapes(answer.data.n)
    return datatree.affordable_draws(shapes, chains)


def to_datatree(
    answer: Answer,
    *,
    chains: int = 4,
    draws: int | None = None,
    log_likelihood: bool = False,
    log_prior: bool = False,
    posterior_predictive: bool = False,
    prior: bool = False,
) -> "xr.DataTree":
    """Return the result as a DataTree in ArviZ's schema.

    Parameters
    ----------
    chains, draws : int
        How many independent draws to make of an exact answer; None takes 1000, or as many
        as fit in 1 GB of parameters, and the group's attributes say so. Sampled answers keep
        their own, and a point estimate is one draw. Of `Laplace` None takes the draws of its
        audit: they are of the Gaussian, and ``sample_stats`` has ``log_p``, ``log_q`` and the
        smoothed ``log_weights`` of each. `Fit.reweighted` weighs them.
    log_likelihood, log_prior, posterior_predictive, prior : bool
        Which of these groups to add; log_likelihood and posterior_predictive hold one number
        per draw and row, and prior as many draws of the priors. log_likelihood is that of one
        copy of each row, which `az.loo` leaves out; how many copies there are is in
        ``constant_data``, and `bayesml.compare` counts them.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior``, ``sample_stats``, ``observed_data``, ``constant_data`` and those
        asked for, with the feature names and row labels as coordinates. Rows of weight zero
        are in none of them. Parameters without
        a distribution are in ``constant_data``: noise that is known or tuned, hidden layers
        at their mode.
    """
    whole_number(chains, "chains")
    posterior = answer.learned.posterior
    values = kept_draws(answer, chains, draws)
    groups: dict[str, dict[str, Array]] = {"posterior": values}
    audited = draws is None and isinstance(posterior, Audited)
    stats = kept_statistics(answer, values) if audited else {}
    groups["sample_stats"] = stats or dict(datatree.sample_stats(answer.learned, values))
    if log_prior:
        groups["log_prior"] = datatree.log_prior(answer.problem, values)
    if posterior_predictive:
        groups["posterior_predictive"] = {"y": _replicated(answer, values)}
    if prior:
        datatree.refuse_networks(answer.problem, "prior")
        made, each = next(iter(values.values())).shape[:2]
        groups["prior"] = prior_draws(answer.problem, made, each, generator(answer, PRIOR))
    tree = datatree.without_absent_rows(_tree(answer, groups), answer.data)
    if log_likelihood:
        tree["log_likelihood"] = _log_likelihood(answer, values)
    affordable = _affordable(answer, chains)
    fewer = draws is None and affordable < datatree.DRAWS
    if fewer and posterior.kind not in ("sampled", "point"):
        tree["posterior"].attrs["draws"] = f"{affordable} a chain, for these fill 1 GB"
    if isinstance(posterior, Audited):
        tree["posterior"].attrs["drawn_from"] = APPROXIMATION
    return tree


def posterior_predictive(answer: Answer, *, chains: int = 4, draws: int = 250) -> "xr.DataTree":
    r"""Return data sets that the fit expects at the rows that it learned from.

    .. math:: \theta, \phi \sim p(\theta, \phi \mid \mathcal D), \qquad
              \tilde y_i \sim p(\,\cdot \mid h_\theta(x_i), \phi)

    Parameters
    ----------
    chains, draws : int
        How many; of sampled answers, at most that many draws of each of its chains, evenly
        spaced. The group holds chains × draws × m numbers.

    Returns
    -------
    xarray.DataTree
        As `to_datatree`, with the group ``posterior_predictive``.

    Examples
    --------
    >>> import bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]), rng=1)
    >>> fit.posterior_predictive(draws=100)["posterior_predictive"]["y"].shape
    (4, 100, 3)
    """
    values = parameter_draws(answer, whole_number(chains, "chains"), whole_number(draws, "draws"))
    step = -(-next(iter(values.values())).shape[1] // draws)
    values = {name: v[:, ::step] for name, v in values.items()}
    replicated = {"y": _replicated(answer, values)}
    return _tree(answer, {"posterior": values, "posterior_predictive": replicated})


def _log_likelihood(answer: Answer, values: dict[str, Array]) -> "xr.DataTree":
    import xarray as xr

    model, eta = answer.learned.resolved, answer.learned.posterior.eta
    return xr.DataTree(datatree.log_likelihood(model, answer.data, values, eta))


def _replicated(answer: Answer, values: dict[str, Array]) -> Array:
    return datatree.posterior_predictive(
        answer.learned.resolved,
        answer.data,
        values,
        answer.learned.posterior.eta,
        generator(answer, PREDICTIVE),
    )


def _tree(answer: Answer, groups: dict[str, dict[str, Array]]) -> "xr.DataTree":
    known = answer.problem.known | dict(answer.learned.posterior.constants)
    return datatree.labelled_tree(groups, answer.data, known, answer.learned.resolved.predictor)
