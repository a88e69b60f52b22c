"""Univariate distributions: what a prior is made of.

Each is a frozen dataclass whose ``repr`` is the code that makes it, with the log density, its
first two derivatives, and sampling. Parameters may be sequences, one entry per coefficient.
"""

from bayesml.distributions.base import (
    Distribution,
    HasKink,
    HasScale,
    exact,
    grouped,
    stack,
    support_of,
)
from bayesml.distributions.beta import Beta
from bayesml.distributions.discrete_supports import Between, Binary, Classes, Counts, FiniteSupport
from bayesml.distributions.elastic_net import ElasticNet
from bayesml.distributions.gamma_family import Exponential, Gamma, InverseGamma
from bayesml.distributions.half import HalfCauchy, HalfNormal, HalfStudentT
from bayesml.distributions.lkj import LKJ, cholesky_of_partials, partials_of_cholesky
from bayesml.distributions.real_line import Flat, Laplace, Normal, StudentT
from bayesml.distributions.root_gamma import RootGamma, RootInverseGamma
from bayesml.distributions.shifted import Shifted
from bayesml.distributions.supports import (
    Above,
    ContinuousSupport,
    Positive,
    Real,
    Support,
    UnitInterval,
)

__all__ = [
    "LKJ",
    "Above",
    "Beta",
    "Between",
    "Binary",
    "Classes",
    "ContinuousSupport",
    "Counts",
    "Distribution",
    "ElasticNet",
    "Exponential",
    "FiniteSupport",
    "Flat",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "HasKink",
    "HasScale",
    "InverseGamma",
    "Laplace",
    "Normal",
    "Positive",
    "Real",
    "RootGamma",
    "RootInverseGamma",
    "Shifted",
    "StudentT",
    "Support",
    "UnitInterval",
    "cholesky_of_partials",
    "exact",
    "grouped",
    "partials_of_cholesky",
    "stack",
    "support_of",
]
