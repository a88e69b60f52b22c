"""Results: one type whatever the method, with its checks, its DataTree and its files."""

from bayesml.results.calibration import Calibration, calibration
from bayesml.results.checks import CheckReport, Finding
from bayesml.results.comparison import Comparison, compare
from bayesml.results.contrasts import Effect
from bayesml.results.fit import Fit
from bayesml.results.learning import fit
from bayesml.results.predictive import prior_predictive
from bayesml.results.storage import load
from bayesml.results.validation import CrossValidation, Risk, cross_validate, risk

__all__ = [
    "Calibration",
    "CheckReport",
    "Comparison",
    "CrossValidation",
    "Effect",
    "Finding",
    "Fit",
    "Risk",
    "calibration",
    "compare",
    "cross_validate",
    "fit",
    "load",
    "prior_predictive",
    "risk",
]
