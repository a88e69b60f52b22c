"""Several linear predictors, offsets, and what is known of every row.

Derived in docs/theory/log_joint.md, (J10).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.data.roles import LinearPart
from bayesml.predictors.base import Outputs, Parameters
from bayesml.predictors.frame import Frame, Shift
from bayesml.typing import Array


@dataclass(frozen=True)
class KnownColumns:
    """Columns of X that no parameter multiplies: one added to η, others outputs themselves."""

    offset: int | None
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class LinearPredictors:
    r"""Linear predictors of several outputs, side by side (J10).

    .. math:: \eta_j = o_j + b_j + x_{(j)}^\top \theta_j, \qquad \eta_{k + l} = z_l

    An offset o is added to η. What is known of every row, such as a number of trials, is an output
    z that depends on no parameter. `Linear()` becomes this when it meets data of several
    predictors, of classes, or with known columns.

    Parameters
    ----------
    parts : tuple of LinearPart
    known : KnownColumns

    Examples
    --------
    >>> parts = (LinearPart("", (0, 1), ("x",), True), LinearPart("sigma", (1, 2), ("z",), False))
    >>> both = LinearPredictors(parts, KnownColumns(2, ()))
    >>> both.shapes(3)
    {'intercept': (), 'weights': (1,), 'sigma_weights': (1,)}
    >>> at = {"intercept": 1.0, "weights": np.array([2.0]), "sigma_weights": np.array([0.5])}
    >>> both.eta(at, np.array([[3.0, 4.0, 100.0]]))
    array([[107.],
           [  2.]])
    """

    parts: tuple[LinearPart, ...]
    known: KnownColumns

    @property
    def has_intercept(self) -> bool:
        """Whether η has an intercept."""
        return self.parts[0].intercept

    def resolve(
        self, mean_X: Array, sd_X: Array, outputs: Outputs, intercept: bool | None
    ) -> "LinearPredictors":
        """Return itself: it was made when the data were met."""
        return self

    def several(self, parts: tuple[LinearPart, ...], known: KnownColumns) -> "LinearPredictors":
        """Return itself: it was made of these."""
        return self

    def frame(self, mean_X: Array, sd_X: Array, outputs: Outputs) -> Frame:
        """Centre the columns of every predictor with an intercept (J3)."""
        centre, starts, scales, shifts = np.zeros(len(mean_X)), [], [], []
        spreads = iter(self.without_offset(mean_X, outputs))
        for part in self.parts:
            k = part.size
            own = np.array([next(spreads) for _ in range(k)])
            mean, sd = mean_X[part.where], sd_X[part.where]
            if part.intercept:
                centre[part.where] = mean
                shifts.append(Shift(part.intercept_name, part.weights_name, part.columns))
                starts.append(own[:, 0])
                scales.append(np.where(own[:, 1] > 0, own[:, 1], 1.0))
            size = sd if part.intercept else np.hypot(sd, mean)
            unit = 1.0 / np.where(size > 0, size, 1.0)
            starts.append(np.zeros(k * len(mean)))
            scales.append(np.outer(np.where(own[:, 1] > 0, own[:, 1], 1.0), unit).ravel())
        start, scale = np.concatenate(starts), np.concatenate(scales)
        shapes = self.shapes(len(mean_X))
        return Frame(self, shapes, centre, None, start, scale, tuple(shifts))

    def without_offset(self, mean_X: Array, outputs: Outputs) -> Outputs:
        """Return where b + xᵀθ lies, when outputs lie where they do: the mean offset taken off."""
        if self.known.offset is None:
            return outputs
        k, offset = self.parts[0].size, float(mean_X[self.known.offset])
        return (*((centre - offset, scale) for centre, scale in outputs[:k]), *outputs[k:])

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of every part's intercept, if there is one, and weights."""
        out: dict[str, tuple[int, ...]] = {}
        for part in self.parts:
            classes = () if part.classes is None else (len(part.classes),)
            if part.intercept:
                out[part.intercept_name] = classes
            out[part.weights_name] = (*classes, len(part.features))
        return out

    def dims(self) -> dict[str, list[str]]:
        """Say that there is one weight a feature, or a feature and a class."""
        out: dict[str, list[str]] = {}
        for part in self.parts:
            classes = [] if part.classes is None else ["class"]
            if part.intercept:
                out[part.intercept_name] = classes
            feature = part.feature_dim
            out[part.weights_name] = [*classes, feature]
        return out

    def coords(self, feature_names: tuple[str, ...]) -> dict[str, list[str]]:
        """Return the labels of the axes that `dims` names."""
        out: dict[str, list[str]] = {}
        for part in self.parts:
            out[part.feature_dim] = list(part.features)
            if part.classes is not None:
                out["class"] = list(part.classes)
        return out

    def eta(self, parameters: Parameters, X: Array) -> Array:
        """Evaluate every output, shape (k, ..., m), or (..., m) if there is one."""
        outputs: list[Array] = []
        for part in self.parts:
            value = parameters[part.weights_name] @ X[:, part.where].T
            if part.intercept:
                value = value + np.asarray(parameters[part.intercept_name])[..., None]
            outputs += [value] if part.classes is None else list(np.moveaxis(value, -2, 0))
        if self.known.offset is not None:
            offset = X[:, self.known.offset]
            k = self.parts[0].size
            outputs[:k] = [value + offset for value in outputs[:k]]
        outputs += [np.broadcast_to(X[:, j], outputs[0].shape) for j in self.known.outputs]
        return np.stack(outputs) if len(outputs) > 1 else np.asarray(outputs[0])

    def vjp(self, parameters: Parameters, X: Array, cotangent: Array) -> dict[str, Array]:
        """Evaluate (Σᵢ gᵢ, Xᵀg) of every part."""
        out: dict[str, Array] = {}
        for part, slopes in self._by_part(cotangent):
            if part.intercept:
                out[part.intercept_name] = np.asarray(slopes.sum(axis=-1))
            out[part.weights_name] = np.asarray(slopes @ X[:, part.where])
        return out

    def jacobian(self, parameters: Parameters, X: Array) -> Array:
        """Return [1 X] of every part, where its outputs are; known outputs have no derivative."""
        p = sum(part.size * (part.intercept + len(part.features)) for part in self.parts)
        k = sum(part.size for part in self.parts) + len(self.known.outputs)
        J, output, column = np.zeros((k, len(X), p)), 0, 0
        for part in self.parts:
            n, own = len(part.features), part.size * part.intercept
            for c in range(part.size):
                if part.intercept:
                    J[output + c, :, column + c] = 1.0
                start = column + own + c * n
                J[output + c, :, start : start + n] = X[:, part.where]
            output, column = output + part.size, column + own + part.size * n
        return J if k > 1 else J[0]

    def pymc(self, pm: Any, parameters: Mapping[str, Any], X: Any) -> Any:
        """Return every output as a PyMC expression."""
        outputs: list[Any] = []
        for part in self.parts:
            W, A = parameters[part.weights_name], X[:, part.where]
            b = parameters.get(part.intercept_name, 0.0)
            if part.classes is None:
                outputs.append(A @ W + b)
                continue
            each = range(len(part.classes))
            outputs += [A @ W[c] + (b[c] if part.intercept else 0.0) for c in each]
        if self.known.offset is not None:
            k = self.parts[0].size
            outputs[:k] = [value + X[:, self.known.offset] for value in outputs[:k]]
        outputs += [X[:, j] for j in self.known.outputs]
        return outputs if len(outputs) > 1 else outputs[0]

    def describe(self) -> str:
        """Say the functions in words."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for part in self.parts:
            terms = [part.intercept_name] if part.intercept else []
            terms += [f"X·{part.weights_name}"] if part.features else []
            terms += ["offset"] if self.known.offset is not None and not part.name else []
            yield f"{part.name or 'η'} = {' + '.join(terms) or '0'}" + (
                f", one for each of {', '.join(part.classes)}" if part.classes else ""
            )

    def _by_part(self, cotangent: Array) -> Iterator[tuple[LinearPart, Array]]:
        """Yield every part and the slopes in its outputs, (..., m), or (..., classes, m)."""
        outputs = sum(part.size for part in self.parts) + len(self.known.outputs)
        slopes, start = cotangent if outputs > 1 else cotangent[None], 0
        for part in self.parts:
            own = slopes[start : start + part.size]
            yield part, own[0] if part.classes is None else np.moveaxis(own, 0, -2)
            start += part.size
