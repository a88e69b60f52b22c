"""What was learned, each in the representation in which it is exact."""

from bayesml.posteriors.base import Kind, Marginal, Posterior
from bayesml.posteriors.conjugate import ConjugatePosterior
from bayesml.posteriors.ensemble import EnsemblePosterior
from bayesml.posteriors.exact import ExactPosterior
from bayesml.posteriors.laplace import LaplacePosterior
from bayesml.posteriors.leave_one_out import LeaveOneOut, leave_one_out
from bayesml.posteriors.linearised import LinearisedPosterior
from bayesml.posteriors.point import PointEstimate
from bayesml.posteriors.prediction import Interval, Prediction
from bayesml.posteriors.sampled import SampledPosterior

__all__ = [
    "ConjugatePosterior",
    "EnsemblePosterior",
    "ExactPosterior",
    "Interval",
    "Kind",
    "LaplacePosterior",
    "LeaveOneOut",
    "LinearisedPosterior",
    "Marginal",
    "PointEstimate",
    "Posterior",
    "Prediction",
    "SampledPosterior",
    "leave_one_out",
]
