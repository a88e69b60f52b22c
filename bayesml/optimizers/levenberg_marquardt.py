"""Levenberg-Marquardt: damped Gauss-Newton steps (docs/theory/network.md, M6 to M8)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from bayesml.arguments import check_count, check_positive
from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.optimizers.objective import Objective, Vector
from bayesml.optimizers.optimizer import Optimizer, Traits
from bayesml.optimizers.state import State, checked_start
from bayesml.optimizers.stopping import Stopping

TRIES = 25
"""How often the damping is raised before there is no step that lowers the objective."""


class Parabola(Protocol):
    """The Gauss-Newton model of a function at a point: its value, gradient and curvature H."""

    @property
    def x(self) -> Vector:
        """The point."""

    @property
    def value(self) -> float:
        """J(x)."""

    @property
    def gradient(self) -> Vector:
        """∇J(x)."""

    def step(self, damping: float) -> Vector:
        """Return −(H + μI)⁻¹∇J."""


@runtime_checkable
class HasParabola[P: Parabola](Objective, Protocol):
    """A function with a Gauss-Newton model at every point."""

    def parabola(self, x: Vector) -> P:
        """Return the model at x."""


@runtime_checkable
class Damped(Optimizer, Protocol):
    """An optimizer whose steps are damped regressions, between which scales may be learned."""

    @property
    def damping(self) -> float:
        """μ at the start."""

    def descend[P: Parabola](
        self, objective: HasParabola[P], here: P, damping: float
    ) -> tuple[P, float] | None:
        """Return where one step leads and the damping of the next; None where there is none."""


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Step by Bayesian linear regression on the Jacobian: (H + μI) Δθ = −∇J (M7).

    H is the generalised Gauss-Newton matrix, never indefinite. The damping μ falls where the
    parabola foretells J and grows where it does not (M8). Best at up to a few thousand parameters.

    Parameters
    ----------
    damping : float
        μ at the start.
    max_iterations : int
        The most steps to take.
    tolerance : float
        Relative gradient norm at which to stop; see `Stopping`.

    Raises
    ------
    IncompatibleModelError
        If a number is not in its range; when it runs, if the objective has no Jacobian.

    References
    ----------
    Marquardt (1963), An Algorithm for Least-Squares Estimation of Nonlinear Parameters;
    Nocedal & Wright (2006), Numerical Optimization, §10.3.

    Examples
    --------
    >>> LevenbergMarquardt(max_iterations=50).damping
    0.001
    """

    damping: float = 1e-3
    max_iterations: int = 200
    tolerance: float = 1e-8
    traits: ClassVar[Traits] = Traits()

    def __post_init__(self) -> None:
        check_positive(self, "damping", "tolerance")
        check_count(self, "max_iterations")

    @property
    def stopping(self) -> Stopping:
        """The rule that ends a run."""
        return Stopping(repr(self), self.tolerance, self.max_iterations)

    def steps(
        self, objective: Objective, start: ArrayLike, *, rng: np.random.Generator | None = None
    ) -> Iterator[State]:
        """Yield the start and the state after each step."""
        if not isinstance(objective, HasParabola):
            raise IncompatibleModelError(
                f"{self!r} steps by regression on a Jacobian, which {type(objective).__name__} "
                "does not offer: it is for networks. Use LBFGS() or Newton()."
            )
        here, damping = objective.parabola(checked_start(start)), self.damping
        yield State(here.x, here.value, here.gradient)
        while found := self.descend(objective, here, damping):
            here, damping = found
            yield State(here.x, here.value, here.gradient)

    def descend[P: Parabola](
        self, objective: HasParabola[P], here: P, damping: float
    ) -> tuple[P, float] | None:
        """Take the least damped step that lowers J; None where rounding hides them all."""
        for _ in range(TRIES):
            found = _attempt(objective, here, damping)
            if found is not None:
                x, ratio = found
                if ratio > 0.75:
                    damping = max(damping / 4, 1e-15)
                elif ratio < 0.25:
                    damping *= 2
                return objective.parabola(x), damping
            damping = max(4 * damping, 1e-12)
        return None


def _attempt[P: Parabola](
    objective: HasParabola[P], here: Parabola, damping: float
) -> tuple[Vector, float] | None:
    """Return the point a damped step leads to and the ratio ρ (M8), if it lowers J."""
    try:
        step = here.step(damping)
    except ConvergenceError:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        value = objective.value(here.x + step)
    if not (math.isfinite(value) and value < here.value):
        return None
    promise = 0.5 * float(damping * (step @ step) - here.gradient @ step)
    return here.x + step, (here.value - value) / promise
