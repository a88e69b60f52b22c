"""Predictors: η = h_θ(X) and its derivatives in θ."""

from bayesml.predictors.activations import GELU, Activation, ReLU, SiLU, Softplus, Tanh
from bayesml.predictors.base import ExportsToPyMC, Outputs, Parameters, Predictor
from bayesml.predictors.linear import Linear
from bayesml.predictors.mlp import MLP, Standardisation

__all__ = [
    "GELU",
    "MLP",
    "Activation",
    "ExportsToPyMC",
    "Linear",
    "Outputs",
    "Parameters",
    "Predictor",
    "ReLU",
    "SiLU",
    "Softplus",
    "Standardisation",
    "Tanh",
]
