"""L-BFGS, by scipy (docs/theory/optimisation.md, section "Newton and quasi-Newton")."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import OptimizeResult, minimize

from bayesml.arguments import check_count, check_positive
from bayesml.optimizers.objective import Objective
from bayesml.optimizers.optimizer import Traits
from bayesml.optimizers.state import State, checked_start, evaluate
from bayesml.optimizers.stopping import Stopping, norm


@dataclass(frozen=True)
class LBFGS:
    """Newton's step with a Hessian remembered from the last gradients (O21).

    The work is scipy's L-BFGS-B. Where its line search can no longer tell values of J apart,
    it goes on with their difference measured by the gradients (O22), which rounding
    hides only much later. It runs to its end before the first state is handed out: whatever
    watches the states sees them late.

    Parameters
    ----------
    memory : int
        Gradient pairs remembered.
    max_iterations : int
        The most steps to take.
    tolerance : float
        Relative gradient norm at which to stop; see `Stopping`.

    Raises
    ------
    IncompatibleModelError
        If a number is not in its range.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, algorithm 7.5.
    Zhu, Byrd, Lu & Nocedal (1997), Algorithm 778: L-BFGS-B, ACM Trans. Math. Softw. 23.

    Examples
    --------
    >>> from bayesml.optimizers import minimize
    >>> class Valley:
    ...     def value(self, x):
    ...         return self.value_and_gradient(x)[0]
    ...
    ...     def value_and_gradient(self, x):
    ...         curvature = np.array([1.0, 100.0])
    ...         return 0.5 * float(x @ (curvature * x)), curvature * x
    >>> minimize(LBFGS(), Valley(), [1.0, 1.0]).converged
    True
    """

    memory: int = 10
    max_iterations: int = 10_000
    tolerance: float = 1e-10
    traits: ClassVar[Traits] = Traits()

    def __post_init__(self) -> None:
        check_count(self, "memory", "max_iterations")
        check_positive(self, "tolerance")

    @property
    def stopping(self) -> Stopping:
        """The rule that ends a run."""
        return Stopping(repr(self), self.tolerance, self.max_iterations)

    def steps(
        self, objective: Objective, start: ArrayLike, *, rng: np.random.Generator | None = None
    ) -> Iterator[State]:
        """Yield the start and the state after each step."""
        path = [evaluate(objective, checked_start(start))]
        self._run(objective, path, lambda state: state.value)
        if self.stopping.at_rounding(path[0], path[-1]):
            self._run(objective, path, partial(_rise, path[-1]))
        yield from path

    def _run(
        self, objective: Objective, path: list[State], measure: Callable[[State], float]
    ) -> None:
        """Append the states that scipy steps through from the last one, by the given measure."""
        latest, dtype, stopping = path[-1], path[-1].x.dtype, self.stopping

        def measured(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            nonlocal latest
            latest = evaluate(objective, x.astype(dtype))
            last, value, gradient = path[-1], measure(latest), latest.gradient
            if not math.isfinite(value + norm(gradient)):
                # A wall, as steep as J falls here, so that the line search turns back halfway.
                gradient = -last.gradient
                value = measure(last) + float(gradient @ (latest.x - last.x))
            return value, gradient.astype(np.float64)

        def follow(intermediate_result: OptimizeResult) -> None:
            path.append(latest)
            if norm(latest.gradient) <= stopping.bound(path[0], latest):
                raise StopIteration

        minimize(
            measured,
            latest.x.astype(np.float64),
            jac=True,
            method="L-BFGS-B",
            callback=follow,
            options={
                "maxcor": self.memory,
                "maxiter": self.max_iterations,
                "maxfun": 100 * self.max_iterations,
                "ftol": 0.0,
                "gtol": 0.0,
                "maxls": 50,
            },
        )


def _rise(origin: State, state: State) -> float:
    """Measure J(x) − J(origin) by the slopes at both ends (O22)."""
    return float(0.5 * (origin.gradient + state.gradient) @ (state.x - origin.x))
