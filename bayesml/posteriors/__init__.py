"""What was learned, each in the representation in which it is exact."""

from bayesml.posteriors.audited import AuditedDraws
from bayesml.posteriors.base import (
    Audited,
    Compared,
    Estimate,
    Estimated,
    HasGroupEffects,
    Kind,
    LeavesGroupsOut,
    LeavesOneOut,
    Marginal,
    OverModels,
    Posterior,
)
from bayesml.posteriors.conjugate import ConjugatePosterior
from bayesml.posteriors.ensemble import EnsemblePosterior
from bayesml.posteriors.exact import ExactPosterior
from bayesml.posteriors.grouped import GroupedPosterior
from bayesml.posteriors.laplace import LaplacePosterior
from bayesml.posteriors.leave_one_group_out import LeaveOneGroupOut
from bayesml.posteriors.leave_one_out import LeaveOneOut
from bayesml.posteriors.linearised import LinearisedPosterior
from bayesml.posteriors.model_average import ModelAverage
from bayesml.posteriors.point import PointEstimate
from bayesml.posteriors.prediction import Prediction
from bayesml.posteriors.reweighted import ReweightedPosterior
from bayesml.posteriors.row_distribution import Interval
from bayesml.posteriors.sampled import SampledPosterior

__all__ = [
    "Audited",
    "AuditedDraws",
    "Compared",
    "ConjugatePosterior",
    "EnsemblePosterior",
    "Estimate",
    "Estimated",
    "ExactPosterior",
    "GroupedPosterior",
    "HasGroupEffects",
    "Interval",
    "Kind",
    "LaplacePosterior",
    "LeaveOneGroupOut",
    "LeaveOneOut",
    "LeavesGroupsOut",
    "LeavesOneOut",
    "LinearisedPosterior",
    "Marginal",
    "ModelAverage",
    "OverModels",
    "PointEstimate",
    "Posterior",
    "Prediction",
    "ReweightedPosterior",
    "SampledPosterior",
]
