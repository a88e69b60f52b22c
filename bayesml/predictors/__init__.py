"""Predictors: η = h_θ(X) and its derivatives in θ."""

from bayesml.predictors.activations import GELU, Activation, ReLU, SiLU, Softplus, Tanh
from bayesml.predictors.base import (
    ExportsToPyMC,
    HasFrame,
    HasJacobian,
    HasPullback,
    HasStart,
    Network,
    Outputs,
    Parameters,
    Predictor,
    pullback_of,
)
from bayesml.predictors.frame import Frame, frame_of
from bayesml.predictors.linear import Linear
from bayesml.predictors.mlp import MLP, Standardisation

__all__ = [
    "GELU",
    "MLP",
    "Activation",
    "ExportsToPyMC",
    "Frame",
    "HasFrame",
    "HasJacobian",
    "HasPullback",
    "HasStart",
    "Linear",
    "Network",
    "Outputs",
    "Parameters",
    "Predictor",
    "ReLU",
    "SiLU",
    "Softplus",
    "Standardisation",
    "Tanh",
    "frame_of",
    "pullback_of",
]
