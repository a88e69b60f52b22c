"""What a prior may know of the data: names, centres and scales, and nothing else."""

from dataclasses import dataclass

from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class Scales:
    """Names, centres and scales of the features and the target.

    Attributes
    ----------
    feature_names : tuple of str
    mean_X, sd_X : ndarray, shape (n,)
        In the features' units.
    mean_y, sd_y : float
        In the target's unit.
    intercept : bool
        Whether the predictor has an intercept.
    """

    feature_names: tuple[str, ...]
    mean_X: Array
    sd_X: Array
    mean_y: float
    sd_y: float
    intercept: bool
