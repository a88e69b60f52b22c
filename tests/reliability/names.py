"""What the declared bad inputs are written with: small data, and fits of them."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

import bayesml as bm
import bayesml.sklearn as sk


@cache
def names() -> dict[str, Any]:
    """Return the names that a case may use; nothing of them is changed."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = X[:, 0] + 0.1 * rng.normal(size=30)
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y, g=["u", "v", "w"] * 10)
    counts = bm.Data(X, np.round(np.exp(y)))
    data = bm.Data(X, y)
    masked = np.ma.array(X, mask=np.arange(90).reshape(30, 3) == 10)
    fit = bm.fit(bm.Model(), data, rng=1)
    poisson = bm.fit(bm.Model(likelihood=bm.Poisson()), counts, bm.Laplace(), rng=1)
    return {
        "bm": bm,
        "np": np,
        "pd": pd,
        "sk": sk,
        "X": X,
        "y": y,
        "frame": frame,
        "data": data,
        "masked": masked,
        "fit": fit,
        "p": fit.predict(X[:2]),
        "point": bm.fit(bm.Model(), data, bm.MLE()),
        "poisson": poisson,
        "counts": poisson.predict(X[:2]),
        "formula": bm.fit(bm.Model(), bm.Data.from_formula("y ~ a + g", frame), rng=1),
        "inf": np.inf,
        "nan": np.nan,
    }
