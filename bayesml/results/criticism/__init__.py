"""What the data say against the model, whoever learned it. Derived in docs/theory/criticism.md."""

from collections.abc import Iterable

from bayesml.results.answer import Answer
from bayesml.results.criticism import (
    by_quantiles,
    design,
    influence,
    reliable,
    replicas,
    sensitivity,
    slab,
    structure,
    told_apart,
)
from bayesml.results.criticism.linearised import linearise
from bayesml.results.findings import Finding

OF_GROUPS = (
    "influential rows: effects of groups and curves are held back by their scales, and what a row "
    "does to them no formula here says. Compare fits with and without it."
)


def from_statistics(answer: Answer) -> Iterable[Finding]:
    """Criticise the model by what is known of the rows without reading them again."""
    yield from design.findings(answer)
    yield from told_apart.findings(answer)
    yield from slab.findings(answer)


def from_rows(answer: Answer) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Criticise the model by its rows and draws; and say what could not be judged, and why."""
    found: list[Finding] = []
    not_judged: list[str] = []
    rows = linearise(answer)
    if isinstance(rows, str):
        not_judged.append(f"residuals and influential rows: {rows}")
    else:
        found += structure.findings(rows)
        if answer.problem.grouped is not None:
            not_judged.append(OF_GROUPS)
        else:
            found += influence.findings(rows)
    for part in (by_quantiles, reliable, sensitivity, replicas):
        judged = part.findings(answer)
        if isinstance(judged, str):
            not_judged.append(judged)
        else:
            found += judged
    return tuple(found), tuple(not_judged)
