"""An approximation's own draws in its place, weighted. Derived in docs/theory/laplace.md, (U7)."""

from dataclasses import replace

import numpy as np

from bayesml.errors import IncompatibleModelError
from bayesml.inference import Learned
from bayesml.inference.propriety import propriety
from bayesml.posteriors import Audited
from bayesml.results.answer import Answer

CORRECTED = ("importance_shift", "curvature")
"""Diagnostics of the Gaussian that say nothing of its draws once these are weighted."""


def reweighted(answer: Answer) -> Learned:
    """Return the draws of an audit, with their smoothed weights, as what was learned."""
    learned = answer.learned
    posterior = learned.posterior
    if not isinstance(posterior, Audited):
        raise IncompatibleModelError(
            f"reweighted: this answer keeps no audit ({learned.explanation}). Laplace() keeps one "
            "where the predictor is no network and there are no groups, whose draws are weighted "
            "already."
        )
    smoothed = posterior.audited.smoothed
    left = {name: v for name, v in learned.diagnostics.items() if name not in CORRECTED}
    how = (
        f"{np.round(smoothed.effective):g} effective draws of {len(smoothed.log_weights)} by "
        f"Pareto-smoothed importance weights, of: {learned.explanation}"
    )
    return replace(
        learned,
        posterior=posterior.reweighted(),
        explanation=how,
        diagnostics=left,
        notes=propriety(answer.problem),
    )
