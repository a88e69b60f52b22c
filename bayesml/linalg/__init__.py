"""Dense linear algebra with no statistics in it: orthogonal factors, rank, two matrices at once."""

from bayesml.linalg.centred import CentredFactor, centred_factor
from bayesml.linalg.joint_diagonal import JointDiagonal, diagonalise_jointly
from bayesml.linalg.triangular import (
    RankReport,
    clearly_regular,
    downdated,
    gram_factor,
    rank_report,
    solve_upper,
    triangular_factor,
)

__all__ = [
    "CentredFactor",
    "JointDiagonal",
    "RankReport",
    "centred_factor",
    "clearly_regular",
    "diagonalise_jointly",
    "downdated",
    "gram_factor",
    "rank_report",
    "solve_upper",
    "triangular_factor",
]
