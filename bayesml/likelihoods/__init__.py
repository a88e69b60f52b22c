"""Likelihoods: p(y | η), its derivatives in η, and the noise it states."""

from bayesml.likelihoods.base import Average, Likelihood, Noise
from bayesml.likelihoods.gaussian import Gaussian
from bayesml.likelihoods.heteroscedastic import HeteroscedasticGaussian
from bayesml.likelihoods.student_t import StudentT

__all__ = [
    "Average",
    "Gaussian",
    "HeteroscedasticGaussian",
    "Likelihood",
    "Noise",
    "StudentT",
]
