"""What a transformation learns from a column that is read a part at a time: sums that add up.

Every statistic knows what it adds to the state that formulaic keeps for the transformation, so that
the columns built afterwards are those of the same formula in memory.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from bayesml.errors import DataError

STATISTICS = "statistics"
"""Where a transformation leaves what it found in one part, beside the state of formulaic."""

State = dict[str, Any]
Arguments = Mapping[str, Any]


class TransformStatistics(Protocol):
    """What one part says; those of two parts add up."""

    def __add__(self, other: Self, /) -> Self:
        """Bring two parts together."""

    def state_after(self, before: State) -> State:
        """Return the state after this pass, given the one before."""


@dataclass(frozen=True, eq=False)
class Spread:
    """Count, mean and centred sum of squares, for center, scale and standardize."""

    count: int
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    centre: Any
    unit: Any
    ddof: float

    @classmethod
    def of(cls, x: NDArray[np.float64], given: Arguments, _: State) -> "Spread":
        """Summarise one part."""
        mean = x.mean(axis=0)
        squares = ((x - mean) ** 2).sum(axis=0)
        unit = given.get("scale", given.get("rescale", False))
        return cls(len(x), mean, squares, given.get("center", True), unit, given.get("ddof", 1))

    def __add__(self, other: "Spread") -> "Spread":
        """Merge two parts."""
        count = self.count + other.count
        step = other.mean - self.mean
        squares = self.squares + other.squares + step**2 * (self.count * other.count / count)
        return replace(
            self, count=count, mean=self.mean + step * (other.count / count), squares=squares
        )

    def state_after(self, before: State) -> State:
        """Return centre and scale, each measured, given or absent."""
        centre = self._chosen(self.centre, self.mean)
        offset = self.mean - (0.0 if centre is None else centre)
        about = self.squares + self.count * offset**2
        return {
            "ddof": self.ddof,
            "center": centre,
            "scale": self._chosen(self.unit, np.sqrt(about / (self.count - self.ddof))),
        }

    @staticmethod
    def _chosen(bound: Any, measured: NDArray[np.float64]) -> Any:
        if isinstance(bound, bool):
            return measured if bound else None
        return np.array(bound)


@dataclass(frozen=True)
class Orthogonal:
    """Sums Σ P_k(x)² and Σ x P_k(x)² for poly: one degree k a pass (Stieltjes)."""

    degree: int
    norm2: float
    moment: float

    @classmethod
    def of(cls, x: NDArray[np.float64], given: Arguments, before: State) -> "Orthogonal":
        """Summarise one part."""
        alpha, norms2 = before.get("alpha", {}), before.get("norms2", {})
        last, current = np.zeros_like(x), np.ones_like(x)
        for k in range(len(norms2)):
            beta = norms2[k] / norms2[k - 1] if k else 0.0
            last, current = current, (x - alpha[k]) * current - beta * last
        squares = current**2
        return cls(given["degree"], float(squares.sum()), float((x * squares).sum()))

    def __add__(self, other: "Orthogonal") -> "Orthogonal":
        """Merge two parts."""
        return replace(self, norm2=self.norm2 + other.norm2, moment=self.moment + other.moment)

    def state_after(self, before: State) -> State:
        """Return the recurrence up to one degree more."""
        k = len(before.get("norms2", {}))
        alpha = {k: self.moment / self.norm2} if k < self.degree else {}
        return {
            "alpha": before.get("alpha", {}) | alpha,
            "norms2": before.get("norms2", {}) | {k: self.norm2},
        }


@dataclass(frozen=True)
class Range:
    """Smallest and largest value, for splines with given knots."""

    low: float
    high: float
    name: str
    given: Arguments

    @classmethod
    def of(cls, x: NDArray[np.float64], given: Arguments, name: str) -> "Range":
        """Summarise one part."""
        if given["df"] is not None or isinstance(given.get("constraints"), str):
            raise DataError(
                f"{name}(…, df={given['df']}) places its knots at quantiles of all rows, which are "
                f"not in memory; give the knots, for instance {name}(x, knots=[1, 2, 3])"
            )
        return cls(float(x.min()), float(x.max()), name, given)

    def __add__(self, other: "Range") -> "Range":
        """Merge two parts."""
        return replace(self, low=min(self.low, other.low), high=max(self.high, other.high))

    def state_after(self, before: State) -> State:
        """Return what the spline keeps: bounds and knots."""
        from formulaic.transforms import TRANSFORMS

        state: State = {}
        TRANSFORMS[self.name](np.array([self.low, self.high]), **self.given, _state=state)
        return state


def accumulating_transforms() -> dict[str, Callable[..., Any]]:
    """Make stand-ins for the transformations of formulaic, which sum up what they are given.

    A stand-in computes as soon as its state is known, and is NaN before, so that a transformation
    of another one waits for it.
    """
    from formulaic.transforms import TRANSFORMS

    spread = dict.fromkeys(("center", "scale", "standardize"), Spread.of)
    ranges = {
        name: lambda x, given, _, name=name: Range.of(x, given, name)
        for name in ("bs", "cc", "cr", "cs")
    }
    kinds: dict[str, Any] = {**spread, "poly": Orthogonal.of, **ranges}
    return {name: _stand_in(TRANSFORMS[name], summarise) for name, summarise in kinds.items()}


def _stand_in(
    real: Callable[..., Any], summarise: Callable[..., TransformStatistics]
) -> Callable[..., Any]:
    signature = inspect.signature(real)

    def learn(data: Any, *args: Any, _state: State, **kwargs: Any) -> Any:
        given = {k: v for k, v in kwargs.items() if not k.startswith("_")}
        bound = signature.bind(data, *args, **given)
        bound.apply_defaults()
        wanted = {k: v for k, v in list(bound.arguments.items())[1:] if k != "_state"}
        if _known(_state, wanted):
            return real(data, *args, _state=_state, **given)
        x = np.asarray(data, dtype=np.float64)
        if not np.isnan(x).all():
            _state[STATISTICS] = summarise(x, wanted, _state)
        return np.full(x.shape, np.nan)

    learn.__is_stateful_transform__ = True  # type: ignore[attr-defined]
    return learn


def _known(state: State, given: Arguments) -> bool:
    """Say whether nothing is left to learn; poly needs the norms of all its degrees."""
    if given.get("raw") is True:
        return True
    return bool(state) and len(state.get("norms2", ())) in (0, given.get("degree", 0) + 1)
