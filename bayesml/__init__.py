"""bayesml: one declared model, learned by any method, always the same kind of result."""

from bayesml import distributions, losses
from bayesml.data import Data
from bayesml.distributions import (
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    Normal,
)
from bayesml.errors import (
    ApproximationWarning,
    BayesmlError,
    BayesmlWarning,
    ConvergenceError,
    ConvergenceWarning,
    DataError,
    DataWarning,
    ImproperPosteriorError,
    IncompatibleModelError,
    MissingDependencyError,
    RankDeficientError,
    SamplingInterrupted,
    StorageError,
)
from bayesml.inference import (
    MAP,
    MLE,
    NUTS,
    Auto,
    Direct,
    Exact,
    PyMC,
    ridge_penalty,
    ridge_prior_sd,
)
from bayesml.likelihoods import Gaussian, StudentT
from bayesml.model import Model
from bayesml.optimizers import LBFGS, SGD, Adam, GradientDescent, Momentum, Newton, NormalEquation
from bayesml.posteriors import Prediction
from bayesml.predictors import Linear
from bayesml.priors import Independent, NormalInverseGamma, WeaklyInformative
from bayesml.results import CheckReport, Fit, fit, load, plots, prior_predictive

__all__ = [
    "LBFGS",
    "MAP",
    "MLE",
    "NUTS",
    "SGD",
    "Adam",
    "ApproximationWarning",
    "Auto",
    "BayesmlError",
    "BayesmlWarning",
    "CheckReport",
    "ConvergenceError",
    "ConvergenceWarning",
    "Data",
    "DataError",
    "DataWarning",
    "Direct",
    "Exact",
    "Exponential",
    "Fit",
    "Flat",
    "Gamma",
    "Gaussian",
    "GradientDescent",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "ImproperPosteriorError",
    "IncompatibleModelError",
    "Independent",
    "InverseGamma",
    "Linear",
    "MissingDependencyError",
    "Model",
    "Momentum",
    "Newton",
    "Normal",
    "NormalEquation",
    "NormalInverseGamma",
    "Prediction",
    "PyMC",
    "RankDeficientError",
    "SamplingInterrupted",
    "StorageError",
    "StudentT",
    "WeaklyInformative",
    "distributions",
    "fit",
    "load",
    "losses",
    "plots",
    "prior_predictive",
    "ridge_penalty",
    "ridge_prior_sd",
]
