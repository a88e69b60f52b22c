"""Algorithms that draw from densities and know nothing of models."""

from bayesml.samplers.no_u_turn import STATISTICS, Adaptation, Draws, sample
from bayesml.samplers.subsets import SubsetChain, SubsetDensity, sample_subsets

__all__ = [
    "STATISTICS",
    "Adaptation",
    "Draws",
    "SubsetChain",
    "SubsetDensity",
    "sample",
    "sample_subsets",
]
