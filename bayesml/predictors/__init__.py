"""Predictors: η = h_θ(X) and its derivatives in θ."""

from bayesml.predictors.activations import GELU, Activation, ReLU, SiLU, Softplus, Tanh
from bayesml.predictors.base import (
    ExportsToPyMC,
    HasFrame,
    HasGram,
    HasJacobian,
    HasNewLevels,
    HasPullback,
    HasSeveral,
    HasStart,
    Labelled,
    Network,
    Outputs,
    Parameters,
    Predictor,
    ReadsBeside,
    labels_of,
    pullback_of,
)
from bayesml.predictors.beside import Beside
from bayesml.predictors.frame import Frame, Shift, frame_of
from bayesml.predictors.grouped import Grouped
from bayesml.predictors.linear import Linear
from bayesml.predictors.linear_predictors import KnownColumns, LinearPredictors
from bayesml.predictors.mlp import MLP, Standardisation

__all__ = [
    "GELU",
    "MLP",
    "Activation",
    "Beside",
    "ExportsToPyMC",
    "Frame",
    "Grouped",
    "HasFrame",
    "HasGram",
    "HasJacobian",
    "HasNewLevels",
    "HasPullback",
    "HasSeveral",
    "HasStart",
    "KnownColumns",
    "Labelled",
    "Linear",
    "LinearPredictors",
    "Network",
    "Outputs",
    "Parameters",
    "Predictor",
    "ReLU",
    "ReadsBeside",
    "Shift",
    "SiLU",
    "Softplus",
    "Standardisation",
    "Tanh",
    "frame_of",
    "labels_of",
    "pullback_of",
]
