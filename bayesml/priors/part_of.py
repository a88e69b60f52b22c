"""What the prior of one predictor is asked about, among several."""

from collections.abc import Mapping
from dataclasses import dataclass

from bayesml.data.roles import LinearPart
from bayesml.priors.base import Coefficients
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class PartOf:
    """What a prior is asked about, of one predictor among several.

    Attributes
    ----------
    whole : Coefficients
    part : LinearPart
    """

    whole: Coefficients
    part: LinearPart

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of its features."""
        return self.part.features

    @property
    def feature_dim(self) -> str:
        """What its axis of features is called."""
        return self.part.feature_dim

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of its intercept and weights."""
        own: dict[str, tuple[int, ...]] = {"intercept": ()} if self.part.intercept else {}
        return own | {"weights": (len(self.part.features),)}

    @property
    def has_intercept(self) -> bool:
        """Whether it has an intercept."""
        return self.part.intercept

    @property
    def centred(self) -> bool:
        """Whether its intercept is counted from the mean of the features."""
        return self.part.intercept

    @property
    def mean_X(self) -> Array:
        """Means of its features."""
        return self.whole.mean_X[self.part.where]

    @property
    def mean_error(self) -> Array:
        """What the rounding of the means left out."""
        return self.whole.mean_error[self.part.where]
