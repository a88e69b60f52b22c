"""What counts with other zeros share. Derived in docs/theory/zero_modified_counts.md."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesml.distributions import Beta, ContinuousSupport, Distribution, Support, UnitInterval
from bayesml.likelihoods.base import Likelihood, Stated
from bayesml.losses import Loss
from bayesml.typing import Array


class ZeroModified:
    """Counts by another likelihood, beside zeros that have a probability π of their own."""

    count_likelihood: Likelihood
    zero_probability: Stated

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


def pi_of(parameters: Mapping[str, Any]) -> Array:
    """Return π."""
    return np.asarray(parameters["zero_probability"], dtype=np.float64)
