"""The package as scikit-learn estimators: names and shapes are theirs, the mathematics is not here.

Described in docs/guides/scikit_learn.md. Needs scikit-learn: ``pip install scikit-learn``.
"""

from typing import Any, Self

import numpy as np

import bayesml as bm
from bayesml.errors import MissingDependencyError
from bayesml.typing import Array, ArrayLike

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise MissingDependencyError(
        f"bayesml.sklearn needs scikit-learn, which cannot be imported ({error}). "
        "Install it: pip install scikit-learn"
    ) from error

__all__ = ["BayesianRegressor"]


def default_model(data: bm.Data) -> bm.Model:
    """Return the linear model whose noise is small at the least, and not zero."""
    spread = float(np.sqrt(np.cov(data.y, aweights=data.observation_weights, ddof=0)))
    return bm.Model(bm.Linear(), bm.Gaussian(bm.InverseGamma(1.0, 0.01 * (spread or 1.0))))


class BayesianRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A model of this package, learned by a method of this package, for pipelines and searches.

    Parameters
    ----------
    model : Model or None
        What is believed. None is ``Model()``, linear with Gaussian noise and default priors,
        except that the prior of the noise excludes zero: InverseGamma(1, sd(y)/100). Estimators
        have to learn targets that they fit exactly, where `Model()` has no posterior.
    method : Method or None
        How to learn; None is ``Auto()``, exact where that exists.
    random_state : int, RandomState or None
        Seed of everything random.

    Attributes
    ----------
    fit_ : Fit
        Everything that the package says of the answer: ``estimator.fit_.check()``, ….
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        If X was a frame.

    Examples
    --------
    >>> import numpy as np, bayesml as bm
    >>> from sklearn.model_selection import GridSearchCV
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = X[:, 0] + 0.1 * np.random.default_rng(1).normal(size=60)
    >>> wide, narrow = (
    ...     bm.Model(prior=bm.Independent(weights=bm.Normal(0, sd))) for sd in (10, 1e-3)
    ... )
    >>> search = GridSearchCV(BayesianRegressor(), {"model": [wide, narrow]}).fit(X, y)
    >>> search.best_params_["model"] == wide
    True
    """

    def __init__(
        self,
        model: bm.Model | None = None,
        method: Any = None,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.method = method
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from rows X, shape (m, n), and their targets y, shape (m,).

        Parameters
        ----------
        X, y : array_like or data frame
        sample_weight : array_like, shape (m,), optional
            How many times each row counts: weight 2 is the row twice.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        names = getattr(self, "feature_names_in_", None)
        data = bm.Data(
            X,
            np.asarray(y, dtype=np.float64),
            observation_weights=weights,
            feature_names=None if names is None else names.tolist(),
            target_name="target",
        )
        model = default_model(data) if self.model is None else self.model
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.fit_ = bm.fit(model, data, self.method, rng=seed)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return means, and with `return_std` standard deviations of new observations too."""
        prediction = self._predict(X)
        return (prediction.mean, prediction.sd) if return_std else prediction.mean

    def predict_interval(self, X: Any, probability: float = 0.9) -> Array:
        """Return equal-tailed intervals of new observations, shape (rows, 2)."""
        return np.column_stack(self._predict(X).interval(probability))

    def predict_quantiles(self, X: Any, quantiles: ArrayLike = (0.05, 0.5, 0.95)) -> Array:
        """Return quantiles of new observations, shape (rows, len(quantiles))."""
        return self._predict(X).quantile(np.atleast_1d(quantiles)).T

    def sample_y(self, X: Any, n_samples: int = 1, random_state: Any = 0) -> Array:
        """Draw new observations, jointly across rows, shape (rows, n_samples)."""
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        return self._predict(X).sample(n_samples, rng=seed).T

    def _predict(self, X: Any) -> bm.Prediction:
        check_is_fitted(self)
        return self.fit_.predict(validate_data(self, X, dtype=np.float64, reset=False))
