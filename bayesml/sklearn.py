"""The package as scikit-learn estimators: names and shapes are theirs, the mathematics is not here.

Described in docs/guides/scikit_learn.md. Needs scikit-learn: ``pip install scikit-learn``.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import numpy as np

import bayesml as bm
from bayesml.data.inputs import common_labels
from bayesml.errors import MissingDependencyError
from bayesml.inference.default_network import default_layers
from bayesml.typing import Array, ArrayLike

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise MissingDependencyError(
        f"bayesml.sklearn needs scikit-learn, which cannot be imported ({error}). "
        "Install it: pip install scikit-learn"
    ) from error

__all__ = [
    "BayesianClassifier",
    "BayesianMLPClassifier",
    "BayesianMLPRegressor",
    "BayesianRegressor",
]


class _LearnsDistributions:
    """Fitting a declared model and predicting by it: a mix-in, as scikit-learn's own are."""

    random_state: Any
    _declared: Callable[[bm.Data], tuple[bm.Model, Any]]
    """The model and the method that the parameters of an estimator state."""

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from rows X, shape (m, n), and their targets y, shape (m,).

        Parameters
        ----------
        X, y : array_like or data frame
        sample_weight : array_like, shape (m,), optional
            How many times each row counts: weight 2 is the row twice.
        """
        data = _data(self, X, y, sample_weight)
        model, method = self._declared(data)
        self.fit_ = bm.fit(model, data, method, rng=_seed(self.random_state))
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
        return self._predict(X).sample(n_samples, rng=_seed(random_state)).T

    def _predict(self, X: Any) -> bm.Prediction:
        check_is_fitted(self)
        return self.fit_.predict(validate_data(self, X, dtype=np.float64, reset=False))


class _HasCoefficients:
    """The weights of a linear predictor as scikit-learn calls them, with their uncertainty."""

    fit_: bm.Fit

    @property
    def coef_(self) -> Array:
        """Means of the weights, or their estimates, shape (n,); of classes (1, n) or (K, n)."""
        return self._shaped(_entries(self, "weights")["mean"])

    @property
    def coef_sd_(self) -> Array:
        """Their standard deviations, or standard errors of a point estimate, in that shape."""
        return self._shaped(_entries(self, "weights").iloc[:, 1])

    @property
    def intercept_(self) -> Any:
        """Mean of the intercept, 0.0 without one; of classes an array, (1,) or (K,)."""
        return self._of_intercept(0)

    @property
    def intercept_sd_(self) -> Any:
        """Its standard deviation, or standard error."""
        return self._of_intercept(1)

    def _shaped(self, weights: Any) -> Array:
        return np.asarray(weights, dtype=np.float64)

    def _of_intercept(self, column: int) -> Any:
        found = _entries(self, "intercept", or_none=True)
        return float(found.iloc[0, column]) if len(found) else 0.0


class _HasCoefficientsOfClasses(_HasCoefficients):
    """The same of log odds: of the second class, or of each against the first, whose row is 0."""

    classes_: Any

    def _shaped(self, weights: Any) -> Array:
        rows = 1 if len(self.classes_) == 2 else len(self.classes_) - 1
        found = np.asarray(weights, dtype=np.float64).reshape(rows, -1)
        return found if len(self.classes_) == 2 else np.vstack([np.zeros_like(found[:1]), found])

    def _of_intercept(self, column: int) -> Array:
        rows = 1 if len(self.classes_) == 2 else len(self.classes_)
        out = np.zeros(rows)
        found = _entries(self, "intercept", or_none=True)
        if len(found):
            out[rows - len(found) :] = found.iloc[:, column]
        return out


def _entries(estimator: Any, name: str, *, or_none: bool = False) -> Any:
    """Return the lines of the table of a fit that are entries of one parameter."""
    check_is_fitted(estimator)
    table = estimator.fit_.summary()
    found = table[[line.partition("[")[0] == name for line in table.index]]
    if not (len(found) or or_none):
        raise AttributeError(
            f"{type(estimator).__name__} has no coef_: {estimator.fit_.resolved.predictor!r} has "
            "not one weight a feature."
        )
    return found


class BayesianRegressor(
    _HasCoefficients,
    _LearnsDistributions,
    RegressorMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """A model of this package, learned by a method of this package, for pipelines and searches.

    Parameters
    ----------
    model : Model or None
        What is believed. None is ``Model()``, linear with Gaussian noise and default priors,
        except that the prior of the noise excludes zero: InverseGamma(1, sd(y)/100). Estimators
        have to learn targets that they fit exactly, where `Model()` has no posterior.
    likelihood : Likelihood or None
        In the place of a whole model: ``Poisson()`` for counts, ``GammaResponse()``,
        ``AsymmetricLaplace(0.9)``, …, with a linear predictor and default priors.
    method : Method or None
        How to learn; None is ``Auto()``, exact where that exists.
    random_state : int, RandomState or None
        Seed of everything random.

    Attributes
    ----------
    fit_ : Fit
        Everything that the package says of the answer: ``estimator.fit_.check()``, ….
    coef_, coef_sd_ : ndarray, shape (n,)
    intercept_, intercept_sd_ : float
        Of linear models.
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
        likelihood: Any = None,
        method: Any = None,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.likelihood = likelihood
        self.method = method
        self.random_state = random_state

    def _declared(self, data: bm.Data) -> tuple[bm.Model, Any]:
        if self.model is not None and self.likelihood is not None:
            raise ValueError(
                f"BayesianRegressor: model and likelihood are both stated, {self.model!r} and "
                f"{self.likelihood!r}. State the likelihood in the model."
            )
        if self.model is not None:
            return self.model, self.method
        likelihood = _noise(data) if self.likelihood is None else self.likelihood
        return bm.Model(likelihood=likelihood), self.method


