"""Rows whose noise is of a known relative size. Derived in docs/theory/sufficient_statistics.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bayesml.arguments import shown
from bayesml.data.roles import PRECISION
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods.base import Average, Likelihood
from bayesml.likelihoods.roles import HasNoiseScale, ParameterInformation, PiecewiseLinear
from bayesml.likelihoods.wrapping import SeenThrough, check_one_output
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class PrecisionWeighted(SeenThrough):
    r"""Noise of scale :math:`\sigma/\sqrt{w_i}`, as the mean of :math:`w_i` measurements has.

    .. math:: p(y_i \mid \eta_i, \phi, w_i) = p(y_i \mid \eta_i, \sigma/\sqrt{w_i}) \qquad (S7)

    Data that know a precision, ``y | precision(w) ~ x`` or ``Data(X, y, precision=w)``,
    make it of `Gaussian` and `StudentT`; it need not be written. σ is that of a row of precision
    one, and new rows have a precision too: what they state, or 1.

    Parameters
    ----------
    likelihood : Likelihood
        With one output, and noise around it that a parameter scales.

    Raises
    ------
    IncompatibleModelError
        If the likelihood has no scale that a precision could divide, or kinks.
    DataError
        At fit, if a precision is not positive; by row.

    References
    ----------
    Aitken (1935), On least squares and linear combination of observations; Weisberg (2014), Applied
    Linear Regression, §7.1.

    Examples
    --------
    >>> import bayesml as bm
    >>> likelihood = PrecisionWeighted(bm.Gaussian(sigma=1.0))
    >>> eta = np.array([[0.0, 0.0], [1.0, 4.0]])  # and the precision of two rows
    >>> likelihood.sd(eta, {"sigma": 1.0})
    array([1. , 0.5])
    """

    likelihood: Likelihood

    def __post_init__(self) -> None:
        check_one_output("PrecisionWeighted", self.likelihood, "weighted")
        if not takes_precision(self.likelihood):
            raise IncompatibleModelError(
                f"PrecisionWeighted: {shown(self.likelihood)} has no noise of a scale that a "
                "precision divides. Use Gaussian() or StudentT()."
            )

    @property
    def known(self) -> tuple[str, ...]:
        """The precision of every row."""
        return (PRECISION,)

    @property
    def possible(self) -> str:
        """A positive precision."""
        return "with a positive precision"

    def allows(self, y: Array, known: Mapping[str, Array]) -> NDArray[np.bool]:
        """Say which rows have a positive precision."""
        return np.asarray(known[PRECISION] > 0)

    @property
    def noise_scale(self) -> str:
        """That of the likelihood, of a row of precision one; `takes_precision` says it has one."""
        return cast(str, super().noise_scale)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average as the likelihood does, and count the scale from a precision of one again."""
        at, own, root = self._read(eta, parameters)
        inner = self.likelihood.average(at[None], covariance[:, :1, :1], own)
        known = np.broadcast_to(eta[1][:, None], inner.eta.shape)
        scale = inner.parameters[self.noise_scale] * root[:, None]
        values = {**inner.parameters, self.noise_scale: scale}
        return Average(inner.weights, np.stack([inner.eta, known]), values)

    def inner(
        self, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> tuple[Array, Mapping[str, Any]]:
        """Return η, and the scale of the noise in every row (S7)."""
        at, own, _ = self._read(eta, parameters)
        return at, own

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the score; zero for the precision."""
        at, own, _ = self._read(eta, parameters)
        slope = self.likelihood.score(y, at, own)
        return np.stack([slope, np.zeros_like(slope)])

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the information; zero for the precision."""
        at, own, _ = self._read(eta, parameters)
        inner = self.likelihood.information(at, own)
        return np.stack([inner, np.zeros_like(inner)])

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate the scores: that of σ is the row's, over √w."""
        at, own, root = self._read(eta, parameters)
        scores = self.likelihood.parameter_scores(y, at, own)
        return {**scores, self.noise_scale: scores[self.noise_scale] / root}

    def parameter_information(
        self, eta: Array, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        """Evaluate that in the parameters: that in σ is the row's, over w."""
        at, own, root = self._read(eta, parameters)
        inner = self.likelihood
        if not isinstance(inner, ParameterInformation):
            raise IncompatibleModelError(
                f"{shown(inner)} does not know the information in its parameters, so that these "
                "have no predictors. Use Gaussian() or StudentT()."
            )
        found = inner.parameter_information(at, own)
        return {**found, self.noise_scale: found[self.noise_scale] / root**2}

    def describe(self) -> str:
        """Say the model of one observation in words."""
        first, *rest = self.likelihood.describe().split("\n")
        return "\n".join([f"{first}, with σ/√precision for σ in every row", *rest])

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the likelihood's distribution with the scale of every row."""
        scale = parameters[self.noise_scale] / pm.math.sqrt(eta[1])
        return self.likelihood.pymc(pm, eta[0], {**parameters, self.noise_scale: scale})

    def _read(
        self, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> tuple[Array, dict[str, Any], Array]:
        """Return η, the parameters with the scale of every row, and √w."""
        every = np.asarray(eta, dtype=np.float64)
        root = np.sqrt(every[1])
        scale = np.asarray(parameters[self.noise_scale], dtype=np.float64)
        return every[0], {**parameters, self.noise_scale: scale / root}, root


def takes_precision(likelihood: Likelihood) -> bool:
    """Say whether a likelihood is of noise that a precision divides, without kinks."""
    scaled = isinstance(likelihood, HasNoiseScale) and likelihood.noise_scale is not None
    return scaled and not isinstance(likelihood, PiecewiseLinear)
