"""The linear predictor."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesml.errors import IncompatibleModelError
from bayesml.predictors.base import Outputs, Parameters
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

    @property
    def depth(self) -> int:
        """Zero: it is not a network."""
        return 0

    def resolve(
        self, mean_X: Array, sd_X: Array, outputs: Outputs, intercept: bool | None
    ) -> "Linear":
        """Follow the formula where the intercept is not stated, and refuse a contradiction."""
        if self.intercept is not None and intercept not in (None, self.intercept):
            raise IncompatibleModelError(
                f"Linear(intercept={self.intercept}) contradicts the formula, which "
                f"{'has' if intercept else 'has no'} intercept. Write Linear() to follow the "
                "formula, or change it ('0 +' removes the intercept)."
            )
        if len(outputs) != 1:
            raise IncompatibleModelError(
                f"Linear() has one output, but the likelihood reads {len(outputs)}. Use "
                "MLP(hidden=()), which is linear in every one of them."
            )
        if self.intercept is not None:
            return self
        return replace(self, intercept=True if intercept is None else intercept)

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the intercept, if there is one, and the weights."""
        intercept: dict[str, tuple[int, ...]] = {} if self.intercept is False else {"intercept": ()}
        return intercept | {"weights": (n,)}

    def dims(self) -> dict[str, list[str]]:
        """Say that there is one weight a feature."""
        return {"weights": ["feature"]}

    def eta(self, parameters: Parameters, X: Array) -> Array:
        """Evaluate b + Xθ, shape (..., m) for weights of shape (..., n)."""
        eta = parameters["weights"] @ X.T
        if self.intercept is not False:
            eta = eta + np.asarray(parameters["intercept"])[..., None]
        return np.asarray(eta)

    def pymc(self, pm: Any, parameters: Mapping[str, Any], X: Any) -> Any:
        """Return b + Xθ as a PyMC expression."""
        eta = X @ parameters["weights"]
        return eta if self.intercept is False else parameters["intercept"] + eta

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
