"""Inference methods: different answers to the same declaration."""

from bayesml.inference.auto import Auto
from bayesml.inference.base import Learned, Method, Resumable
from bayesml.inference.default_network import default_network, hidden_units
from bayesml.inference.empirical_bayes import EmpiricalBayes
from bayesml.inference.engines import Direct, PyMC
from bayesml.inference.ensemble import Ensemble
from bayesml.inference.exact import Exact
from bayesml.inference.gibbs import Gibbs
from bayesml.inference.langevin import Langevin
from bayesml.inference.laplace import Laplace
from bayesml.inference.map import MAP
from bayesml.inference.mle import MLE
from bayesml.inference.networks.curvature import FullCurvature, KroneckerFactored, LastLayer
from bayesml.inference.networks.settings import Start, Training
from bayesml.inference.nuts import NUTS
from bayesml.inference.penalties import lasso_penalty, lasso_scale, ridge_penalty, ridge_prior_sd
from bayesml.inference.subset_sampler import SubsetSampler

__all__ = [
    "MAP",
    "MLE",
    "NUTS",
    "Auto",
    "Direct",
    "EmpiricalBayes",
    "Ensemble",
    "Exact",
    "FullCurvature",
    "Gibbs",
    "KroneckerFactored",
    "Langevin",
    "Laplace",
    "LastLayer",
    "Learned",
    "Method",
    "PyMC",
    "Resumable",
    "Start",
    "SubsetSampler",
    "Training",
    "default_network",
    "hidden_units",
    "lasso_penalty",
    "lasso_scale",
    "ridge_penalty",
    "ridge_prior_sd",
]
