"""How two expectations are compared: by their difference, their ratio, the ratio of their odds."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from bayesml.arguments import plays, shown
from bayesml.errors import DataError
from bayesml.posteriors.combination import JointLaw
from bayesml.typing import Array, Integers


@runtime_checkable
class Contrast(Protocol):
    """A comparison of a quantity, high, with another one, low.

    A class of one's own that has these members serves as well as those of the package.
    """

    @property
    def name(self) -> str:
        """What it is called, for instance ``difference``."""

    @property
    def null(self) -> float:
        """Its value where both are the same."""

    @property
    def linear(self) -> bool:
        """Whether it is high − low: then exact answers stay exact."""

    def __call__(self, low: Array, high: Array) -> Array:
        """Evaluate it, elementwise.

        Raises
        ------
        DataError
            If it does not exist of such values.
        """

    def label(self, low: str, high: str) -> str:
        """Write it of two labels."""


@dataclass(frozen=True)
class Difference:
    r"""The difference, :math:`\mu_1 - \mu_0`, in the unit of y.

    Examples
    --------
    >>> Difference()(np.array([2.0]), np.array([5.0])), Difference().label("a", "b")
    (array([3.]), 'b − a')
    """

    @property
    def name(self) -> str:
        """Difference."""
        return "difference"

    @property
    def null(self) -> float:
        """Zero."""
        return 0.0

    @property
    def linear(self) -> bool:
        """Yes."""
        return True

    def __call__(self, low: Array, high: Array) -> Array:
        """Evaluate high − low."""
        return high - low

    def label(self, low: str, high: str) -> str:
        """Write high − low."""
        return f"{high} − {low}"


@dataclass(frozen=True)
class Ratio:
    r"""The ratio, :math:`\mu_1 / \mu_0`: of probabilities a risk ratio, of counts a rate ratio.

    Examples
    --------
    >>> Ratio()(np.array([2.0]), np.array([5.0])), Ratio().label("a", "b")
    (array([2.5]), 'b / a')
    """

    @property
    def name(self) -> str:
        """Ratio."""
        return "ratio"

    @property
    def null(self) -> float:
        """One."""
        return 1.0

    @property
    def linear(self) -> bool:
        """No."""
        return False

    def __call__(self, low: Array, high: Array) -> Array:
        """Evaluate high/low.

        Raises
        ------
        DataError
            If low is not positive at every draw: a ratio to what may be zero has no moments.
        """
        if not np.all(low > 0):
            raise DataError(
                f"Ratio() needs expectations that are positive at every draw, but one is "
                f"{np.min(low):.4g}: a ratio to what may be zero means nothing. Use Difference()."
            )
        return high / low

    def label(self, low: str, high: str) -> str:
        """Write high / low."""
        return f"{high} / {low}"


@dataclass(frozen=True)
class OddsRatio:
    r"""The ratio of odds, :math:`\frac{\mu_1}{1 - \mu_1} \big/ \frac{\mu_0}{1 - \mu_0}`.

    It is of the averages of a cell. Of logistic regression, at any one row, the odds ratio of a
    unit step is exp(coefficient); of averages it is nearer to one.

    Examples
    --------
    >>> OddsRatio()(np.array([0.5]), np.array([0.75]))
    array([3.])
    """

    @property
    def name(self) -> str:
        """Odds ratio."""
        return "odds ratio"

    @property
    def null(self) -> float:
        """One."""
        return 1.0

    @property
    def linear(self) -> bool:
        """No."""
        return False

    def __call__(self, low: Array, high: Array) -> Array:
        """Evaluate odds(high)/odds(low).

        Raises
        ------
        DataError
            If these are no probabilities, or are zero or one.
        """
        for p in (low, high):
            if not np.all((p > 0) & (p < 1)):
                raise DataError(
                    "OddsRatio() is of probabilities between 0 and 1, but the expectations reach "
                    f"from {np.min(p):.4g} to {np.max(p):.4g}. Use Difference() or Ratio()."
                )
        return high / (1.0 - high) * ((1.0 - low) / low)

    def label(self, low: str, high: str) -> str:
        """Write it as of odds."""
        return f"odds {high} / {low}"


def require_contrast(contrast: object) -> None:
    """Refuse what compares nothing, such as a word."""
    if not plays(contrast, Contrast):
        raise DataError(
            "contrast must be effects.Difference(), effects.Ratio(), effects.OddsRatio() or an "
            f"object like them, got {shown(contrast)}."
        )


def contrasted(law: JointLaw, low: Integers, high: Integers, contrast: Contrast) -> JointLaw:
    """Compare quantities `high` with `low`, each given by their places."""
    if not contrast.linear:
        return law.map(lambda values: contrast(values[low], values[high]))
    C = np.zeros((len(low), law.size))
    rows = np.arange(len(low))
    C[rows, high] += 1.0
    C[rows, low] -= 1.0
    return law.combine(C)
