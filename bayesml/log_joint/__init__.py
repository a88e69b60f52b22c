"""The one density under every method: rows, priors and coordinates (docs/theory/log_joint.md)."""

from bayesml.log_joint.coordinates import Coordinates, Free
from bayesml.log_joint.folded import Folded, SingleRows
from bayesml.log_joint.joint import GaussianPrior, LogJoint, log_joint, prior_sum, single_rows
from bayesml.log_joint.objective import Members, NegativeLogJoint
from bayesml.log_joint.rows import Rows, with_jacobian
from bayesml.log_joint.statistics import (
    Statistics,
    data_term,
    is_gaussian,
    is_linear,
    linear_terms,
    not_linear_gaussian,
)
from bayesml.log_joint.sums import RowSum, Sums

__all__ = [
    "Coordinates",
    "Folded",
    "Free",
    "GaussianPrior",
    "LogJoint",
    "Members",
    "NegativeLogJoint",
    "RowSum",
    "Rows",
    "SingleRows",
    "Statistics",
    "Sums",
    "data_term",
    "is_gaussian",
    "is_linear",
    "linear_terms",
    "log_joint",
    "not_linear_gaussian",
    "prior_sum",
    "single_rows",
    "with_jacobian",
]
