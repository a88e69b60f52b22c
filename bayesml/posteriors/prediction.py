"""What a fit says of new rows: a distribution per row, split into its sources.

Derived in docs/theory/prediction.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from bayesml.posteriors.mixture import check_probability, whole_number
from bayesml.typing import Array, ArrayLike

Sampler = Callable[[int, np.random.Generator], Array]


class Interval(NamedTuple):
    """Lower and upper ends, one entry a row."""

    lower: Array
    upper: Array


class RowDistribution(Protocol):
    """A univariate distribution per row."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def mean(self) -> Array:
        """Means, shape (rows,)."""

    @property
    def sd(self) -> Array:
        """Standard deviations, shape (rows,)."""

    def cdf(self, y: ArrayLike) -> Array:
        """Distribution function per row."""

    def log_density(self, y: ArrayLike) -> Array:
        """Log density per row."""

    def quantile(self, q: float) -> Array:
        """Quantiles per row."""


@dataclass(frozen=True, eq=False)
class Prediction:
    r"""The predictive distribution of every row.

    Of a new observation, unless it came from `expectation`. The variance splits by the law of
    total variance (P2):

    .. math:: \mathrm{Var}(y \mid x)
              = \underbrace{\mathrm{Var}\,E[y \mid x, \theta]}_{\text{epistemic}}
              + \underbrace{E\,\mathrm{Var}(y \mid x, \theta)}_{\text{aleatoric}}

    Epistemic uncertainty shrinks with more data, aleatoric does not.

    Attributes
    ----------
    distribution : RowDistribution
        The distribution itself.
    mean_function : RowDistribution
        The distribution of E[y | x, θ] over the posterior.
    aleatoric_variance : ndarray, shape (rows,)
        In squared units of y.

    Examples
    --------
    >>> import numpy as np, bayesml as bm
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(50, 1))
    >>> fit = bm.fit(bm.Model(), bm.Data(X, 2 * X[:, 0] + rng.normal(size=50)))
    >>> p = fit.predict([[0.0], [100.0]])
    >>> bool(p.epistemic_sd[1] > 10 * p.epistemic_sd[0])
    True
    >>> bool(np.allclose(p.sd**2, p.epistemic_sd**2 + p.aleatoric_sd**2))
    True
    """

    distribution: RowDistribution
    mean_function: RowDistribution
    aleatoric_variance: Array
    sampler: Sampler
    mean_sampler: Sampler

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.distribution.rows

    def __repr__(self) -> str:
        """Say how many rows there are and what can be asked."""
        return (
            f"Prediction({len(self)} rows: .mean, .sd, .epistemic_sd, .aleatoric_sd, "
            ".interval(0.9), .quantile(0.5), .log_prob(y), .expectation)"
        )

    @property
    def mean(self) -> Array:
        """E[y | x, data], in the unit of y, shape (rows,)."""
        return self.distribution.mean

    @property
    def sd(self) -> Array:
        """Standard deviation, in the unit of y, shape (rows,)."""
        return self.distribution.sd

    @property
    def epistemic_sd(self) -> Array:
        """Standard deviation of E[y | x, θ] over the posterior: what more data would reduce."""
        return self.mean_function.sd

    @property
    def aleatoric_sd(self) -> Array:
        """Root of the expected noise variance: what no data would reduce."""
        return np.sqrt(self.aleatoric_variance)

    @property
    def expectation(self) -> "Prediction":
        """The prediction of the mean E[y | x, θ] in place of a new observation."""
        return Prediction(
            self.mean_function,
            self.mean_function,
            np.zeros(len(self)),
            self.mean_sampler,
            self.mean_sampler,
        )

    def quantile(self, q: ArrayLike) -> Array:
        """Return y with P(Y ≤ y | x, data) = q.

        Parameters
        ----------
        q : float or sequence of float
            Strictly between 0 and 1.

        Returns
        -------
        ndarray, shape (rows,) or (len(q), rows)
            In the unit of y.
        """
        levels = check_probability(q)
        if levels.ndim == 0:
            return self.distribution.quantile(float(levels))
        return np.stack([self.distribution.quantile(float(level)) for level in levels])

    def interval(self, probability: float = 0.9) -> Interval:
        """Return the equal-tailed interval that holds y with the given probability.

        Parameters
        ----------
        probability : float
            For instance 0.9: from the 5 % to the 95 % quantile.

        Returns
        -------
        Interval
            ``lower`` and ``upper``, each of shape (rows,), in the unit of y.
        """
        inside = float(check_probability(probability))
        tail = 0.5 * (1.0 - inside)
        return Interval(self.quantile(tail), self.quantile(1.0 - tail))

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(Y ≤ y | x, data), for one y or one per row."""
        return self.distribution.cdf(y)

    def log_prob(self, y: ArrayLike) -> Array:
        """Evaluate the log predictive density of y, for one y or one per row."""
        return self.distribution.log_density(y)

    def sample(self, size: int = 1, *, rng: int | np.random.Generator | None = None) -> Array:
        """Draw from the predictive distribution, jointly across rows.

        Every draw takes one set of parameters for all rows, so that sums and contrasts over
        rows have the right uncertainty.

        Parameters
        ----------
        size : int
            Number of draws.
        rng : int, Generator or None

        Returns
        -------
        ndarray, shape (size, rows)
        """
        return self.sampler(whole_number(size, "size"), np.random.default_rng(rng))
