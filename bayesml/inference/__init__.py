"""Inference methods: different answers to the same declaration."""

from bayesml.inference.auto import Auto
from bayesml.inference.base import Learned, Method
from bayesml.inference.engines import Direct, PyMC
from bayesml.inference.exact import Exact
from bayesml.inference.map import MAP, ridge_penalty, ridge_prior_sd
from bayesml.inference.mle import MLE
from bayesml.inference.nuts import NUTS

__all__ = [
    "MAP",
    "MLE",
    "NUTS",
    "Auto",
    "Direct",
    "Exact",
    "Learned",
    "Method",
    "PyMC",
    "ridge_penalty",
    "ridge_prior_sd",
]
