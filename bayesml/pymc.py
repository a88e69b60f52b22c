"""Models to PyMC and back: export one, extend it, and bring its draws back as a fit."""

from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.data import Data
from bayesml.errors import DataError
from bayesml.graphs.model import build
from bayesml.graphs.sampling import OF_PYMC, drawn_of
from bayesml.inference import NUTS, Learned, PyMC
from bayesml.inference.group_sampling import NO_EVIDENCE
from bayesml.model import Model, Problem
from bayesml.posteriors import SampledPosterior
from bayesml.results import Fit
from bayesml.results.fit import checked
from bayesml.samplers import STATISTICS
from bayesml.typing import Array

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["from_pymc", "to_pymc"]


def to_pymc(model: Model, data: Data) -> Any:
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


def from_pymc(model: Model, data: Data, trace: "xr.DataTree") -> Fit:
    """Return a fit of draws that PyMC made of the exported model, extended or not.

    Checks, predictions and comparisons then go on here. What the model was extended by has to
    leave what it was exported with in its place: predictions are those of `model`, with these
    draws of its parameters.

    Parameters
    ----------
    model : Model
        The declared model that was exported.
    data : Data
        The data that it was exported with.
    trace : DataTree
        As ``pm.sample`` returns it, with the sampler's statistics.

    Returns
    -------
    Fit
        As `NUTS` brings it.

    Raises
    ------
    DataError
        If draws of a parameter are missing, have another shape, or the sampler's statistics are.

    Examples
    --------
    >>> import bayesml as bm
    >>> from bayesml.pymc import from_pymc
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> data = bm.Data(X, 2.0 * X[:, 0] + np.sin(9 * np.arange(40)))
    >>> sampled = bm.fit(bm.Model(), data, bm.NUTS(progress=False), rng=1)
    >>> again = from_pymc(bm.Model(), data, sampled.idata)  # stands for a trace of pm.sample
    >>> bool((again.predict([[4.0]]).mean == sampled.predict([[4.0]]).mean)[0])
    True
    """
    start = perf_counter()
    problem = model.resolve(data)
    groups = set(trace.children)
    if not {"posterior", "sample_stats"} <= groups:
        raise DataError(
            f"from_pymc: the trace has the groups {sorted(groups)}; posterior and sample_stats are "
            "needed, as pm.sample returns them, so that convergence can be checked."
        )
    drawn, statistics = drawn_of(trace, {**OF_PYMC, **STATISTICS})
    if "diverging" not in statistics:
        raise DataError(
            "from_pymc: sample_stats has no 'diverging': give a trace of NUTS, by pm.sample."
        )
    chains = _chains(problem, drawn)
    number, size = statistics["diverging"].shape
    posterior = SampledPosterior(
        problem.model.predictor, problem.model.likelihood, chains, problem.known
    )
    learned = Learned(
        posterior,
        problem.model,
        f"{number} chains of {size} draws of a PyMC model",
        NO_EVIDENCE,
        sample_stats=statistics,
    )
    method = NUTS(draws=size, chains=number, engine=PyMC())
    elapsed = perf_counter() - start
    return checked(Fit(model, data, method, learned, problem.statistics, 0, elapsed))


def _chains(problem: Problem, drawn: dict[str, Array]) -> dict[str, Array]:
    """Return the draws of every parameter, in its shape."""
    shapes = problem.shapes_inferred
    missing = [name for name in shapes if name not in drawn]
    if missing:
        raise DataError(
            f"from_pymc: the trace has no draws of {missing}; it has {sorted(drawn)}. Export with "
            "to_pymc, and keep the variables' names."
        )
    for name, shape in shapes.items():
        if (found := drawn[name].shape[2:]) != shape:
            raise DataError(
                f"from_pymc: {name} has shape {found} in the trace and {shape} in the model: "
                "another model, or other data, were sampled."
            )
    return {name: np.asarray(drawn[name], dtype=np.float64) for name in shapes}
