"""Dense linear algebra with no statistics in it: orthogonal factors, rank, two matrices at once."""

from bayesml.linalg.joint_diagonal import JointDiagonal, diagonalise_jointly
from bayesml.linalg.triangular import (
    GRAM_SAFE,
    RankReport,
    downdated,
    gram_factor,
    rank_report,
    solve_upper,
    tall_factor,
    triangular_factor,
)

__all__ = [
    "GRAM_SAFE",
    "JointDiagonal",
    "RankReport",
    "diagonalise_jointly",
    "downdated",
    "gram_factor",
    "rank_report",
    "solve_upper",
    "tall_factor",
    "triangular_factor",
]