class _LearnsProbabilities:
    """Fitting a declared model of classes and predicting by it."""

    random_state: Any
    _declared: Callable[[bm.Data, tuple[str, ...]], tuple[bm.Model, Any]]
    """The model and the method that the parameters of an estimator state, of such classes."""

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from rows X, shape (m, n), and their classes y, shape (m,).

        Parameters
        ----------
        X, y : array_like or data frame
        sample_weight : array_like, shape (m,), optional
            How many times each row counts: weight 2 is the row twice.
        """
        _require_aligned(X, y)
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has one class, {self.classes_[0]!r}, and two or more are needed to tell apart."
            )
        data = _rows(self, X, numbers, sample_weight)
        model, method = self._declared(data, tuple(map(str, self.classes_)))
        self.fit_ = bm.fit(model, data, method, rng=_seed(self.random_state))
        return self

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of every class, shape (rows, classes), as in `classes_`."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return self.fit_.predict(rows).probabilities

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of these."""
        return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> Any:
        """Return the most probable class of every row."""
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]


def _of_classes(classes: tuple[str, ...]) -> Any:
    return bm.Bernoulli() if len(classes) == 2 else bm.Categorical(classes)


class BayesianClassifier(
    _HasCoefficientsOfClasses,
    ClassifierMixin,  # type: ignore[misc]
    _LearnsProbabilities,
    BaseEstimator,  # type: ignore[misc]
):
    """Logistic regression of two classes or more, whose probabilities know what is uncertain.

    Parameters
    ----------
    model : Model or None
        What is believed. None is ``Model(likelihood=Bernoulli())`` for two classes and
        ``Categorical()`` for more, linear with default priors.
    method : Method or None
        How to learn; None is ``Laplace()``, whose audit is in ``fit_.check()``.
    random_state : int, RandomState or None
        Seed of everything random.

    Attributes
    ----------
    classes_ : ndarray
    coef_, coef_sd_ : ndarray, shape (1, n), or (classes, n)
        Log odds per unit of x: of the second class, or of each against the first.
    intercept_, intercept_sd_ : ndarray
    fit_ : Fit
        Everything that the package says of the answer: ``estimator.fit_.check()``, ….
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        If X was a frame.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 2))
    >>> latent = X[:, 0] + rng.normal(size=90)
    >>> y = np.array(["low", "middle", "top"])[np.digitize(latent, [-0.5, 0.5])]
    >>> classifier = BayesianClassifier(random_state=1).fit(X, y)
    >>> classifier.predict_proba([[0.1, 0.0]]).sum().round(12)
    np.float64(1.0)
    >>> classifier.predict([[3.0, 0.0]])
    array(['top'], dtype='<U6')
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

    def _declared(self, data: bm.Data, classes: tuple[str, ...]) -> tuple[bm.Model, Any]:
        own = bm.Model(likelihood=_of_classes(classes))
        method = bm.Laplace() if self.method is None else self.method
        return own if self.model is None else self.model, method


class BayesianMLPRegressor(_LearnsDistributions, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A multilayer perceptron whose predictions are distributions, for pipelines and searches.

    Features and target are standardised inside. There is no ``alpha``: the scale of each layer's
    weights, and of every input's, is learned by evidence.

    What is not stated is chosen by ``bayesml.default_network``.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, optional
        Units in every hidden layer; None takes them from the numbers of rows and features.
    activation : Activation or None
        ``ReLU()``, ``SiLU()``, … from ``bayesml.predictors``; None is ``Tanh()``.
    likelihood : Likelihood or None
        None lets rows that are held out choose, or is Gaussian noise whose prior excludes zero
        where a method is stated, as in `BayesianRegressor`.
    prior : Prior or None
        None is ``Layered()``, which learns the scales; ``Layered(sd=1.0)`` knows them.
    method : Method or None
        How to learn: ``MAP()``, ``Ensemble(8, Laplace())``, ``Langevin()``, …. None is the default
        for so many rows.
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
    >>> import numpy as np
    >>> X = np.linspace(-2, 2, 80)[:, None]
    >>> y = np.sin(2 * X[:, 0]) + 0.1 * np.random.default_rng(0).normal(size=80)
    >>> network = BayesianMLPRegressor(hidden_layer_sizes=(10,), random_state=1).fit(X, y)
    >>> network.score(X, y) > 0.95
    True
    >>> inside, outside = network.fit_.predict([[0.5], [6.0]]).epistemic_sd
    >>> bool(outside > 5 * inside)
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = None,
        activation: Any = None,
        likelihood: Any = None,
        prior: Any = None,
        method: Any = None,
        random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.likelihood = likelihood
        self.prior = prior
        self.method = method
        self.random_state = random_state

    def _declared(self, data: bm.Data) -> tuple[bm.Model, Any]:
        likelihood = self.likelihood
        if likelihood is None and self.method is not None:
            likelihood = _noise(data)
        return _network(self, data, likelihood)


class BayesianMLPClassifier(ClassifierMixin, _LearnsProbabilities, BaseEstimator):  # type: ignore[misc]
    """A multilayer perceptron of two classes or more whose probabilities are averaged.

    What is not stated is chosen by ``bayesml.default_network``.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, optional
        Units in every hidden layer; None takes them from the numbers of rows and features.
    activation : Activation or None
        ``ReLU()``, ``SiLU()``, … from ``bayesml.predictors``; None is ``Tanh()``.
    prior : Prior or None
        None is ``Layered()``, which learns the scales.
    method : Method or None
        How to learn; None is the default for so many rows.
    random_state : int, RandomState or None
        Seed of everything random.

    Attributes
    ----------
    classes_ : ndarray
    fit_ : Fit
        Everything that the package says of the answer: ``estimator.fit_.check()``, ….
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        If X was a frame.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(120, 2))
    >>> y = X[:, 0] ** 2 + X[:, 1] ** 2 > 1.2
    >>> network = BayesianMLPClassifier(hidden_layer_sizes=(8,), random_state=1).fit(X, y)
    >>> network.score(X, y) > 0.9
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = None,
        activation: Any = None,
        prior: Any = None,
        method: Any = None,
        random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.prior = prior
        self.method = method
        self.random_state = random_state

    def _declared(self, data: bm.Data, classes: tuple[str, ...]) -> tuple[bm.Model, Any]:
        return _network(self, data, _of_classes(classes))


