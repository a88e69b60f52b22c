"""Train a network by Levenberg-Marquardt while its scales are learned.

Derived in docs/theory/network.md, whose labels are cited.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from bayesml.errors import ConvergenceError, ImproperPosteriorError
from bayesml.inference.networks.local import Near
from bayesml.inference.networks.objective import Point
from bayesml.inference.networks.progress import shown
from bayesml.inference.networks.scales import ByJointMode, Hyperprior, NetworkScales
from bayesml.inference.networks.watch import Watch
from bayesml.log_joint import Rows
from bayesml.optimizers import Damped
from bayesml.typing import Array

NOWHERE = (ConvergenceError, ImproperPosteriorError)
"""Why training ends nowhere: it diverges, or leaves no noise (M35)."""

LEAST, MOST = 3, 60
"""Steps before the prior scales are first learned: a random start says nothing of them."""

SETTLED = 0.1
"""Nats per unit of weight that a step gains once the network has found the shape of the data.

Learned earlier, the scales take the near-linear function of the start for the answer, shrink the
weights, and never leave it.
"""

PATIENCE = 5
"""Steps without a better evidence before training ends."""

SLACK = 0.1
"""What counts as better, in nats: patience ends where steps in a row gain half a nat at most."""

NEGLIGIBLE = 1.0
"""Nats that `PATIENCE` steps may still gain at the last allowed one: a Bayes factor of e is not
worth more than a bare mention (Kass & Raftery 1995, §3.2)."""


class Judge(Protocol):
    """How scales are learned, and which iterate is best."""

    @property
    def hyperprior(self) -> Hyperprior:
        """What is assumed of the scales."""

    def judge(self, rows: Rows, point: Point, scales: NetworkScales) -> tuple[float, NetworkScales]:
        """Return how good a point is under its scales, and better scales."""


@dataclass(frozen=True, eq=False)
class Iterate:
    """A point, the scales under which it was reached, and how good both are.

    Attributes
    ----------
    point : Point
    scales : NetworkScales
    score : float
        Log evidence, or log joint density, in nats; NaN before the scales were first learned.
    damping : float
    """

    point: Point
    scales: NetworkScales
    score: float
    damping: float


@dataclass(frozen=True, eq=False)
class Trained:
    """Where training ended.

    Attributes
    ----------
    best : Iterate
    losses : ndarray
        The negative log posterior, in nats, under the scales of its time.
    scores : ndarray
        The log evidence along the way; NaN before the scales were first learned.
    converged : bool
    reason : str
    """

    best: Iterate
    losses: Array
    scores: Array
    converged: bool
    reason: str


@dataclass(frozen=True, eq=False)
class ByHeldOut:
    """Take the noise at its mode, and judge by rows that were set aside: early stopping."""

    hyperprior: Hyperprior
    held: Rows

    def judge(self, rows: Rows, point: Point, scales: NetworkScales) -> tuple[float, NetworkScales]:
        """Return the held-out log likelihood, and better scales."""
        _, better = ByJointMode(self.hyperprior).judge(rows, point, scales)
        held = self.held.log_likelihood(self.held.eta(point.x), scales.values)
        return float(held), better


def iterates(
    rows: Rows,
    near: Near,
    start: Array,
    scales: NetworkScales,
    judge: Judge,
    settings: Damped,
    watch: Watch,
) -> Iterator[Iterate]:
    """Interleave damped Gauss-Newton steps (M7) with better scales (M11, M12)."""
    damping, hyperprior = settings.damping, judge.hyperprior
    point = hyperprior.objective(rows, near, scales).parabola(start)
    _check_finite(point, 0)
    before, settled = np.inf, False
    most = settings.stopping.max_iterations
    for step in range(most + 1):
        score, better = np.nan, scales
        still = step >= LEAST and before - point.value < SETTLED
        settled = settled or still or step >= min(MOST, most) or watch.over()
        before = point.value
        if settled:
            score, better = judge.judge(rows, point, scales)
        elif step >= LEAST:
            _, judged = judge.judge(rows, point, scales)
            better = replace(judged, precision=scales.precision)
        yield Iterate(point, scales, score, damping)
        scales = better
        objective = hyperprior.objective(rows, near, scales)
        found = settings.descend(objective, objective.again(point), damping)
        if found is None:
            damping = settings.damping
            point = objective.again(point)
        else:
            point, damping = found
        _check_finite(point, step + 1)


def train(
    rows: Rows,
    near: Near,
    start: Array,
    scales: NetworkScales,
    judge: Judge,
    settings: Damped,
    watch: Watch,
    progress: bool = False,
) -> Trained:
    """Follow the iterates while they get better, and keep the best of them."""
    losses: list[float] = []
    scores: list[float] = []
    best: Iterate | None = None
    mark, waited, converged, over = -np.inf, 0, False, False
    run = iterates(rows, near, start, scales, judge, settings, watch)
    if progress:
        run = shown(run, settings.stopping.max_iterations, repr(settings), lambda i: i.point.value)
    for iterate in run:
        losses.append(iterate.point.value * iterate.point.weight)
        scores.append(iterate.score)
        if np.isnan(iterate.score):
            continue
        if best is None or iterate.score > best.score:
            best = iterate
        waited = 0 if iterate.score > mark + SLACK else waited + 1
        mark = max(mark, iterate.score) if waited == 0 else mark
        if waited >= PATIENCE or _stationary(iterate, settings, waited):
            converged = True
            break
        if over := watch.over():
            break
    assert best is not None  # the last step is judged at any rate
    taken = len(losses) - 1
    reason = f"best of {taken} steps at step {int(np.nanargmax(scores))}"
    if not converged:
        converged, reason = _cut_short(scores, taken, over)
    return Trained(best, np.array(losses), np.array(scores), converged, reason)


def _cut_short(scores: list[float], taken: int, over: bool) -> tuple[bool, str]:
    """Say whether what the last steps still gained is negligible, and why training ended."""
    gain = float(np.nanmax(scores) - np.nanmax([-np.inf, *scores[:-PATIENCE]]))
    converged = gain <= NEGLIGIBLE
    found = f"{min(PATIENCE, taken)} steps gained {gain:.2g} nats"
    advice = "" if converged else " and improvement goes on: allow more"
    where = f"step {taken}, since time was over" if over else f"max_iterations={taken}"
    return converged, f"stopped at {where}, where the last {found}{advice}"


def _stationary(iterate: Iterate, settings: Damped, waited: int) -> bool:
    """Say whether the point is an optimum and its scales have come to rest."""
    scale = max(1.0, abs(iterate.point.value))
    size = float(np.linalg.norm(iterate.point.gradient))
    return waited >= 2 and size <= settings.stopping.tolerance * scale


def _check_finite(point: Point, step: int) -> None:
    size = float(np.linalg.norm(point.gradient))
    if not np.isfinite(point.value + size):
        raise ConvergenceError(
            f"Training diverged at step {step}: the objective is {point.value}, its gradient has "
            f"norm {size}. Check the scales of the data, state a prior such as Layered(), or start "
            "from another seed."
        )
