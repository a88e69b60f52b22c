"""Likelihoods: p(y | η), its derivatives in η, and the noise it states."""

from bayesml.likelihoods.asymmetric_laplace import AsymmetricLaplace
from bayesml.likelihoods.averaging import (
    beside_nodes,
    hermite_average,
    normal_nodes,
    trapezoidal_average,
)
from bayesml.likelihoods.base import Average, Likelihood, Stated
from bayesml.likelihoods.bernoulli import Bernoulli
from bayesml.likelihoods.beta import BetaResponse
from bayesml.likelihoods.binomial import Binomial
from bayesml.likelihoods.categorical import Categorical
from bayesml.likelihoods.censored import Censored
from bayesml.likelihoods.distributional import Distributional
from bayesml.likelihoods.gamma import GammaResponse
from bayesml.likelihoods.gaussian import Gaussian
from bayesml.likelihoods.heteroscedastic import HeteroscedasticGaussian
from bayesml.likelihoods.heteroscedastic_t import HeteroscedasticStudentT
from bayesml.likelihoods.hurdle import Hurdle
from bayesml.likelihoods.laplace import LaplaceResponse
from bayesml.likelihoods.links import Identity, Link, Log, check_link
from bayesml.likelihoods.negative_binomial import NegativeBinomial
from bayesml.likelihoods.ordinal import Ordinal
from bayesml.likelihoods.parameters import check_parameter
from bayesml.likelihoods.poisson import Poisson
from bayesml.likelihoods.positive_links import Inverse, PositiveLink, Sqrt
from bayesml.likelihoods.precision_weighted import PrecisionWeighted, takes_precision
from bayesml.likelihoods.probability_links import CLogLog, Logit, ProbabilityLink, Probit
from bayesml.likelihoods.roles import (
    Canonical,
    HasLimits,
    HasNoiseScale,
    InOnePass,
    Limit,
    LimitsEta,
    NamesOutputs,
    OfClasses,
    OfOneQuantile,
    ParameterInformation,
    PiecewiseLinear,
    ReadsKnown,
    Recedes,
    RecedesJointly,
    Staged,
    diagonal_information,
    known_of,
    limits_eta,
    terms_of,
)
from bayesml.likelihoods.student_t import StudentT
from bayesml.likelihoods.truncated import Truncated
from bayesml.likelihoods.wrapping import Wraps, restated
from bayesml.likelihoods.zero_inflated import ZeroInflated

__all__ = [
    "AsymmetricLaplace",
    "Average",
    "Bernoulli",
    "BetaResponse",
    "Binomial",
    "CLogLog",
    "Canonical",
    "Categorical",
    "Censored",
    "Distributional",
    "GammaResponse",
    "Gaussian",
    "HasLimits",
    "HasNoiseScale",
    "HeteroscedasticGaussian",
    "HeteroscedasticStudentT",
    "Hurdle",
    "Identity",
    "InOnePass",
    "Inverse",
    "LaplaceResponse",
    "Likelihood",
    "Limit",
    "LimitsEta",
    "Link",
    "Log",
    "Logit",
    "NamesOutputs",
    "NegativeBinomial",
    "OfClasses",
    "OfOneQuantile",
    "Ordinal",
    "ParameterInformation",
    "PiecewiseLinear",
    "Poisson",
    "PositiveLink",
    "PrecisionWeighted",
    "ProbabilityLink",
    "Probit",
    "ReadsKnown",
    "Recedes",
    "RecedesJointly",
    "Sqrt",
    "Staged",
    "Stated",
    "StudentT",
    "Truncated",
    "Wraps",
    "ZeroInflated",
    "beside_nodes",
    "check_link",
    "check_parameter",
    "diagonal_information",
    "hermite_average",
    "known_of",
    "limits_eta",
    "normal_nodes",
    "restated",
    "takes_precision",
    "terms_of",
    "trapezoidal_average",
]
