"""Every error and warning that bayesml raises: one base for each, so that users can filter them.

A message says what was got, what is needed and what to do instead.
"""

import functools
from pathlib import Path

# Python 3.12.1 skips no file whose whole name is the prefix, so the suffix is cut off
INSIDE = (str(Path(__file__).resolve().parent), functools.__file__.removesuffix(".py"))
"""Files that a warning is not of: it names the line that asked, however deep it arises."""


class BayesmlError(Exception):
    """Base of all errors raised by bayesml."""


class DataError(BayesmlError, ValueError):
    """The data cannot be used as they stand: shape, type, missing values, names or levels."""


class RankDeficientError(DataError):
    """Columns of the design are collinear and no proper prior separates them."""


class IncompatibleModelError(BayesmlError, ValueError):
    """The parts of a model, or a model and a method, do not fit together."""


class ImproperPosteriorError(BayesmlError, ValueError):
    """The posterior, or the quantity asked of it, does not exist under improper priors."""


class ConvergenceError(BayesmlError, RuntimeError):
    """Learning diverged or stopped before there was an answer."""


class SeparationError(ConvergenceError):
    """The maximum lies at infinity: some columns tell rows apart without an exception."""


class SamplingInterrupted(BayesmlError, RuntimeError):
    """Sampling was interrupted before there was a draw to return."""


class StorageError(BayesmlError, ValueError):
    """A file cannot be written, or is not a fit that this version of bayesml can read."""


class TooLargeError(BayesmlError, MemoryError):
    """What was asked for needs more memory than the machine has."""


class MissingDependencyError(BayesmlError, ImportError):
    """An optional package that this function needs is not installed."""


class BayesmlWarning(UserWarning):
    """Base of all warnings issued by bayesml."""


class DataWarning(BayesmlWarning):
    """The data were changed on request, for instance rows with missing values were dropped."""


class RepeatedRowsWarning(DataWarning):
    """Rows to learn from were learned from before: they would count twice."""


class ConvergenceWarning(BayesmlWarning):
    """A check of the answer failed: it may not be what was asked for."""


class ApproximationWarning(BayesmlWarning):
    """An answer is used outside the range where it is known to hold."""


class ModelWarning(BayesmlWarning):
    """The answer is that of the model, but the model is doubtful for these data."""


class PriorConflictWarning(ModelWarning):
    """Prior and data disagree about a coefficient, and the prior moved it."""


class CollinearityWarning(ModelWarning):
    """Coefficients that the data know together but not apart."""


class DesignWarning(ModelWarning):
    """The design asks more of the rows than they can tell: too many columns or levels."""


class LikelihoodWarning(ModelWarning):
    """The target is of a kind that another likelihood is made for."""


class InfluenceWarning(ModelWarning):
    """Single rows decide the answer."""


class ResidualWarning(ModelWarning):
    """Residuals have a structure that the model leaves out."""


class PredictiveWarning(ModelWarning):
    """Data that the fit expects do not look like the data."""
