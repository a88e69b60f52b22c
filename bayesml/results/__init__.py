"""Results: one type whatever the method, with its checks, its DataTree and its files."""

from bayesml.results.calibrate import calibration
from bayesml.results.calibration import Calibration
from bayesml.results.comparison import Comparison, compare
from bayesml.results.cross_validation import CrossValidation, cross_validate
from bayesml.results.effects import Effects
from bayesml.results.findings import CheckReport, Finding
from bayesml.results.fit import Fit
from bayesml.results.fitting import fit
from bayesml.results.loading import load
from bayesml.results.model_table import model_table
from bayesml.results.predictive import prior_predictive
from bayesml.results.risk import Risk, risk

__all__ = [
    "Calibration",
    "CheckReport",
    "Comparison",
    "CrossValidation",
    "Effects",
    "Finding",
    "Fit",
    "Risk",
    "calibration",
    "compare",
    "cross_validate",
    "fit",
    "load",
    "model_table",
    "prior_predictive",
    "risk",
]
