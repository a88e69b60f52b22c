"""The beta distribution: the prior of a probability."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import betaln, xlog1py, xlogy

from bayesml.distributions.base import Parameter, exact, positive
from bayesml.distributions.supports import ContinuousSupport, UnitInterval
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class Beta:
    r"""Beta, :math:`p(x) = x^{a-1}(1 - x)^{b-1}/B(a, b)` for :math:`0 < x < 1`.

    Parameters
    ----------
    a, b : float or sequence of float
        Both positive; the mean is :math:`a/(a + b)`, and Beta(1, 1) is uniform.

    Raises
    ------
    IncompatibleModelError
        If a parameter is not positive and finite.

    Examples
    --------
    >>> Beta(2, 2).log_density(0.5).round(4), Beta(2, 2).score(0.5)
    (np.float64(0.4055), array(0.))
    """

    a: Parameter = 1.0
    b: Parameter = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "a", positive("Beta", "a", self.a))
        object.__setattr__(self, "b", positive("Beta", "b", self.b))

    @property
    def support(self) -> ContinuousSupport:
        """The open interval from 0 to 1."""
        return UnitInterval()

    @property
    def proper(self) -> bool:
        """True."""
        return True

    def log_density(self, x: ArrayLike) -> Array:
        """Evaluate log p(x)."""
        a, b, x = np.asarray(self.a), np.asarray(self.b), np.asarray(x, dtype=np.float64)
        within = UnitInterval().contains(x)
        at = np.where(within, x, 0.5)
        value = xlogy(a - 1.0, at) + xlog1py(b - 1.0, -at) - betaln(a, b)
        return np.where(within, value, -np.inf)

    def score(self, x: ArrayLike) -> Array:
        """Evaluate (a − 1)/x − (b − 1)/(1 − x)."""
        x = np.asarray(x, dtype=np.float64)
        return np.asarray((np.asarray(self.a) - 1) / x - (np.asarray(self.b) - 1) / (1 - x))

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate −(a − 1)/x² − (b − 1)/(1 − x)²."""
        x = np.asarray(x, dtype=np.float64)
        return np.asarray(
            -(np.asarray(self.a) - 1) / x**2 - (np.asarray(self.b) - 1) / (1 - x) ** 2
        )

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return rng.beta(self.a, self.b, shape)

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Array]]:
        """Return ``pm.Beta`` and its arguments."""
        return pm.Beta, {"alpha": exact(self.a), "beta": exact(self.b)}
