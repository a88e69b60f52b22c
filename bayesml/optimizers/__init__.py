"""Algorithms that minimise functions and know nothing of models (docs/theory/optimisation.md)."""

from bayesml.optimizers.adam import Adam
from bayesml.optimizers.adamw import AdamW
from bayesml.optimizers.batches import by_index
from bayesml.optimizers.gradient_descent import GradientDescent
from bayesml.optimizers.lbfgs import LBFGS
from bayesml.optimizers.levenberg_marquardt import Damped, LevenbergMarquardt
from bayesml.optimizers.momentum import Momentum
from bayesml.optimizers.newton import Newton
from bayesml.optimizers.normal_equation import NormalEquation
from bayesml.optimizers.objective import HasHessian, HasWeights, Objective, Stochastic
from bayesml.optimizers.optimizer import Optimizer, Traits, check_optimizer, minimize
from bayesml.optimizers.schedules import Constant, Cosine, InverseTime, Schedule
from bayesml.optimizers.sgd import SGD
from bayesml.optimizers.state import State
from bayesml.optimizers.stopping import Optimum, Stopping

__all__ = [
    "LBFGS",
    "SGD",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Damped",
    "GradientDescent",
    "HasHessian",
    "HasWeights",
    "InverseTime",
    "LevenbergMarquardt",
    "Momentum",
    "Newton",
    "NormalEquation",
    "Objective",
    "Optimizer",
    "Optimum",
    "Schedule",
    "State",
    "Stochastic",
    "Stopping",
    "Traits",
    "by_index",
    "check_optimizer",
    "minimize",
]
