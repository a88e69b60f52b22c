"""A predictor from outside the package: quadratic in the features, linear in its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Matrix = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Squares:
    """η = b + Σⱼ θⱼ xⱼ²: what `Linear` would compute of other columns, and never of these."""

    has_intercept: bool = True

    def resolve(self, mean_X: Matrix, sd_X: Matrix, outputs: Any, intercept: Any) -> "Squares":
        return self

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        return {"intercept": (), "theta": (n,)}

    def dims(self) -> dict[str, list[str]]:
        return {"theta": ["feature"]}

    def eta(self, parameters: Mapping[str, Matrix], X: Matrix) -> Matrix:
        return np.asarray(parameters["intercept"])[..., None] + parameters["theta"] @ (X**2).T

    def vjp(
        self, parameters: Mapping[str, Matrix], X: Matrix, cotangent: Matrix
    ) -> dict[str, Matrix]:
        return {"intercept": np.asarray(cotangent.sum(axis=-1)), "theta": cotangent @ X**2}

    def jacobian(self, parameters: Mapping[str, Matrix], X: Matrix) -> Matrix:
        return np.column_stack([np.ones(len(X)), X**2])

    def describe(self) -> str:
        return "η = intercept + X²·theta"
