"""The one rule by which every optimizer stops, and the errors of those that run away.

Derived in docs/theory/optimisation.md, section "When to stop".
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from bayesml.errors import ConvergenceError
from bayesml.optimizers.curvature import along
from bayesml.optimizers.objective import Vector
from bayesml.optimizers.state import State

_EPSILON32, _EPSILON64 = float(np.finfo(np.float32).eps), float(np.finfo(np.float64).eps)

STEEP = 100.0
"""The root of the largest curvature that scaled coordinates leave."""

RISE = 1e3
"""A value this many max(1, |J(start)|) above the start is divergence, not a detour."""


@dataclass(frozen=True)
class Optimum:
    """Where an optimizer stopped, and why.

    Attributes
    ----------
    x : (p,) array
        The last point, of the dtype of the start.
    value : float
        J(x).
    gradient_norm : float
        ‖∇J(x)‖, Euclidean.
    iterations : int
        Steps taken; for minibatches, passes over the data.
    converged : bool
        Whether the rule of `Stopping` was met.
    reason : str
        One sentence that says why the run ended, with the numbers.
    loss_curve : (iterations + 1,) float64 array
        J at the start and after each iteration.
    """

    x: Vector
    value: float
    gradient_norm: float
    iterations: int
    converged: bool
    reason: str
    loss_curve: NDArray[np.float64]


@dataclass(frozen=True)
class Stopping:
    """Follow a stream of states to the optimum, the last allowed iteration or the cliff.

    A state is the optimum when its gradient is small (O23),

        ‖∇J(x)‖ ≤ τ s,    τ = max(tolerance, 10 ε),    s = max(1, min(|J(x)|, |J(start)|)),

    with ε the machine epsilon of x; or when the stream ends by itself because no step lowers J in
    floating point and ‖∇J(x)‖ ≤ √ε s (O24).

    Parameters
    ----------
    optimizer : str
        The code of the optimizer, for messages.
    tolerance : float
        Relative size of the gradient at which to stop.
    max_iterations : int
        The most iterations to follow.
    learning_rate : float, optional
        The fixed rate, if there is one to blame for divergence.
    stability : float
        Largest stable rate times largest curvature: 2 for gradient descent (O4).

    References
    ----------
    Dennis & Schnabel (1996), Numerical Methods for Unconstrained Optimization, §7.2,
    with typical sizes of one.

    Examples
    --------
    >>> path = [State(np.array([x]), x * x, np.array([2 * x])) for x in (1.0, 0.5, 0.0)]
    >>> optimum = Stopping("halving", tolerance=1e-8, max_iterations=10).follow(path)
    >>> optimum.converged, optimum.iterations, optimum.loss_curve
    (True, 2, array([1.  , 0.25, 0.  ]))
    """

    optimizer: str
    tolerance: float
    max_iterations: int
    learning_rate: float | None = None
    stability: float = 2.0

    def follow(self, states: Iterable[State]) -> Optimum:
        """Consume states until the rule is met.

        Raises
        ------
        ConvergenceError
            When J or its gradient is not finite, or J has climbed far above the start.
        """
        losses: list[float] = []
        start = before = last = None
        # What overflows is seen in the result, and reported with its remedy.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            for state in islice(states, self.max_iterations + 1):
                losses.append(state.value)
                start = start or state
                size = norm(state.gradient)
                if not math.isfinite(state.value + size) or _escaped(losses):
                    raise ConvergenceError(self._divergence(before, last, state, losses))
                before, last = last, state
                if size <= self.bound(start, state):
                    break
        if start is None or last is None:
            raise ConvergenceError(f"{self.optimizer} was given no states: nothing was minimised.")
        return self._judge(start, last, losses)

    def bound(self, start: State, state: State) -> float:
        """Return the gradient norm that will do, τ s of (O23)."""
        return max(self.tolerance, 10 * _epsilon(state)) * _scale(start, state)

    def at_rounding(self, start: State, state: State) -> bool:
        """Say whether J may be flat to rounding while its gradient is not (O24).

        A curvature above one makes it flat at gradients as much larger as its root.
        """
        return self.bound(start, state) < norm(state.gradient) <= STEEP * _floor(start, state)

    def _judge(self, start: State, last: State, losses: list[float]) -> Optimum:
        """Say whether and why the run ended where it did."""
        size, iterations = norm(last.gradient), len(losses) - 1
        bound, floor = self.bound(start, last), _floor(start, last)
        if size <= bound:
            converged, reason = True, f"the gradient vanished: its norm {size:.1e} ≤ {bound:.1e}"
        elif iterations == self.max_iterations:
            converged = False
            reason = (
                f"stopped after {iterations} iterations, the most allowed, at a gradient of norm "
                f"{size:.1e}, above {bound:.1e}: allow more, or try LBFGS() or Newton()"
            )
        elif size <= floor:
            converged = True
            reason = (
                "no step lowers the objective in floating point: the gradient's norm is "
                f"{size:.1e} ≤ {floor:.1e}"
            )
        else:
            converged = False
            reason = f"the steps ended at a gradient of norm {size:.1e}, above {bound:.1e}"
        return Optimum(last.x, last.value, size, iterations, converged, reason, np.array(losses))

    def _divergence(
        self, before: State | None, last: State | None, state: State, losses: list[float]
    ) -> str:
        """Name the step, the rate and the remedy."""
        step = len(losses) - 1
        if last is None:
            return (
                f"{self.optimizer}: the objective is {state.value} at the start, and its "
                f"gradient has norm {norm(state.gradient)}. Start where both are finite."
            )
        what = (
            f"{self.optimizer} diverged at step {step}: the objective went from {losses[0]:.6g} "
            f"at the start to {losses[-2]:.6g} and {losses[-1]:.6g}"
        )
        if self.learning_rate is None:
            return f"{what}. Is it bounded below and finite near the start? Try LBFGS()."
        pair = (last, state) if np.all(np.isfinite(state.gradient)) else (before, last)
        curvature = math.nan if pair[0] is None else along(pair[0], pair[1])
        if not 0 < curvature < math.inf:
            return (
                f"{what}. Use learning_rate < {self.learning_rate:.3g}, or None; if that does not "
                "help, check that the objective is bounded below."
            )
        return (
            f"{what}. The curvature along the last step is {curvature:.3g}, which is stable only "
            f"for learning_rate < {self.stability / curvature:.3g}, not {self.learning_rate:.3g}; "
            "learning_rate=None chooses one."
        )


def norm(gradient: Vector) -> float:
    """Return the Euclidean norm, for a third of the cost of np.linalg.norm."""
    return math.sqrt(gradient @ gradient)


def _epsilon(state: State) -> float:
    return _EPSILON32 if state.x.dtype == np.float32 else _EPSILON64


def _scale(start: State, state: State) -> float:
    """Return the size of J that gradients are compared to; falling without bound leaves it be."""
    return max(1.0, min(abs(state.value), abs(start.value)))


def _floor(start: State, state: State) -> float:
    """Return the gradient norm below which a step may change J by less than its rounding."""
    return math.sqrt(_epsilon(state)) * _scale(start, state)


def _escaped(losses: list[float]) -> bool:
    return losses[-1] - losses[0] > RISE * max(1.0, abs(losses[0]))
