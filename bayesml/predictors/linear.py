"""The linear predictor."""

from dataclasses import dataclass

import numpy as np

from bayesml.errors import IncompatibleModelError
from bayesml.predictors.base import Parameters
from bayesml.typing import Array


@dataclass(frozen=True)
class Linear:
    r"""The linear predictor :math:`\eta_i = b + x_i^\top \theta`.

    Parameters
    ----------
    intercept : bool or None
        Whether there is an intercept b. None follows the formula, and is True for arrays.

    Examples
    --------
    >>> import numpy as np
    >>> parameters = {"intercept": np.array(1.0), "weights": np.array([2.0, 0.5])}
    >>> Linear().eta(parameters, np.array([[1.0, 2.0]]))
    array([4.])
    """

    intercept: bool | None = None

    def __post_init__(self) -> None:
        if self.intercept not in (True, False, None):
            raise IncompatibleModelError(
                f"Linear: intercept must be True, False or None, got {self.intercept!r}. "
                "A prior on the intercept goes to Independent(intercept=...)."
            )

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the intercept, if there is one, and the weights."""
        intercept: dict[str, tuple[int, ...]] = {} if self.intercept is False else {"intercept": ()}
        return intercept | {"weights": (n,)}

    def eta(self, parameters: Parameters, X: Array) -> Array:
        """Evaluate b + Xθ, shape (..., m) for weights of shape (..., n)."""
        eta = parameters["weights"] @ X.T
        if self.intercept is not False:
            eta = eta + np.asarray(parameters["intercept"])[..., None]
        return np.asarray(eta)

    def vjp(self, parameters: Parameters, X: Array, cotangent: Array) -> dict[str, Array]:
        """Evaluate (Σᵢ gᵢ, Xᵀg)."""
        weights: dict[str, Array] = {"weights": np.asarray(cotangent @ X)}
        if self.intercept is False:
            return weights
        return {"intercept": np.asarray(cotangent.sum(axis=-1))} | weights

    def jacobian(self, parameters: Parameters, X: Array) -> Array:
        """Return [1 X]."""
        if self.intercept is False:
            return X
        return np.column_stack([np.ones(X.shape[0]), X])

    def describe(self) -> str:
        """Say the function in words."""
        return "η = X·weights" if self.intercept is False else "η = intercept + X·weights"
