"""What a fit says of new rows: a distribution per row, split into its sources.

Derived in docs/theory/prediction.md.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.arguments import (
    at_levels,
    generator_of,
    one_probability,
    require_memory,
    tail_of,
    whole_number,
)
from bayesml.data.array_designs import class_numbers
from bayesml.errors import DataError, LikelihoodWarning
from bayesml.losses import Loss
from bayesml.posteriors import decisions
from bayesml.posteriors.row_distribution import Interval, OfClasses, RowDistribution
from bayesml.posteriors.transformed import TransformedPrediction, transformed
from bayesml.typing import Array, ArrayLike

if TYPE_CHECKING:
    import pandas as pd

NO_MEAN = (
    "y has no mean, which is NaN here: its tails are too heavy, as those of StudentT are where "
    "df ≤ 1. Quantiles, intervals and probabilities are exact: take quantile(0.5) for the centre, "
    "or a prior of df that excludes this, such as the default."
)

SHOWN_ROWS = 10
"""Rows of a prediction that a notebook shows."""

Booleans = NDArray[np.bool]
Sampler = Callable[[int, np.random.Generator], Array]


class Leverage(NamedTuple):
    """How far rows lie from the training data, and how far the furthest of those lies."""

    rows: Array
    largest_in_training: float


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
    locate : callable or None
        Computes leverages, if the prediction knows the training data.
    classes : tuple or None
        Labels of classes, in the order of their numbers, where the target was learned as labels.

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
    locate: Callable[[], Leverage] | None = field(default=None, repr=False)
    classes: tuple[Any, ...] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.distribution.rows

    def __repr__(self) -> str:
        """Say how many rows there are and what can be asked."""
        return (
            f"Prediction({len(self)} rows: .mean, .sd, .epistemic_sd, .aleatoric_sd, "
            ".interval(0.9), .quantile(0.5), .exceedance(c), .decide(loss), .log_prob(y), "
            ".expectation, .to_frame())"
        )

    def _repr_html_(self) -> str:
        """Show the numbers of the first rows."""
        first = slice(0, SHOWN_ROWS)
        shown = {name: values[first] for name, values in self._moments().items()}
        more = f", the first {SHOWN_ROWS} of them" if len(self) > SHOWN_ROWS else ""
        return f"<p>Prediction of {len(self)} rows{more}</p>{_frame(shown).to_html()}"

    def _moments(self) -> dict[str, Array]:
        return {
            "mean": self.mean,
            "sd": self.sd,
            "epistemic_sd": self.epistemic_sd,
            "aleatoric_sd": self.aleatoric_sd,
        }

    def to_frame(self, probability: float = 0.9) -> "pd.DataFrame":
        """Return a table with one row each, in the unit of y.

        Parameters
        ----------
        probability : float
            Mass of the equal-tailed interval from ``lower`` to ``upper``.

        Returns
        -------
        pandas.DataFrame
            Columns ``mean``, ``sd``, ``epistemic_sd``, ``aleatoric_sd``, ``lower``, ``upper``, of
            the number of the class where there are classes; of labels, ``P(label)`` of each before.

        Examples
        --------
        >>> import bayesml as bm
        >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1]))
        >>> fit.predict([[1.0], [9.0]]).to_frame()["mean"].round(0).tolist()
        [3.0, 19.0]
        """
        interval = self.interval(probability)
        ends = {"lower": interval.lower, "upper": interval.upper}
        labels = [f"P({label})" for label in self.classes or ()]
        each = dict(zip(labels, self.probabilities.T, strict=True)) if labels else {}
        return _frame(each | self._moments() | ends)

    @property
    def mean(self) -> Array:
        """E[y | x, data], in the unit of y, shape (rows,).

        NaN, with a warning, where there is none: under Student-t noise of df ≤ 1; and without one
        at rows that were kept with missing values.
        """
        mean = self.distribution.mean
        lost = np.isnan(mean)
        if np.any(lost) and not np.all(np.isnan(self.quantile(0.5)[lost])):
            warnings.warn(NO_MEAN, LikelihoodWarning, stacklevel=2)
        return mean

    @property
    def sd(self) -> Array:
        """Standard deviation, in the unit of y, shape (rows,)."""
        return self.distribution.sd

    @property
    def probabilities(self) -> Array:
        """The probability of every class, shape (rows, K): of zero and one, or of K classes.

        Raises
        ------
        DataError
            If y is no class.

        Examples
        --------
        >>> import bayesml as bm
        >>> data = bm.Data([[0.0], [1.0], [2.0], [3.0]], ["no", "yes", "no", "yes"])
        >>> fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MAP())
        >>> fit.predict([[1.5]]).probabilities.round(2)
        array([[0.5, 0.5]])
        """
        own = self.distribution
        found = own.class_probabilities() if isinstance(own, OfClasses) else None
        if found is None:
            raise DataError(
                "The target has no classes, so that there are no probabilities of them: use "
                "cdf(y), exceedance(y), or exp(log_prob(y))."
            )
        return found

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
            self.locate,
        )

    @property
    def leverage(self) -> Array:
        r"""How far each row lies from the training data (P8).

        The variance of a least-squares prediction at the row, in units of σ²: 1/m at the mean of
        the features, and growing with the square of the distance in units of their covariance.

        Raises
        ------
        DataError
            If the prediction was not made by `Fit.predict`, and knows no training data.
        """
        return self._leverage.rows

    @property
    def extrapolates(self) -> Booleans:
        """Which rows lie further from the training data than any of those does, by leverage.

        Each column alone may be within its range: it is the combination that is new. There the
        answer rests on the form of the model, which no row has tested.
        """
        return np.asarray(self.leverage > self._leverage.largest_in_training * (1 + 1e-9))

    @cached_property
    def _leverage(self) -> Leverage:
        if self.locate is None:
            raise DataError("This prediction knows no training data: make it by fit.predict(X).")
        return self.locate()

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
        return at_levels(q, self.distribution.quantile)

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
        tail = tail_of(probability)
        return Interval(self.quantile(tail), self.quantile(1.0 - tail))

    def highest_density_interval(self, probability: float = 0.9) -> Interval:
        """Return the shortest interval that holds y with the given probability (P6).

        Where the density has one peak, it is the set of the most probable values. Where it has
        several, it is still the shortest single interval, and covers the valley between them.

        Parameters
        ----------
        probability : float

        Returns
        -------
        Interval
            ``lower`` and ``upper``, each of shape (rows,), in the unit of y.
        """
        inside = one_probability(probability)
        return Interval(*self.distribution.highest_density_interval(inside))

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(Y ≤ y | x, data), for one y or one per row."""
        return self.distribution.cdf(y)

    def exceedance(self, threshold: ArrayLike) -> Array:
        """Evaluate P(Y > threshold | x, data), for one threshold or one per row.

        Small probabilities keep their digits: they are not one minus a large one.
        """
        return self.distribution.survival(threshold)

    def decide(self, loss: Loss, actions: ArrayLike | None = None) -> Array:
        r"""Return the action that minimises the expected loss, row by row (P5).

        .. math:: a^* = \arg\min_a E[\ell(y, a) \mid x, \mathcal D]

        Parameters
        ----------
        loss : callable
            ℓ(y, a), elementwise: one of `bayesml.losses`, whose best actions have names, or any
            function, whose expectation is then minimised numerically, to about a thousandth of
            the spread where the loss has kinks.
        actions : sequence of float, optional
            The only possible actions. By default any number is.

        Returns
        -------
        ndarray, shape (rows,)

        Raises
        ------
        ConvergenceError
            If the expected loss has no minimum in or near the predictive range.

        References
        ----------
        Berger (1985), Statistical Decision Theory and Bayesian Analysis, §4.4.

        Examples
        --------
        >>> import numpy as np, bayesml as bm
        >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1]))
        >>> p = fit.predict([[1.5]])
        >>> short_costs_nine_times_over = bm.losses.PinballLoss(0.9)
        >>> bool(p.decide(short_costs_nine_times_over)[0] == p.quantile(0.9)[0])
        True
        """
        if actions is not None:
            return decisions.best_of(self.distribution, loss, actions)
        return decisions.best_action(self.distribution, loss)

    def expected_loss(self, loss: Loss, action: ArrayLike) -> Array:
        """Evaluate E[ℓ(y, a) | x, data] of one action, or one per row."""
        return decisions.expected_loss(self.distribution, loss, action)

    def log_prob(self, y: ArrayLike) -> Array:
        """Evaluate the log predictive density of y, for one y or one per row; of labels too.

        Examples
        --------
        >>> import numpy as np, bayesml as bm
        >>> data = bm.Data([[0.0], [1.0], [2.0], [3.0]], ["no", "yes", "no", "yes"])
        >>> fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MAP())
        >>> np.exp(fit.predict([[1.5]]).log_prob(["yes"])).round(2)
        array([0.5])
        """
        return self.distribution.log_density(y if self.classes is None else self._numbers(y))

    def _numbers(self, y: Any) -> Any:
        """Return the numbers of classes from labels; numbers are theirs already."""
        labels = np.asarray(y, dtype=object)
        if not any(isinstance(label, str) for label in labels.flat):
            return y
        numbers = class_numbers(labels.ravel(), self.classes or (), "y")
        return numbers.reshape(labels.shape)

    def transformed(
        self, function: Callable[[Any], Any], inverse: Callable[[Any], Any] | None = None
    ) -> TransformedPrediction:
        """Return the prediction on the scale of an increasing function of y.

        Parameters
        ----------
        function : callable
            Elementwise, such as ``np.exp`` where ``log(y)`` was learned.
        inverse : callable, optional
            Of any other function than ``exp``, ``expm1``, ``exp2`` and ``sinh``; elementwise, of
            complex numbers too.

        Returns
        -------
        TransformedPrediction
            Exact quantiles and probabilities; mean and sd by quadrature.

        Raises
        ------
        DataError
            For counts and classes, a function that falls, or a wrong inverse.

        Examples
        --------
        >>> import numpy as np, bayesml as bm
        >>> frame = {"y": [1.0, 3.0, 7.0, 21.0, 50.0], "x": [0.0, 1.0, 2.0, 3.0, 4.0]}
        >>> fit = bm.fit(bm.Model(), bm.Data.from_formula("log(y) ~ x", frame))
        >>> p = fit.predict({"x": [2.0]})
        >>> bool(p.transformed(np.exp).quantile(0.5)[0] == np.exp(p.quantile(0.5)[0]))
        True
        """
        return transformed(self.distribution, function, inverse, self.sampler)

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
        count = whole_number(size, "size")
        rows = len(self)
        words = f"{count:,} draws at {rows:,} rows"
        require_memory(2.0 * count * rows, words, "take fewer draws, or rows")
        return self.sampler(count, generator_of(rng))


def _frame(columns: Mapping[str, Array]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(dict(columns))
