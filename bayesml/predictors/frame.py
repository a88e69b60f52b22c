"""The coordinates in which a predictor is evaluated. Derived in docs/theory/log_joint.md, (J2)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayesml.predictors import flat
from bayesml.predictors.base import (
    HasFrame,
    HasGram,
    Network,
    Outputs,
    Predictor,
    Pullback,
    pullback_of,
)
from bayesml.typing import Array


@dataclass(frozen=True)
class Shift:
    """An intercept that is counted from the centre of the columns that its weights multiply.

    Attributes
    ----------
    intercept, weights : str
        What they are called.
    columns : (int, int)
        First column, and the one after the last.
    """

    intercept: str
    weights: str
    columns: tuple[int, int]

    def of(self, centre: Any) -> Any:
        """Return the centre of its columns."""
        return centre[slice(*self.columns)]


@dataclass(frozen=True, eq=False)
class Frame:
    r"""Rows and parameters as a predictor is best evaluated: centred, and of order one.

    .. math:: \tilde x = (x - c)/u, \qquad \beta = \beta_0 + d \odot z \qquad (J2)

    β are the parameters of `predictor` on the rows x̃, flat. What the user calls the intercept is
    counted from c: b = β_b − cᵀθ.

    Attributes
    ----------
    predictor : Predictor
        On rows that are prepared.
    shapes : mapping of name to shape
        Of its parameters, in the order of β.
    centre, unit : ndarray, shape (n,), or None
        None leaves rows as they are, or their unit.
    start, scale : ndarray, shape (p,)
    shifts : tuple of Shift
        Which intercepts are counted from the centre.
    """

    predictor: Predictor
    shapes: Mapping[str, tuple[int, ...]]
    centre: Array | None
    unit: Array | None
    start: Array
    scale: Array
    shifts: tuple[Shift, ...] = ()

    @property
    def shifted(self) -> bool:
        """Whether the intercept is counted from the centre."""
        return bool(self.shifts)

    @property
    def p(self) -> int:
        """Number of parameters."""
        return len(self.start)

    @cached_property
    def layered(self) -> bool:
        """Whether the predictor is a stack of layers; kept, since a role takes long to check."""
        return isinstance(self.predictor, Network)

    @cached_property
    def pullback(self) -> Pullback:
        """η and its vector-Jacobian product, of (parameters, rows): one forward pass if it can."""
        return pullback_of(self.predictor)

    @cached_property
    def gram(self) -> HasGram | None:
        """Who knows JᵀΛJ directly; None if the Jacobian has to be formed."""
        return self.predictor if isinstance(self.predictor, HasGram) else None

    def prepare(self, X: Array) -> Array:
        """Return x̃ at the rows of X."""
        moved = X if self.centre is None else X - self.centre
        return moved if self.unit is None else moved / self.unit

    def beta(self, z: Array) -> Array:
        """Return β at z, shape (..., p)."""
        return np.asarray(self.start + self.scale * z)

    def z(self, beta: Array) -> Array:
        """Return z at β, shape (..., p)."""
        return np.asarray((beta - self.start) / self.scale)

    def named(self, beta: Array) -> dict[str, Array]:
        """Return the user's parameters by name from β of shape (..., p)."""
        parameters = flat.split(beta, self.shapes)
        for name, moved in self._moves(parameters):
            parameters[name] = parameters[name] - moved
        return parameters

    def unnamed(self, parameters: Mapping[str, Array]) -> Array:
        """Return β, shape (..., p), from the user's parameters: the inverse of `named`."""
        counted = dict(parameters)
        for name, moved in self._moves(parameters):
            counted[name] = parameters[name] + moved
        return flat.join(counted, self.shapes)

    def _moves(self, parameters: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        """Yield the intercepts that are counted from the centre, and cᵀθ of each."""
        if self.centre is not None:
            for shift in self.shifts:
                yield shift.intercept, parameters[shift.weights] @ shift.of(self.centre)

    def matrices(self) -> dict[str, Array]:
        """Return, by name, the functionals of β that give the entries, shape (entries, p)."""
        columns = self.named(np.eye(self.p))
        return {name: column.reshape(self.p, -1).T for name, column in columns.items()}


def frame_of(predictor: Predictor, n: int, mean_X: Array, sd_X: Array, outputs: Outputs) -> Frame:
    """Return the frame that a predictor states, or its own units, from zero.

    Parameters
    ----------
    predictor : Predictor
    n : int
        Number of features.
    mean_X, sd_X : ndarray, shape (n,)
        In the features' units.
    outputs : tuple of (centre, scale)
        Where η lies; an ``intercept`` starts at the first centre.
    """
    if isinstance(predictor, HasFrame):
        stated: Frame = predictor.frame(mean_X, sd_X, outputs)
        return stated
    shapes = predictor.shapes(n)
    start = {name: np.zeros(shape) for name, shape in shapes.items()}
    if predictor.has_intercept:
        start["intercept"] = np.asarray(outputs[0][0])
    beta = flat.join(start, shapes)
    return Frame(predictor, shapes, None, None, beta, np.ones_like(beta))
