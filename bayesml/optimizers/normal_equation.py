"""The normal equation: where the gradient of a quadratic vanishes.

Derived in docs/theory/gaussian_likelihood.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.optimizers.objective import Objective, with_hessian
from bayesml.optimizers.optimizer import Traits
from bayesml.optimizers.state import State, checked_start, evaluate
from bayesml.optimizers.stopping import Stopping


@dataclass(frozen=True)
class NormalEquation:
    r"""Solve :math:`\nabla^2 J\,(\theta - \theta_0) = -\nabla J(\theta_0)` once (G6).

    For the mean squared error it is :math:`X^\top X\,\theta = X^\top y`, solved by Cholesky's
    factorisation, and loses twice as many digits as the QR factors that `MLE` takes by itself.

    Raises
    ------
    IncompatibleModelError
        If the objective is not quadratic, so that one equation does not minimise it.
    ConvergenceError
        If the normal matrix is singular in floating point.

    References
    ----------
    Golub & Van Loan (2013), Matrix Computations, algorithm 5.3.1.

    Examples
    --------
    >>> from bayesml.optimizers import minimize
    >>> class Bowl:
    ...     def value(self, x):
    ...         return self.value_and_gradient(x)[0]
    ...
    ...     def value_and_gradient(self, x):
    ...         return float((x - 1) @ (x - 1)), 2 * (x - 1)
    ...
    ...     def hessian(self, x):
    ...         return 2 * np.eye(len(x))
    >>> minimize(NormalEquation(), Bowl(), [5.0, -3.0]).x
    array([1., 1.])
    """

    traits: ClassVar[Traits] = Traits()

    @property
    def stopping(self) -> Stopping:
        """The rule that ends a run: one step, and the gradient is at rounding level."""
        return Stopping(repr(self), 1e-8, 1)

    def steps(
        self, objective: Objective, start: ArrayLike, *, rng: np.random.Generator | None = None
    ) -> Iterator[State]:
        """Yield the start and the solution."""
        quadratic = with_hessian(objective, repr(self))
        state = evaluate(quadratic, checked_start(start))
        yield state
        H = quadratic.hessian(state.x)
        if not np.allclose(quadratic.hessian(state.x + 1.0), H, rtol=1e-6):
            raise IncompatibleModelError(
                f"{self!r} solves quadratic objectives, and this one is not: a Gaussian "
                "likelihood with MLE() is. Use Newton() or LBFGS()."
            )
        try:
            move = cho_solve(cho_factor(H), -state.gradient)
        except LinAlgError:
            raise ConvergenceError(
                f"{self!r}: the normal matrix is singular in floating point, since forming it "
                "squares the condition number. Use MLE() without an optimizer, which does not."
            ) from None
        yield evaluate(quadratic, state.x + move)
