"""Algorithms that draw from densities and know nothing of models."""

from bayesml.samplers.no_u_turn import STATISTICS, Adaptation, Draws, sample

__all__ = ["STATISTICS", "Adaptation", "Draws", "sample"]
