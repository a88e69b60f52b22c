"""A slab too narrow for the weights that are in. Derived in docs/theory/all_subsets.md, (Y15)."""

from collections.abc import Iterable

from bayesml.errors import PriorConflictWarning
from bayesml.posteriors import OverModels
from bayesml.results.answer import Answer
from bayesml.results.findings import Finding

MOST = 0.2
"""Part of the estimate of σ²: beyond it σ is a tenth too large."""


def findings(answer: Answer) -> Iterable[Finding]:
    """Judge whether the slab takes effects for noise."""
    posterior = answer.learned.posterior
    if not isinstance(posterior, OverModels):
        return
    part = posterior.slab_misfit
    yield Finding(
        "part of σ² that is weights larger than their slab",
        part <= MOST,
        part,
        f"≤ {MOST:g}",
        "Effects are so large in units of the noise that the prior takes a part of them for noise: "
        "σ and all intervals are too wide.",
        "State a wider slab, such as SpikeAndSlab(slab=10).",
        PriorConflictWarning,
    )
