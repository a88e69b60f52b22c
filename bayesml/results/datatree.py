"""A fit as an `xarray.DataTree` in ArviZ's schema, from every kind of answer."""

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bayesml.arguments import require_memory
from bayesml.data import Block, Data
from bayesml.errors import IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.model import Model, Problem
from bayesml.posteriors.rows import row_blocks
from bayesml.predictors import Network, Predictor, flat, labels_of
from bayesml.priors import OfEntries
from bayesml.typing import Array, Integers

if TYPE_CHECKING:
    import xarray as xr


class RowsOf(NamedTuple):
    """Which rows of the data, and how often each is there."""

    positions: Integers
    weights: Array


Eta = Callable[[Mapping[str, Array], Array], Array]
Datasets = dict[str, "xr.Dataset"]

DRAWS = 1000
"""Draws a chain, where their number is not given."""

MOST_BYTES = 10**9
"""Bytes that these draws of the parameters may take."""


def dataset(
    variables: Mapping[str, Array], dims: Mapping[str, list[str]], coords: Mapping[str, Any]
) -> "xr.Dataset":
    """Label bare arrays, once, at the boundary."""
    import xarray as xr

    labelled = {
        name: (["chain", "draw", *dims.get(name, _axes(name, values))], values)
        for name, values in variables.items()
    }
    first = next(iter(variables.values()))
    sampled = {"chain": np.arange(first.shape[0]), "draw": np.arange(first.shape[1])}
    used = {d for name in variables for d in dims.get(name, [])}
    return xr.Dataset(
        labelled,
        coords=sampled | {name: values for name, values in coords.items() if name in used},
        attrs={"inference_library": "bayesml", "sample_dims": ["chain", "draw"]},
    )


def _axes(name: str, values: Array) -> list[str]:
    """Name the axes of what states none, as ArviZ does."""
    return [f"{name}_dim_{k}" for k in range(values.ndim - 2)]


def labelled_tree(
    groups: Mapping[str, Mapping[str, Array]],
    data: Data,
    known: Mapping[str, Any],
    predictor: Predictor,
) -> "xr.DataTree":
    """Put groups of draws together with what was observed and given.

    Parameters
    ----------
    groups : mapping of group to draws by name
    data : Data
    known : mapping of name to value
        What has no distribution: it is constant data, and no draws of it are.
    predictor : Predictor
        Which names the axes of its parameters.
    """
    import xarray as xr

    dims = {
        **predictor.dims(),
        "y": ["observation"],
        "prior_sd": ["group"],
        "inclusion": ["feature"],
        "local_scale": ["feature"],
    }
    labels = labels_of(predictor, data.feature_names)
    coords = {**labels, "observation": observation_labels(data)}
    labelled: Datasets = {}
    for group, draws in groups.items():
        uncertain = {name: values for name, values in draws.items() if name not in known}
        labelled[group] = dataset(uncertain, dims, coords)
    constants = {name: (dims.get(name, []), value) for name, value in known.items()}
    return xr.DataTree.from_dict(labelled | data_groups(data, constants, labels))


def observation_labels(data: Data) -> Any:
    """Return the labels of the rows."""
    return np.arange(data.m) if data.row_labels is None else data.row_labels


def data_groups(data: Data, known: Mapping[str, Any], coords: Mapping[str, list[str]]) -> Datasets:
    """Return what was observed, and what was given; of rows that are not in memory, neither."""
    import xarray as xr

    if not data.in_memory:
        return {"constant_data": xr.Dataset(dict(known), dict(coords))}
    column = "feature" if coords["feature"] == list(data.feature_names) else "column"
    labels = {**coords, "observation": observation_labels(data), column: list(data.feature_names)}
    given: dict[str, Any] = {"X": (["observation", column], data.X)}
    if data.observation_weights is not None:
        given["observation_weights"] = (["observation"], data.observation_weights)
    observed = {"y": (["observation"], data.y)}
    rows = {"observation": labels["observation"]}
    return {
        "observed_data": xr.Dataset(observed, rows, {"target_name": data.target_name}),
        "constant_data": xr.Dataset(given | dict(known), labels),
    }


def row_log_densities(
    model: Model, data: Data, draws: Mapping[str, Array], eta_of: Eta
) -> Iterator[tuple[RowsOf, Array]]:
    """Evaluate log p(yᵢ | draw) of one copy of rows with a weight, a few rows at a time.

    Yields
    ------
    RowsOf
        Which rows, and their weights.
    ndarray, shape (chain, draw, rows)
    """
    chains, per_chain = next(iter(draws.values())).shape[:2]
    noise = noise_of(model, draws)
    for rows, block in _small_blocks(data, chains * per_chain):
        there = np.flatnonzero(block.row_weights > 0)
        if not len(there):
            continue
        X, y = block.X[there], block.y[there]
        log_p = np.empty((chains, per_chain, len(there)))
        log_p[...] = model.likelihood.log_density(y, eta_of(draws, X), noise)
        yield RowsOf(there + rows.start, block.row_weights[there]), log_p


