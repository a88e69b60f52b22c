"""Parameters of a likelihood with predictors of their own.

Derived in docs/theory/log_joint.md, (J10), (J11).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.distributions import ContinuousSupport, Flat, Real
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods.base import Average, Likelihood, Stated
from bayesml.likelihoods.roles import LimitsEta, ParameterInformation, ReadsKnown, known_of
from bayesml.likelihoods.wrapping import SeenThrough
from bayesml.typing import Array, ArrayLike

NODES = (0, 15, 9, 7)
"""Quadrature nodes for each of so many parameters with predictors."""

TINY = 1e-300
"""Keeps the factor of a covariance of nothing from being refused."""

BOUND = 40.0
"""Unbounded parameters are read within ±40, so that a step that goes astray does not overflow."""


@dataclass(frozen=True)
class Distributional(SeenThrough):
    r"""A likelihood some of whose parameters depend on x.

    .. math:: y \sim p(\,\cdot \mid \eta_1, \phi), \qquad \phi_j = T_j(\eta_{j + 1}) \qquad (J11)

    with T the bijection from the line to where the parameter lives: the exponential for a scale,
    the inverse logit for a probability. Formulas make it: ``y ~ x, sigma ~ z``.

    Parameters
    ----------
    likelihood : Likelihood
    modelled : tuple of str
        Its parameters that have predictors, in their order.

    Raises
    ------
    IncompatibleModelError
        If it has no such parameter, or does not know the information in it.

    References
    ----------
    Rigby & Stasinopoulos (2005), Generalized additive models for location, scale and shape, §2.

    Examples
    --------
    >>> import bayesml as bm
    >>> Distributional(bm.Gaussian(), ("sigma",)).sd(np.array([[1.0], [0.0]]), {})
    array([1.])
    """

    likelihood: Likelihood
    modelled: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "modelled", tuple(self.modelled))
        own = self.likelihood.parameters
        for name in self.modelled:
            if name not in own:
                raise IncompatibleModelError(
                    f"{self.likelihood!r} has no parameter {name!r} that a predictor could be of; "
                    f"it has {list(own)}."
                )
            if own[name] not in (None, Flat()):
                raise IncompatibleModelError(
                    f"{self.likelihood!r} states {name}, and the data have a predictor of it. "
                    f"Leave one of them out; a prior goes to ByPredictor(others={{{name!r}: ...}})."
                )
        if not isinstance(self.likelihood, ParameterInformation):
            raise IncompatibleModelError(
                f"{type(self.likelihood).__name__} does not know the information in "
                f"{', '.join(self.modelled)}, which a predictor of it needs: it has no "
                "parameter_information(eta, parameters)."
            )

    @property
    def eta_domain(self) -> ContinuousSupport:
        """That of the likelihood."""
        return self.likelihood.eta_domain if isinstance(self.likelihood, LimitsEta) else Real()

    @property
    def known(self) -> tuple[str, ...]:
        """What the likelihood has to know of every row."""
        return known_of(self.likelihood)

    @property
    def possible(self) -> str:
        """What the likelihood says."""
        return self.likelihood.possible if isinstance(self.likelihood, ReadsKnown) else ""

    def allows(self, y: Array, known: Mapping[str, Array]) -> NDArray[np.bool]:
        """Ask the likelihood."""
        if isinstance(self.likelihood, ReadsKnown):
            return self.likelihood.allows(y, known)
        return np.ones(len(y), dtype=np.bool)

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """Those without a predictor."""
        return {k: v for k, v in self.likelihood.parameters.items() if k not in self.modelled}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """Those of the likelihood, and one for every parameter, unbounded, of scale one."""
        start = self.likelihood.start(mean_y, sd_y or 1.0)
        supports = self.likelihood.parameter_supports
        more = ((float(supports[k].unconstrain(start[k])), 1.0) for k in self.modelled)
        return (*self.likelihood.outputs(mean_y, sd_y), *more)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average over the parameters by a product of quadratures, and over η given them."""
        parts, weights = [], []
        for weight, own, u, rest in self._nodes(eta, covariance):
            values = {**parameters, **self._constrained(u)}
            part = self.likelihood.average(own, rest, values)
            parts.append(self._as_outputs(part))
            weights.append(weight * part.weights)
        wide = {
            name: [np.broadcast_to(p.parameters[name], p.eta[0].shape) for p in parts]
            for name in self.parameters
        }
        return Average(
            np.concatenate(weights),
            np.concatenate([part.eta for part in parts], axis=-1),
            {name: np.concatenate(values, axis=-1) for name, values in wide.items()},
        )

    def _nodes(self, eta: Array, covariance: Array) -> Iterator[tuple[float, Array, Array, Array]]:
        """Yield weights, the outputs that the likelihood reads, its parameters, a covariance.

        The covariance is that of these outputs given the parameters, (rows, k, k).
        """
        last = len(eta) - len(self.known)
        first = last - len(self.modelled)
        L = np.linalg.cholesky(covariance[:, first:last, first:last] + TINY * np.eye(last - first))
        gain = np.linalg.solve(L, covariance[:, first:last, :first])
        k = first + len(self.known)
        rest = np.zeros((len(L), k, k))
        rest[:, :first, :first] = covariance[:, :first, :first] - gain.swapaxes(1, 2) @ gain
        z, w = np.polynomial.hermite_e.hermegauss(NODES[min(last - first, 3)])
        for at in product(range(len(z)), repeat=last - first):
            step = z[list(at)]
            moved = eta[:first] + np.einsum("rbf,b->fr", gain, step)
            u = eta[first:last] + np.einsum("rab,b->ar", L, step)
            yield prod(w[list(at)] / w.sum()), np.concatenate([moved, eta[last:]]), u, rest

    def _as_outputs(self, part: Average) -> Average:
        """Return an average of the likelihood as one of this, parameters among the outputs."""
        own = part.eta if part.eta.ndim > 2 else part.eta[None]
        supports, first = self.likelihood.parameter_supports, len(own) - len(self.known)
        like = np.broadcast_shapes(own[0].shape, (1, len(part.weights)))
        u = [
            np.broadcast_to(supports[name].unconstrain(part.parameters[name]), like)
            for name in self.modelled
        ]
        outputs = np.broadcast_to(own, (len(own), *like))
        eta = np.concatenate([outputs[:first], np.stack(u), outputs[first:]])
        return Average(part.weights, eta, {name: part.parameters[name] for name in self.parameters})

    def inner(
        self, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> tuple[Array, Mapping[str, Any]]:
        """Return the outputs that the likelihood reads, and its parameters, read from η."""
        own, values, _ = self._read(eta, parameters)
        return own, values

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the scores in every output, by the chain rule."""
        own, values, u = self._read(eta, parameters)
        inner = self.likelihood.score(y, own, values)
        by_value = self.likelihood.parameter_scores(y, own, values)
        more = [by_value[name] * self._slope(name, u[k]) for k, name in enumerate(self.modelled)]
        return self._assembled(inner, more)

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the expected information in every output, without that between them."""
        own, values, u = self._read(eta, parameters)
        inner = self.likelihood.information(own, values)
        informed: Any = self.likelihood
        found = informed.parameter_information(own, values)
        more = [found[name] * self._slope(name, u[k]) ** 2 for k, name in enumerate(self.modelled)]
        return self._assembled(inner, more)

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate the scores of the parameters without a predictor."""
        own, values, _ = self._read(eta, parameters)
        scores = self.likelihood.parameter_scores(y, own, values)
        return {name: scores[name] for name in self.parameters}

    def describe(self) -> str:
        """Say the model of one observation in words."""
        first, *rest = self.likelihood.describe().split("\n")
        supports = self.likelihood.parameter_supports
        names = list(self.likelihood.parameters)
        if len(rest) == len(names):
            lines = zip(names, rest, strict=True)
            rest = [line for name, line in lines if name not in self.modelled]
        words = [f"{name}, {supports[name].words}, by a predictor" for name in self.modelled]
        return "\n".join([first, *words, *rest])

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the likelihood's distribution with parameters that differ by row."""
        first = len(self.likelihood.outputs(0.0, 1.0))
        last = first + len(self.modelled)
        supports = self.likelihood.parameter_supports
        own = {
            name: supports[name].pymc(pm, eta[first + k]) for k, name in enumerate(self.modelled)
        }
        read = [*range(first), *range(last, last + len(self.known))]
        outputs = [eta[k] for k in read]
        return self.likelihood.pymc(
            pm, outputs[0] if len(outputs) == 1 else outputs, {**parameters, **own}
        )

    def _read(
        self, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> tuple[Array, dict[str, Any], Array]:
        """Return the outputs that the likelihood reads, its parameters, and these unbounded."""
        outputs = np.asarray(eta, dtype=np.float64)
        last = len(outputs) - len(self.known)
        first = last - len(self.modelled)
        u = np.clip(outputs[first:last], -BOUND, BOUND)
        own = (
            outputs[0]
            if first == 1 and not self.known
            else np.delete(outputs, np.s_[first:last], axis=0)
        )
        return own, {**parameters, **self._constrained(u)}, u

    def _constrained(self, u: Array) -> dict[str, Array]:
        supports = self.likelihood.parameter_supports
        return {name: supports[name].constrain(u[k]) for k, name in enumerate(self.modelled)}

    def _slope(self, name: str, u: Array) -> Array:
        """Evaluate dφ/du."""
        return self.likelihood.parameter_supports[name].slope(u)

    def _assembled(self, inner: Array, more: Sequence[Array]) -> Array:
        """Put what belongs to the parameters behind what belongs to η, before what is known."""
        wide = np.asarray(inner) if self._inner_outputs > 1 else np.asarray(inner)[None]
        last = len(wide) - len(self.known)
        return np.concatenate([wide[:last], np.stack(np.broadcast_arrays(*more)), wide[last:]])

    @property
    def _inner_outputs(self) -> int:
        return len(self.likelihood.outputs(0.0, 1.0)) + len(self.known)
