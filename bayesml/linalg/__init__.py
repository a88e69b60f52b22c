"""Dense linear algebra with no statistics in it: orthogonal factors, rank, two matrices at once."""

from bayesml.linalg.joint_diagonal import JointDiagonal, diagonalise_jointly
from bayesml.linalg.triangular import RankReport, rank_report, solve_upper, triangular_factor

__all__ = [
    "JointDiagonal",
    "RankReport",
    "diagonalise_jointly",
    "rank_report",
    "solve_upper",
    "triangular_factor",
]
