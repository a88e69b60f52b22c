"""The linear predictor."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesml.arguments import shown
from bayesml.data.roles import LinearPart
from bayesml.errors import IncompatibleModelError
from bayesml.predictors.base import Outputs, Parameters
from bayesml.predictors.frame import Frame, Shift
from bayesml.predictors.linear_predictors import KnownColumns, LinearPredictors
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
        stated: Any = self.intercept
        if not isinstance(stated, bool | np.bool | None):
            raise IncompatibleModelError(
                f"Linear: intercept must be True, False or None, got {shown(stated)}. "
                "A prior on the intercept goes to Independent(intercept=...)."
            )
        object.__setattr__(self, "intercept", None if stated is None else bool(stated))

    @property
    def has_intercept(self) -> bool:
        """Whether there is an intercept; before the data are met, unless excluded."""
        return self.intercept is not False

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
                "MLP(hidden=()), which is linear in every one of them, or state the others: "
                "Gaussian() with 'y ~ x, sigma ~ x'."
            )
        if self.intercept is not None:
            return self
        return replace(self, intercept=True if intercept is None else intercept)

    def several(self, parts: tuple[LinearPart, ...], columns: KnownColumns) -> LinearPredictors:
        """Return the linear predictors of several outputs, and what is known of every row."""
        if self.intercept is not None:
            parts = (replace(parts[0], intercept=self.intercept), *parts[1:])
        return LinearPredictors(parts, columns)

    def frame(self, mean_X: Array, sd_X: Array, outputs: Outputs) -> Frame:
        """Centre the rows, so that an intercept far from the data costs no digits (J3)."""
        (centre, spread), n = outputs[0], len(mean_X)
        sd = np.where(sd_X > 0, sd_X, 1.0)
        shapes = self.shapes(n)
        if not self.has_intercept:
            size = np.hypot(sd_X, mean_X)
            scale = (spread or 1.0) / np.where(size > 0, size, 1.0)
            return Frame(self, shapes, None, None, np.zeros(n), scale)
        start = np.append(centre, np.zeros(n))
        scale = (spread or 1.0) * np.append(1.0, 1.0 / sd)
        shift = Shift("intercept", "weights", (0, n))
        return Frame(self, shapes, mean_X, None, start, scale, (shift,))

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the intercept, if there is one, and the weights."""
        intercept: dict[str, tuple[int, ...]] = {} if not self.has_intercept else {"intercept": ()}
        return intercept | {"weights": (n,)}

    def dims(self) -> dict[str, list[str]]:
        """Say that there is one weight a feature."""
        return {"weights": ["feature"]}

    def eta(self, parameters: Parameters, X: Array) -> Array:
        """Evaluate b + Xθ, shape (..., m) for weights of shape (..., n)."""
        eta = parameters["weights"] @ X.T
        if self.has_intercept:
            eta = eta + np.asarray(parameters["intercept"])[..., None]
        return np.asarray(eta)

    def pymc(self, pm: Any, parameters: Mapping[str, Any], X: Any) -> Any:
        """Return b + Xθ as a PyMC expression."""
        eta = X @ parameters["weights"]
        return eta if self.intercept is False else parameters["intercept"] + eta

    def vjp(self, parameters: Parameters, X: Array, cotangent: Array) -> dict[str, Array]:
        """Evaluate (Σᵢ gᵢ, Xᵀg)."""
        weights: dict[str, Array] = {"weights": np.asarray(cotangent @ X)}
        if not self.has_intercept:
            return weights
        return {"intercept": np.asarray(cotangent.sum(axis=-1))} | weights

    def jacobian(self, parameters: Parameters, X: Array) -> Array:
        """Return [1 X]."""
        if not self.has_intercept:
            return X
        return np.column_stack([np.ones(X.shape[0]), X])

    def gram(self, parameters: Parameters, X: Array, information: Array) -> Array:
        """Evaluate JᵀΛJ for Λ ≥ 0 a row, by a symmetric product: half the work of a general one."""
        scaled = X * np.sqrt(np.maximum(information, 0.0))[:, None]
        if not self.has_intercept:
            return np.asarray(scaled.T @ scaled)
        whole = np.empty((X.shape[1] + 1, X.shape[1] + 1))
        whole[0, 0], whole[1:, 1:] = information.sum(), scaled.T @ scaled
        whole[0, 1:] = whole[1:, 0] = information @ X
        return whole

    def describe(self) -> str:
        """Say the function in words."""
        return "η = X·weights" if self.intercept is False else "η = intercept + X·weights"