def _network(
    estimator: "BayesianMLPRegressor | BayesianMLPClassifier", data: bm.Data, likelihood: Any
) -> tuple[bm.Model, Any]:
    """Return what is stated, and the default where nothing is."""
    sizes: Any = estimator.hidden_layer_sizes
    if sizes is None:
        network = default_layers(data)
    else:
        network = bm.MLP((sizes,) if np.ndim(sizes) == 0 else sizes)
    if estimator.activation is not None:
        network = replace(network, activation=estimator.activation)
    prior = bm.Layered() if estimator.prior is None else estimator.prior
    if estimator.method is not None:
        return bm.Model(network, likelihood, prior), estimator.method
    return bm.default_network(
        data, _seed(estimator.random_state), network=network, likelihood=likelihood, prior=prior
    )


def _data(estimator: Any, X: Any, y: Any, sample_weight: ArrayLike | None) -> bm.Data:
    """Check rows as scikit-learn does, which tells the estimator their features."""
    _require_aligned(X, y)
    X, y = validate_data(estimator, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
    return _rows(estimator, X, y, sample_weight)


def _require_aligned(X: Any, y: Any) -> None:
    """Refuse what scikit-learn takes in silence: masked values, rows of other pandas indexes."""
    for name, part in (("X", X), ("y", y)):
        if isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part):
            raise bm.DataError(f"{name} has masked values; drop or fill them")
    common_labels({"X": X, "y": y})


def _rows(estimator: Any, X: Any, y: Any, sample_weight: ArrayLike | None) -> bm.Data:
    weights = None
    if sample_weight is not None:
        weights = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
    names = getattr(estimator, "feature_names_in_", None)
    return bm.Data(
        X,
        np.asarray(y, dtype=np.float64),
        observation_weights=weights,
        feature_names=None if names is None else names.tolist(),
        target_name="target",
    )


def _noise(data: bm.Data) -> bm.Gaussian:
    """Return noise that is small at the least, and not zero."""
    spread = float(np.sqrt(np.cov(data.y, aweights=data.observation_weights, ddof=0)))
    return bm.Gaussian(bm.InverseGamma(1.0, 0.01 * (spread or 1.0)))


def _seed(random_state: Any) -> int:
    return int(check_random_state(random_state).randint(2**31 - 1))
