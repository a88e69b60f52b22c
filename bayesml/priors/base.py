"""The role of a prior: stated without data, resolved against the scales of the data at fit."""

from typing import Protocol

from bayesml.priors.independent import Independent
from bayesml.priors.layered import Layered
from bayesml.priors.normal_inverse_gamma import NormalInverseGamma
from bayesml.priors.scales import Scales

Resolved = Independent | NormalInverseGamma | Layered
"""A prior in which every number is stated, one distribution a coefficient, in original units."""


class Prior(Protocol):
    """A statement about the predictor's parameters before the data."""

    def resolve(self, scales: Scales) -> Resolved:
        """Return the same prior with every number stated, in original units."""

    def for_layers(self, depth: int) -> "Layered":
        """Return the prior that this one means for a network of `depth` layers, or refuse."""

    def describe(self) -> str:
        """Say the prior in words."""
