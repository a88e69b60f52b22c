"""The evidence of every model of some features, each by a factor of its own."""

import numpy as np

from bayesml.posteriors.subset_regression import SubsetRegression
from bayesml.typing import Array, Bools


def log_evidences(regression: SubsetRegression, models: Bools) -> Array:
    """Evaluate log p(y | γ) of models of shape (K, n), by (Y4)."""
    return np.array([_log_evidence(regression, np.flatnonzero(model)) for model in models])


def _log_evidence(regression: SubsetRegression, inside: np.ndarray) -> float:
    k = len(inside)
    rows = regression.factor[:, [*inside, regression.n]]
    R = np.linalg.qr(np.vstack([rows, np.eye(k, k + 1)]), mode="r")
    diagonal = np.abs(np.diag(R))
    fitted = regression.shape * np.log(0.5 * diagonal[-1] ** 2)
    return float(regression.log_constant - np.sum(np.log(diagonal[:-1])) - fitted)
