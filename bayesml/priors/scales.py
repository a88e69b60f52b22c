"""What a prior may know of the data: names, centres and scales, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class Scales:
    """Names, centres and scales of the features, and of η as the likelihood reads it.

    Attributes
    ----------
    feature_names : tuple of str
    mean_X : ndarray, shape (n,)
        In the features' units.
    factor : ndarray, shape (n, n)
        Upper-triangular factor of their covariance.
    noise : ndarray, shape (n,)
        Rounding level of the standard deviation of each.
    freedom : float
        Weight of the rows less one, the divisor of the covariance.
    centre, spread : float
        Where the first output lies and how far it varies, on the link scale; the spread is zero
        where the target is constant and has no scale of its own.
    noise_scale : str, float or None
        What scales the noise around η, in its unit: a parameter of the likelihood, by its name
        where it is inferred and its value where it is known. None where there is none.
    shapes : mapping of name to shape
        Of the predictor's parameters.
    depth : int
        Layers of a network, whose parameters have no units; zero for other predictors.
    centred : bool
        Whether the predictor counts its intercept from the mean of the features.
    terms : mapping of term to feature names
        The columns that every term of a formula makes.
    """

    feature_names: tuple[str, ...]
    mean_X: Array
    factor: Array
    noise: Array
    freedom: float
    centre: float
    spread: float
    noise_scale: str | float | None
    shapes: Mapping[str, tuple[int, ...]]
    depth: int
    centred: bool
    terms: Mapping[str, tuple[str, ...]]

    @property
    def sd_X(self) -> Array:
        """Standard deviations of the features, zero where a column is constant."""
        sd: Array = np.linalg.norm(self.factor, axis=0)
        return np.where(sd <= 4.0 * self.noise, 0.0, sd)

    @property
    def sizes(self) -> Array:
        """Standard deviations, and where a column is constant its size, or one (D3)."""
        flat = np.where(self.mean_X == 0.0, 1.0, np.abs(self.mean_X))
        return np.where(self.sd_X > 0.0, self.sd_X, flat)