def log_likelihood(
    model: Model, data: Data, draws: Mapping[str, Array], eta_of: Eta
) -> "xr.Dataset":
    """Return log p(yᵢ | draw) of one copy of every row of positive weight, labelled."""
    chains, per_chain = next(iter(draws.values())).shape[:2]
    _require_rows(data, 2 * chains * per_chain, "log densities")
    parts = list(row_log_densities(model, data, draws, eta_of))
    labels = observation_labels(data)[np.concatenate([rows.positions for rows, _ in parts])]
    values = {"y": np.concatenate([log_p for _, log_p in parts], axis=-1)}
    return dataset(values, {"y": ["observation"]}, {"observation": labels})


def without_absent_rows(tree: "xr.DataTree", data: Data) -> "xr.DataTree":
    """Leave rows of weight zero out of all groups of rows, since ArviZ would count them."""
    if not (data.source.weighted and data.has_rows):
        return tree
    there = np.concatenate([block.row_weights > 0 for block in data.blocks()])
    return tree if there.all() else tree.isel(observation=there, missing_dims="ignore")


def posterior_predictive(
    model: Model,
    data: Data,
    draws: Mapping[str, Array],
    eta_of: Eta,
    rng: np.random.Generator,
) -> Array:
    """Draw one replicated data set per parameter draw, shape (chain, draw, observation)."""
    first = next(iter(draws.values()))
    chains, per_chain = first.shape[:2]
    _require_rows(data, chains * per_chain, "replicated data sets")
    out = np.empty((chains, per_chain, data.m))
    noise = noise_of(model, draws)
    for rows, block in _small_blocks(data, chains * per_chain):
        eta = eta_of(draws, block.X)
        out[..., rows] = model.likelihood.sample(eta, noise, rng)
    return out


def _require_rows(data: Data, width: int, what: str) -> None:
    """Refuse numbers for every row and draw that do not fit in memory."""
    words = f"{what} of {width:,} draws and {data.m:,} rows"
    require_memory(float(width) * data.m, words, "take fewer draws, or rows: chains=1, draws=100")


def _small_blocks(data: Data, width: int) -> Iterator[tuple[slice, Block]]:
    """Read the rows in order, so few at a time that rows × width stays bounded; say which."""
    start = 0
    for block in data.blocks():
        w = block.observation_weights
        for rows in row_blocks(len(block.y), width):
            part = Block(block.X[rows], block.y[rows], None if w is None else w[rows])
            yield slice(start + rows.start, start + rows.stop), part
        start += len(block.y)


def affordable_draws(shapes: Mapping[str, tuple[int, ...]], chains: int) -> int:
    """Return how many draws a chain to make where their number is not given.

    >>> affordable_draws({"weights": (3,)}, 4), affordable_draws({"weights": (1000, 1000)}, 4)
    (1000, 31)
    """
    size = sum(prod(shape) for shape in shapes.values())
    return max(1, min(DRAWS, MOST_BYTES // (8 * size * chains))) if size else DRAWS


def noise_of(model: Model, draws: Mapping[str, Array]) -> dict[str, Any]:
    """Return the noise parameters of every draw, broadcastable against rows."""
    noise: dict[str, Any] = {}
    for name, value in model.likelihood.parameters.items():
        noise[name] = draws[name][..., None] if name in draws else value
    return noise


def log_prior(problem: Problem, draws: Mapping[str, Array]) -> dict[str, Array]:
    """Evaluate the log prior density of every parameter, in the shape of its draws.

    The coefficients of a prior that is no product over entries are one number, ``coefficients``.
    """
    refuse_networks(problem, "log_prior")
    beta, values = problem.frame.unnamed(draws), {**problem.known, **draws}
    prior, out = problem.prior, {}
    if isinstance(prior, OfEntries):
        entries = prior.entry_log_densities(problem, beta, values)
        out = flat.split(entries, problem.frame.shapes)
        out = {name: terms for name, terms in out.items() if terms.size}
    else:
        out["coefficients"] = prior.log_density_and_score(problem, beta, values).value
    stated = problem.inferred | {k: v.prior for k, v in problem.hyperparameters.items()}
    return out | {name: each.log_density(draws[name]) for name, each in stated.items()}


def refuse_networks(problem: Problem, group: str) -> None:
    """Refuse a group of the DataTree that needs the priors of coefficients."""
    if isinstance(problem.model.predictor, Network):
        raise IncompatibleModelError(
            f"to_datatree: a network has no group {group!r}, since the scales of its priors are "
            "learned with it and its weights have many equivalent labellings. Leave it out, and "
            "compare networks by log_likelihood=True and az.loo."
        )


def sample_stats(learned: Learned, draws: Mapping[str, Array]) -> Mapping[str, Array]:
    """Return the sampler's statistics; independent draws state that nothing diverged."""
    if learned.sample_stats:
        return learned.sample_stats
    first = next(iter(draws.values()))
    return {"diverging": np.zeros(first.shape[:2], dtype=bool)}
