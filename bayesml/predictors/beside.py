"""What is known of every row beside a network's features. Derived in docs/theory/log_joint.md."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayesml.predictors.activations import Floats
from bayesml.predictors.base import Outputs
from bayesml.typing import Array


@dataclass(frozen=True)
class Beside:
    """The last columns of X, which no parameter multiplies (J10).

    Attributes
    ----------
    columns : int
        How many.
    offset : int or None
        Which of them is added to η, counted from the end: −1 is the last.
    outputs : tuple of int
        Which are outputs themselves, behind those that the network makes.
    moved : int
        How many outputs the offset is added to: the first, or those of all classes.

    Examples
    --------
    >>> known = Beside(2, -2, (-1,), 1)
    >>> X = np.array([[3.0, 100.0, 7.0]])
    >>> known.features(X), known.around([np.array([0.5])], X)
    (array([[3.]]), [array([100.5]), array([7.])])
    """

    columns: int
    offset: int | None
    outputs: tuple[int, ...]
    moved: int

    def features(self, X: Floats) -> Floats:
        """Return the columns that the network reads."""
        return X[..., : X.shape[-1] - self.columns]

    def known(self, X: Floats) -> Floats:
        """Return the others."""
        return X[..., X.shape[-1] - self.columns :]

    def around(self, outputs: Sequence[Floats], X: Floats) -> list[Floats]:
        """Add the offset, and put what is known behind: each of shape (..., m)."""
        out = [*outputs]
        if self.offset is not None:
            offset = X[:, self.offset]
            out[: self.moved] = [eta + offset for eta in out[: self.moved]]
        return out + [np.broadcast_to(X[:, j], outputs[0].shape) for j in self.outputs]

    def still(self, parts: Sequence[Floats]) -> list[Floats]:
        """Put zeros behind derivatives of outputs: what is known has none."""
        return [*parts, *(np.zeros_like(parts[0]) for _ in self.outputs)]

    def without_offset(self, mean_X: Array, outputs: Outputs) -> Outputs:
        """Return where the network's outputs lie: the mean offset taken off."""
        if self.offset is None:
            return outputs
        offset = float(mean_X[self.offset])
        first = tuple((centre - offset, scale) for centre, scale in outputs[: self.moved])
        return (*first, *outputs[self.moved :])


NOTHING = Beside(0, None, (), 1)
"""All columns are features."""
