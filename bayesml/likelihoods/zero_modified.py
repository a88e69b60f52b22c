"""What counts with other zeros share. Derived in docs/theory/zero_modified_counts.md."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np

from bayesml.distributions import Beta, ContinuousSupport, Distribution, Support, UnitInterval
from bayesml.likelihoods.averaging import trapezoidal_average
from bayesml.likelihoods.base import Average, Likelihood, Stated
from bayesml.likelihoods.parameters import check_parameter, parameter_words
from bayesml.likelihoods.roles import HasLimits, Limit
from bayesml.likelihoods.wrapping import check_counts, restated
from bayesml.losses import Loss
from bayesml.typing import Array


class ZeroModified(ABC):
    """Counts by another likelihood, beside zeros that have a probability π of their own."""

    count_likelihood: Likelihood
    zero_probability: Stated

    def __post_init__(self) -> None:
        owner, name, value = type(self).__name__, "zero_probability", self.zero_probability
        check_counts(owner, self.count_likelihood)
        object.__setattr__(self, name, check_parameter(owner, name, value, UnitInterval()))

    def with_parameters(self, stated: Mapping[str, Stated]) -> Self:
        """Return the same with some parameters stated otherwise, those of the counts among them."""
        of_counts = {k: v for k, v in stated.items() if k != "zero_probability"}
        pi = stated.get("zero_probability", self.zero_probability)
        other: Self = self._with(restated(self.count_likelihood, of_counts), pi)
        return other

    def _with(self, counts: Likelihood, pi: Stated) -> Any:
        itself: Any = self
        return replace(itself, count_likelihood=counts, zero_probability=pi)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What the counts become, with the same zeros (X6)."""
        counts, pi = self.count_likelihood, self.zero_probability
        inner = counts.limits if isinstance(counts, HasLimits) else ()
        return tuple(lim._replace(likelihood=self._with(lim.likelihood, pi)) for lim in inner)

    @property
    def support(self) -> Support:
        """The whole numbers from zero."""
        return self.count_likelihood.support

    @property
    def loss(self) -> Loss:
        """That of the counts."""
        return self.count_likelihood.loss

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """Those of the counts, and the probability of a zero."""
        return {**self.count_likelihood.parameters, "zero_probability": self.zero_probability}

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """Those of the counts, and the open interval from 0 to 1."""
        return {**self.count_likelihood.parameter_supports, "zero_probability": UnitInterval()}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """Those of the counts."""
        return self.count_likelihood.outputs(mean_y, sd_y)

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """Those of the counts, and π ~ Beta(1, 1)."""
        return {**self.count_likelihood.default_priors(sd_y), "zero_probability": Beta(1.0, 1.0)}

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature (K4)."""
        itself: Any = self
        return trapezoidal_average(itself, eta, covariance, parameters)

    def describe(self) -> str:
        """Say the model of one observation in words."""
        first, *rest = self.count_likelihood.describe().split("\n")
        words = parameter_words("π", self.zero_probability, "Beta(1, 1)")
        return "\n".join([self._sentence(first), *rest, words])

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return a mixture of zero and the counts, and its arguments."""
        family, arguments = self.count_likelihood.pymc(pm, eta, parameters)
        pi = parameters["zero_probability"]
        parts = [pm.DiracDelta.dist(0), self._in_pymc(pm, family.dist(**arguments))]
        return pm.Mixture, {"w": pm.math.stack([pi, 1.0 - pi]), "comp_dists": parts}

    @abstractmethod
    def _sentence(self, counts: str) -> str:
        """Say the model of one observation, given that of a count."""

    @abstractmethod
    def _in_pymc(self, pm: Any, counts: Any) -> Any:
        """Return the law of what is no zero by itself, given that of a count."""


def pi_of(parameters: Mapping[str, Any]) -> Array:
    """Return π."""
    return np.asarray(parameters["zero_probability"], dtype=np.float64)
