"""Whether classes come as often as draws of the answer say (C17, C19)."""

from collections.abc import Iterable

import numpy as np

from bayesml.errors import ResidualWarning
from bayesml.results.answer import Answer
from bayesml.results.criticism.own_rows import OwnRows, own_rows
from bayesml.results.findings import Finding
from bayesml.results.new_rows import class_names
from bayesml.results.reliability import Reliability, miscalibrated
from bayesml.typing import Array

REPLICAS = 400
"""Outcomes, over all draws."""


def findings(answer: Answer) -> Iterable[Finding] | str:
    """Compare miscalibration at each draw with that of outcomes drawn there."""
    names = class_names(answer)
    if not names:
        return ()
    if answer.learned.posterior.kind == "point" and not _is_flat(answer):
        return (
            "reliability of probabilities: a prior holds back those of a mode. Laplace() or NUTS() "
            "gives draws of them, and bm.calibration takes rows that are new."
        )
    found = own_rows(answer)
    if isinstance(found, str):
        return f"reliability of probabilities: {found}"
    return (_judge(names, found),)


def _is_flat(answer: Answer) -> bool:
    """Say whether no prior holds any coefficient back."""
    rows = answer.problem.prior.normal_rows(answer.problem)
    return rows is not None and len(rows.mean) == 0


def _judge(names: tuple[str, ...], found: OwnRows) -> Finding:
    p = _probabilities(found, len(names))
    every = [Reliability(names, each, found.y, found.weights) for each in p]
    times = -(-REPLICAS // len(every))
    beyond = [each.beyond(times, found.rng) for each in every]
    draws = len(every)
    together = Reliability(
        names,
        np.concatenate(list(p), axis=1),
        np.tile(found.y, draws),
        np.tile(found.weights, draws),
    )
    return miscalibrated(together, float(np.mean(beyond)), ResidualWarning)


def _probabilities(found: OwnRows, size: int) -> Array:
    """Evaluate P(y = k) at every draw, shape (draws, K, m)."""
    log_p = [found.likelihood.log_density(float(k), found.eta, found.noise) for k in range(size)]
    return np.exp(np.stack(log_p, axis=-2))
