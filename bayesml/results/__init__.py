"""Results: one type whatever the method, with its checks, its DataTree and its files."""

from bayesml.results.checks import CheckReport, Finding
from bayesml.results.contrasts import Effect
from bayesml.results.fit import Fit
from bayesml.results.learning import fit
from bayesml.results.predictive import prior_predictive
from bayesml.results.storage import load

__all__ = ["CheckReport", "Effect", "Finding", "Fit", "fit", "load", "prior_predictive"]
