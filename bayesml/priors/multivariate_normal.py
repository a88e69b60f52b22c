"""The joint Normal prior of all coefficients. Derived in docs/theory/linear_gaussian.md, (L13)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

from bayesml.arguments import numbers_of, shown
from bayesml.errors import IncompatibleModelError
from bayesml.priors.by_precision import NormalByPrecision, check_linear
from bayesml.priors.scales import Scales
from bayesml.typing import Array

Vector = Sequence[float] | Mapping[str, float]
Matrix = Sequence[Sequence[float]] | Mapping[str, Mapping[str, float]]

ASYMMETRY = 1e-8
"""Difference of two mirrored correlations that is rounding: more is a mistake in typing."""


@dataclass(frozen=True)
class MultivariateNormal:
    r"""Joint Normal prior of the coefficients, correlated as another study may have left them.

    .. math:: \beta \sim \mathrm{Normal}(\mu, \Sigma), \qquad \log p(\beta) =
              -\tfrac12 (\beta - \mu)^\top \Sigma^{-1} (\beta - \mu)
              - \tfrac12 \log\det\Sigma - \tfrac p2 \log 2\pi

    β is the intercept, where it is stated, and then the weights in the order of the features. The
    intercept is the prediction at the mean of the features; of a predictor that does not count it
    from there, what it calls so. An intercept that is not stated has a flat prior.

    Parameters
    ----------
    mean : sequence of float, or mapping of name to float
        μ: weights in units of y per unit of x, the intercept in the unit of y. Names are those of
        the features, and ``intercept``. A sequence of n numbers states no intercept, one of n + 1
        states it first.
    covariance : array of shape (p, p), or mapping of name to mapping of name to float
        Σ, symmetric and positive definite, by name if the mean is.

    Raises
    ------
    IncompatibleModelError
        If numbers are not finite, shapes differ, or the covariance is not symmetric or not positive
        definite; at fit, if the names are not those of the features.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, eq. 3.48-3.51.

    Examples
    --------
    >>> import bayesml as bm
    >>> prior = MultivariateNormal([0.0, 1.0], [[4.0, 1.0], [1.0, 4.0]])
    >>> data = bm.Data([[-1.0], [0.0], [1.0]], [-2.0, 0.0, 2.0])
    >>> fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(sigma=1.0), prior), data)
    >>> fit.summary()["mean"].round(3).to_dict()
    {'intercept': 0.018, 'weights[x0]': 1.883}
    """

    mean: Vector
    covariance: Matrix

    def __post_init__(self) -> None:
        by_name = isinstance(self.mean, Mapping)
        if by_name != isinstance(self.covariance, Mapping):
            raise IncompatibleModelError(
                "MultivariateNormal: mean and covariance must both be by name or both be arrays, "
                f"got {type(self.mean).__name__} and {type(self.covariance).__name__}."
            )
        mean, covariance = self._arrays(self.mean, self.covariance)
        _check_covariance(covariance)
        rows = [tuple(row) for row in covariance.tolist()]
        if by_name:
            names = tuple(map(str, self.mean))
            object.__setattr__(self, "mean", dict(zip(names, mean.tolist(), strict=True)))
            object.__setattr__(self, "covariance", _table(names, rows))
        else:
            object.__setattr__(self, "mean", tuple(mean.tolist()))
            object.__setattr__(self, "covariance", tuple(rows))

    def resolve(self, scales: Scales) -> NormalByPrecision:
        """Return the same prior by its precision, in the order of β."""
        check_linear(scales)
        stated = self
        if not isinstance(self.mean, Mapping):
            own = ("intercept",) if "intercept" in scales.shapes else ()
            stated = self._named((*own, *scales.feature_names), len(scales.feature_names))
        mu, sigma = self._arrays(stated.mean, stated.covariance)
        factor = solve_triangular(np.linalg.cholesky(sigma), np.eye(len(mu)), lower=True)
        return NormalByPrecision(tuple(map(str, stated.mean)), mu, factor).resolve(scales)

    def _named(self, every: tuple[str, ...], n: int) -> "MultivariateNormal":
        """Give the entries of arrays their names."""
        k = len(self.mean)
        if k not in (n, len(every)):
            raise IncompatibleModelError(
                f"MultivariateNormal: mean has {k} entries, but the coefficients are "
                f"{list(every)}. Give one for each in this order, or leave out the intercept, "
                "whose prior is then flat."
            )
        names = every[len(every) - k :]
        if len(set(names)) < k:
            raise IncompatibleModelError(
                "MultivariateNormal: a feature is called 'intercept', as the intercept is. Rename "
                "it, or state no intercept."
            )
        rows: Any = self.covariance
        mean: Any = self.mean
        return MultivariateNormal(
            dict(zip(names, mean, strict=True)),
            _table(names, rows),
        )

    def describe(self) -> str:
        """Say the prior in words."""
        sds = np.sqrt(np.diag(self._sigma))
        if not isinstance(self.mean, Mapping):
            what = f"means {_numbers(self._mu)}, sds {_numbers(sds)}"
            return f"weights, and the intercept first if it is stated ~ Normal, jointly: {what}"
        each = zip(self.mean.items(), sds, strict=True)
        return "\n".join(
            f"{name if name == 'intercept' else f'weights[{name}]'} ~ Normal({m:g}, {s:g}), jointly"
            for (name, m), s in each
        )

    @cached_property
    def _mu(self) -> Array:
        return self._arrays(self.mean, self.covariance)[0]

    @cached_property
    def _sigma(self) -> Array:
        return self._arrays(self.mean, self.covariance)[1]

    @staticmethod
    def _arrays(mean: Any, covariance: Any) -> tuple[Array, Array]:
        """Return μ and Σ as arrays, or say which is not one."""
        if isinstance(mean, Mapping):
            _check_names(mean, covariance)
            covariance = [[covariance[a][b] for b in mean] for a in mean]
            mean = list(mean.values())
        mu = numbers_of(mean, "MultivariateNormal: mean")
        sigma = numbers_of(covariance, "MultivariateNormal: covariance")
        if mu.ndim != 1 or sigma.shape != (len(mu), len(mu)) or not len(mu):
            raise IncompatibleModelError(
                "MultivariateNormal: mean must have p entries and covariance shape (p, p), got "
                f"shapes {mu.shape} and {sigma.shape}."
            )
        return mu, sigma


def _table(names: tuple[str, ...], rows: Any) -> dict[str, dict[str, float]]:
    return {a: dict(zip(names, row, strict=True)) for a, row in zip(names, rows, strict=True)}


def _check_names(mean: Mapping[str, Any], covariance: Mapping[str, Any]) -> None:
    names = set(mean)
    wrong = [a for a in {**mean, **covariance} if set(covariance.get(a, ())) != names]
    if wrong or set(covariance) != names:
        raise IncompatibleModelError(
            f"MultivariateNormal: covariance must name {list(mean)}, as the mean does, in rows and "
            f"within each row; it does not for {wrong}."
        )


def _check_covariance(sigma: Array) -> None:
    variances = np.diag(sigma)
    unit = np.sqrt(np.outer(np.abs(variances), np.abs(variances)))
    if np.any(variances <= 0):
        raise IncompatibleModelError(
            "MultivariateNormal: covariance must be positive definite, got variances "
            f"{_numbers(variances)}. A coefficient known to be zero is left out of the model."
        )
    if np.any(np.abs(sigma - sigma.T) > ASYMMETRY * unit):
        raise IncompatibleModelError(
            f"MultivariateNormal: covariance must be symmetric, got {shown(sigma)}."
        )
    smallest = float(np.linalg.eigvalsh(sigma / unit)[0])
    if smallest <= len(sigma) * np.finfo(np.float64).eps:
        raise IncompatibleModelError(
            "MultivariateNormal: covariance must be positive definite, got a correlation matrix "
            f"whose smallest eigenvalue is {smallest:.3g}: some combination of the coefficients "
            "is said to be known exactly."
        )


def _numbers(values: Array) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"
