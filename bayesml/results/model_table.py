"""The most probable models of a fit that averages over them."""

from typing import TYPE_CHECKING

import numpy as np

from bayesml.arguments import whole_number
from bayesml.errors import IncompatibleModelError
from bayesml.posteriors import OverModels
from bayesml.results.fit import Fit, require_fit

if TYPE_CHECKING:
    import pandas as pd


def model_table(fit: Fit, most: int = 10) -> "pd.DataFrame":
    """Return the most probable models: which features they have, and how probable they are.

    Parameters
    ----------
    fit : Fit
        Under `SpikeAndSlab`.
    most : int
        How many models.

    Returns
    -------
    pandas.DataFrame
        A row a model; columns ``probability``, of all models; ``odds``, against the most probable
        one; ``size``; and ``features``, their names with commas between.

    Raises
    ------
    IncompatibleModelError
        If the fit is of one model.

    Examples
    --------
    >>> import numpy as np, bayesml as bm
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 3))
    >>> data = bm.Data(X, X[:, 0] + rng.normal(size=100), feature_names=["a", "b", "c"])
    >>> fit = bm.fit(bm.Model(prior=bm.SpikeAndSlab()), data)
    >>> model_table(fit, 2)["features"].tolist()
    ['a', 'a, c']
    """
    import pandas as pd

    posterior = require_fit(fit, "model_table").learned.posterior
    if not isinstance(posterior, OverModels):
        raise IncompatibleModelError(
            "model_table is of a fit that averages over models, and this one is of all features "
            f"together ({fit.explanation}). Use Model(prior=SpikeAndSlab())."
        )
    probabilities = posterior.model_probabilities
    order = np.argsort(-probabilities, kind="stable")[: whole_number(most, "most")]
    names = np.asarray(fit.data.feature_names)
    rows = {
        "probability": probabilities[order],
        "odds": probabilities[order] / probabilities[order[0]],
        "size": posterior.models[order].sum(axis=1),
        "features": [", ".join(names[model]) for model in posterior.models[order]],
    }
    return pd.DataFrame(rows)
