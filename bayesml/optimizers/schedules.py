"""How a learning rate changes over a run: callables (passes made, passes planned) -> multiplier.

Derived in docs/theory/optimisation.md, section "Stochastic gradients".
"""

import math
from dataclasses import dataclass
from typing import Protocol

from bayesml.arguments import check_positive


class Schedule(Protocol):
    """The learning rate's multiplier as a function of progress, in passes over the data.

    Full-batch iterations are passes; a minibatch is a fraction of one.
    """

    def __call__(self, passes: float, planned: int) -> float:
        """Return what multiplies the learning rate after `passes` of `planned` passes."""


@dataclass(frozen=True)
class Constant:
    """Leave the learning rate as it is.

    Examples
    --------
    >>> Constant()(3.5, 100)
    1.0
    """

    def __call__(self, passes: float, planned: int) -> float:
        """Return the multiplier."""
        return 1.0


@dataclass(frozen=True)
class InverseTime:
    """Decay as (1 + rate · t)^(−power), t in passes (O15).

    With power in (½, 1] the rates meet the conditions of Robbins and Monro, Σ α = ∞ and
    Σ α² < ∞ (O14); below 1 they are those of Polyak and Juditsky for averaged iterates.

    Parameters
    ----------
    rate : float
        Inverse of the passes after which the decay sets in.
    power : float
        How fast it then is.

    References
    ----------
    Robbins & Monro (1951), A Stochastic Approximation Method.
    Polyak & Juditsky (1992), Acceleration of Stochastic Approximation by Averaging.

    Examples
    --------
    >>> InverseTime(rate=1.0, power=1.0)(3, 100)
    0.25
    """

    rate: float = 0.1
    power: float = 0.75

    def __post_init__(self) -> None:
        check_positive(self, "rate", "power")

    def __call__(self, passes: float, planned: int) -> float:
        """Return the multiplier."""
        return float((1 + self.rate * passes) ** -self.power)


@dataclass(frozen=True)
class Cosine:
    """Fall from 1 to 0 along half a cosine, ½ (1 + cos(π t / T)), T the passes planned.

    References
    ----------
    Loshchilov & Hutter (2017), SGDR, eq. 5, without restarts.

    Examples
    --------
    >>> [round(Cosine()(t, 100), 3) for t in (0, 50, 100)]
    [1.0, 0.5, 0.0]
    """

    def __call__(self, passes: float, planned: int) -> float:
        """Return the multiplier."""
        return 0.5 * (1 + math.cos(math.pi * min(passes / planned, 1.0)))
