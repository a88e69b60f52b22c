"""Likelihoods: p(y | η), its derivatives in η, and the noise it states."""

from bayesml.likelihoods.base import Average, ClosedFormCRPS, Likelihood, Staged, Stated
from bayesml.likelihoods.gaussian import Gaussian
from bayesml.likelihoods.heteroscedastic import HeteroscedasticGaussian
from bayesml.likelihoods.heteroscedastic_t import HeteroscedasticStudentT
from bayesml.likelihoods.student_t import StudentT

__all__ = [
    "Average",
    "ClosedFormCRPS",
    "Gaussian",
    "HeteroscedasticGaussian",
    "HeteroscedasticStudentT",
    "Likelihood",
    "Staged",
    "Stated",
    "StudentT",
]
