"""One class among several: softmax. Derived in docs/theory/categorical_likelihoods.md."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import logsumexp

from bayesml.distributions import Classes, ContinuousSupport, Distribution, Support
from bayesml.likelihoods.averaging import normal_nodes, trapezoidal_average
from bayesml.likelihoods.base import Average, Stated
from bayesml.likelihoods.links import Link
from bayesml.likelihoods.probability_links import Logit
from bayesml.likelihoods.roles import checked_classes, known_classes
from bayesml.losses import Loss, Misclassification
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class Categorical:
    r"""One of K classes, whose log odds against the first are :math:`\eta_1, \dots, \eta_{K-1}`.

    .. math:: p(y = k \mid \eta) = \frac{e^{\eta_k}}{\sum_j e^{\eta_j}}, \qquad \eta_0 = 0

    Its negative logarithm is the softmax cross entropy (B6). Classes are numbered from zero in
    the order of their names, or of a categorical column; each but the first has a predictor of
    its own, whose weights are on the axis ``class``. Moments and quantiles are of the numbers,
    and mean something only where these have an order: ask `Prediction.probabilities`, or
    ``decide(Misclassification())``, the most probable one.

    Parameters
    ----------
    classes : tuple of str or None
        None learns them from the data.

    Raises
    ------
    IncompatibleModelError
        If there are fewer than two classes.

    References
    ----------
    Agresti (2013), Categorical Data Analysis, §8.1; Bishop (2006), Pattern Recognition and
    Machine Learning, §4.3.4.

    Examples
    --------
    >>> three = Categorical(("a", "b", "c"))
    >>> np.exp(three.log_density([0, 1, 2], np.zeros((2, 3)), {})).round(4)
    array([0.3333, 0.3333, 0.3333])
    """

    classes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.classes is None:
            return
        object.__setattr__(self, "classes", checked_classes("Categorical", self.classes))

    def of_classes(self, classes: tuple[str, ...]) -> "Categorical":
        """Return the likelihood of these classes."""
        return replace(self, classes=classes)

    @property
    def output_names(self) -> tuple[str, ...]:
        """All classes but the first."""
        return known_classes("Categorical", self.classes)[1:]

    @property
    def support(self) -> Support:
        """The numbers of the classes."""
        return Classes(self.classes)

    @property
    def link(self) -> Link:
        """Log odds of every class against the first."""
        return Logit()

    @property
    def loss(self) -> Loss:
        """Whether the class is another one."""
        return Misclassification()

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """None."""
        return {}

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """None."""
        return {}

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """None."""
        return {}

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """None."""
        return {}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """One for every class but the first, around even odds."""
        return ((0.0, 1.0),) * len(self.output_names)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature over all outputs (B8), of two classes over one (K4)."""
        if len(eta) == 1:
            return trapezoidal_average(self, eta, covariance, parameters)
        weights, nodes = normal_nodes(eta, covariance)
        return Average(weights, nodes, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the log probability of y, −∞ where it is no class (B6)."""
        logits = self._logits(eta)
        k = np.asarray(y, dtype=np.float64)
        there = self.support.contains(k)
        which = np.where(there, k, 0.0).astype(np.intp)
        chosen = _pick(logits, which)
        return np.where(there, chosen - logsumexp(logits, axis=0), -np.inf)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate [y = k] − p_k for every output (B7)."""
        p = self.probabilities(eta, parameters)[1:]
        k = np.arange(1, len(p) + 1).reshape(-1, *[1] * (p.ndim - 1))
        return self._as_read((np.asarray(y) == k) - p)

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate diag(p) − ppᵀ, shape (k, k, ...), or (...) for one output (B7)."""
        p = self.probabilities(eta, parameters)
        own, rest = p[1:], -p[1:, None] * p[None, 1:]
        others = p.sum(axis=0) - own  # 1 − p, without cancellation where p is nearly one
        for k in range(len(own)):
            others[k] = np.sum(np.delete(p, k + 1, axis=0), axis=0)
            rest[k, k] = own[k] * others[k]
        return rest if len(own) > 1 else np.asarray(rest[0, 0])

    def recession_cone(self, y: Array) -> Array:
        """Return η of the class of every row less that of every other one, (K − 1, K − 1, m)."""
        k, classes = np.asarray(y, dtype=np.intp), len(self.output_names) + 1
        others = (k + np.arange(1, classes)[:, None]) % classes  # all but k, shape (K − 1, m)
        unit = np.eye(classes)[1:]  # of η₁, η₂, …; that of the first class is zero
        return np.asarray(unit[:, k] - np.moveaxis(unit[:, others], 0, 1))

    @property
    def canonical(self) -> bool:
        """True."""
        return True

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """There are none."""
        return {}

    def probabilities(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the probability of every class, shape (K, ...)."""
        logits = self._logits(eta)
        return np.asarray(np.exp(logits - logsumexp(logits, axis=0)))

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the mean number of the class."""
        p = self.probabilities(eta, parameters)
        return np.asarray(np.tensordot(np.arange(len(p), dtype=np.float64), p, axes=1))

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the standard deviation of the number of the class."""
        p = self.probabilities(eta, parameters)
        away = np.arange(len(p)).reshape(-1, *[1] * (p.ndim - 1)) - self.mean(eta, parameters)
        return np.sqrt(np.sum(p * away**2, axis=0))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the probability of a class of a number up to y."""
        return self._summed(eta, lambda k: k <= np.asarray(y))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the probability of a class of a number beyond y."""
        return self._summed(eta, lambda k: k > np.asarray(y))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw numbers of classes, by the largest of log odds with Gumbel noise."""
        logits = self._logits(eta)
        noisy = logits + rng.gumbel(size=logits.shape)
        return np.argmax(noisy, axis=0).astype(np.float64)

    def describe(self) -> str:
        """Say the model of one observation in words."""
        of = "the classes of the data" if self.classes is None else ", ".join(self.classes)
        return f"y ~ Categorical(softmax(0, η)), of {of}"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Categorical, and its arguments."""
        k = len(self.output_names)
        outputs = [eta[j] for j in range(k)] if k > 1 else [eta]
        logits = pm.math.stack([0.0 * outputs[0], *outputs], axis=-1)
        return pm.Categorical, {"logit_p": logits}

    def _logits(self, eta: ArrayLike) -> Array:
        outputs = np.asarray(eta, dtype=np.float64)
        outputs = outputs if len(self.output_names) > 1 else outputs[None]
        return np.concatenate([np.zeros((1, *outputs.shape[1:])), outputs])

    def _as_read(self, values: Array) -> Array:
        return np.asarray(values if len(self.output_names) > 1 else values[0])

    def _summed(self, eta: ArrayLike, chosen: Any) -> Array:
        p = self.probabilities(eta, {})
        return np.asarray(sum(np.where(chosen(k), p[k], 0.0) for k in range(len(p))))


def _pick(logits: Array, which: Any) -> Array:
    """Return the log odds of the class of every row, broadcast."""
    shape = np.broadcast_shapes(logits.shape[1:], which.shape)
    wide = np.broadcast_to(logits, (len(logits), *shape))
    return np.asarray(np.take_along_axis(wide, np.broadcast_to(which, shape)[None], axis=0)[0])
