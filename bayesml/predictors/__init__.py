"""Predictors: η = h_θ(X) and its derivatives in θ."""

from bayesml.predictors.base import Parameters, Predictor
from bayesml.predictors.linear import Linear

__all__ = ["Linear", "Parameters", "Predictor"]
