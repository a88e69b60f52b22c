"""Data that the model expects before it has seen any."""

from typing import TYPE_CHECKING

import numpy as np

from bayesml.arguments import seed_of, whole_number
from bayesml.data import Data
from bayesml.model import Model, require_model
from bayesml.results import datatree
from bayesml.results.prior import prior_draws

if TYPE_CHECKING:
    import xarray as xr


def prior_predictive(
    model: Model,
    data: Data,
    *,
    draws: int = 1000,
    rng: int | np.random.Generator | None = None,
) -> "xr.DataTree":
    r"""Draw parameters from the prior, and data sets from them: what the model expects to see.

    .. math:: \theta, \phi \sim p(\theta, \phi), \qquad
              \tilde y_i \sim p(\,\cdot \mid h_\theta(x_i), \phi)

    Parameters
    ----------
    model : Model
        With proper priors; the defaults are.
    data : Data
        Its rows x are where data are drawn, its scales resolve default priors. y is not used
        otherwise.
    draws : int
        How many data sets.
    rng : int, Generator or None

    Returns
    -------
    xarray.DataTree
        Groups ``prior`` and ``prior_predictive``, one chain of independent draws, with
        ``observed_data`` and ``constant_data`` to compare with.

    Raises
    ------
    ImproperPosteriorError
        If a prior is flat: nothing can be drawn from it.

    References
    ----------
    Gabry et al. (2019), Visualization in Bayesian workflow, §3.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
    >>> tree = bm.prior_predictive(bm.Model(), data, draws=200, rng=1)
    >>> tree["prior_predictive"]["y"].shape
    (1, 200, 3)
    """
    require_model(model, data, "prior_predictive")
    problem = model.resolve(data)
    generator = np.random.default_rng(seed_of(rng))
    values = prior_draws(problem, 1, whole_number(draws, "draws"), generator)
    model_eta = problem.model.predictor.eta
    replicated = datatree.posterior_predictive(problem.model, data, values, model_eta, generator)
    groups = {"prior": values, "prior_predictive": {"y": replicated}}
    return datatree.labelled_tree(groups, data, problem.known, problem.model.predictor)
