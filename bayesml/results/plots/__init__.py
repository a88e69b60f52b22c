"""Pictures of a fit that go into a paper as they are. Described in docs/guides/command_line.md.

Every function returns a matplotlib `Figure` that belongs to nobody else: pyplot does not know it,
nothing is shown and no setting is changed. Save it with ``figure.savefig("fit.png")``. ArviZ draws
what it can draw; these are the pictures that need the model, or its prediction, and not only draws.
"""

from bayesml.results.plots.calibration import calibration
from bayesml.results.plots.coefficients import coefficients
from bayesml.results.plots.effect import effect
from bayesml.results.plots.effects import effects
from bayesml.results.plots.groups import groups
from bayesml.results.plots.loss import loss
from bayesml.results.plots.posterior import posterior
from bayesml.results.plots.predictions import predictions
from bayesml.results.plots.predictive_check import predictive_check
from bayesml.results.plots.reliability import reliability
from bayesml.results.plots.residuals import residuals

__all__ = [
    "calibration",
    "coefficients",
    "effect",
    "effects",
    "groups",
    "loss",
    "posterior",
    "predictions",
    "predictive_check",
    "reliability",
    "residuals",
]
