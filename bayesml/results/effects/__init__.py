"""The effects language: what is asked of a fit, where, and how two answers are compared.

Described in docs/guides/effects.md, derived in docs/theory/effects.md. The questions are methods
of `Fit`; here are the parts that they take.
"""

from bayesml.results.effects.contrast import Contrast, Difference, OddsRatio, Ratio
from bayesml.results.effects.effects import Effects
from bayesml.results.effects.grid import Grid
from bayesml.results.effects.grids import Balanced, Typical
from bayesml.results.effects.moves import Scenarios

__all__ = [
    "Balanced",
    "Contrast",
    "Difference",
    "Effects",
    "Grid",
    "OddsRatio",
    "Ratio",
    "Scenarios",
    "Typical",
]
