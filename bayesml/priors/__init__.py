"""Priors of the predictor's parameters, and how they are resolved against the data."""

from bayesml.priors.after import After
from bayesml.priors.base import Prior, Resolved
from bayesml.priors.independent import Independent
from bayesml.priors.normal_inverse_gamma import NormalInverseGamma
from bayesml.priors.scales import Scales
from bayesml.priors.weakly_informative import WeaklyInformative

__all__ = [
    "After",
    "Independent",
    "NormalInverseGamma",
    "Prior",
    "Resolved",
    "Scales",
    "WeaklyInformative",
]
