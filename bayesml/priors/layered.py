"""Normal priors of a network's parameters, in groups. Used in docs/theory/network.md, (M11)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np

from bayesml.arguments import check_flag, is_positive, is_real, shown
from bayesml.distributions import RootInverseGamma
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.priors.base import Coefficients, Unknown
from bayesml.priors.normal_rows import NormalRows, PriorTerms, Values, normal_terms
from bayesml.priors.scales import Scales
from bayesml.typing import Array, Integers


class Groups(NamedTuple):
    """Which parameters share a scale.

    Attributes
    ----------
    names : tuple of str
        One a group, such as ``weights_1[x0]`` or ``biases_2``.
    members : ndarray, shape (p,)
        The group of every parameter, in the order of the network's vector.
    sizes : ndarray, shape (G,)
    """

    names: tuple[str, ...]
    members: Integers
    sizes: Integers

    def total(self, values: Array) -> Array:
        """Sum values over the groups: shape (..., p) to (..., G)."""
        flat = values.reshape(-1, values.shape[-1])
        sums = [np.bincount(self.members, row, minlength=len(self.names)) for row in flat]
        return np.array(sums).reshape(*values.shape[:-1], len(self.names))


@dataclass(frozen=True)
class Layered:
    r"""Normal priors in groups, with scales that are known or learned: weight decay.

    .. math:: \theta_j \mid \tau \sim \mathrm{Normal}(0, \tau_{g(j)}), \qquad
              \tau_g^{-2} \sim \mathrm{Gamma}(a, b)

    There is one group for the weights and one for the biases of every layer, one for every output
    of the last layer and, with `relevance`, one for the weights that leave each input, so that
    inputs which do not matter are switched off (M11). Parameters are those of the network on
    standardised inputs and outputs: they have no units.

    Parameters
    ----------
    sd : float or None
        The known :math:`\tau`; infinite for no prior. None learns one for every group.
    relevance : bool
        Whether every input has a scale of its own (automatic relevance determination).
    shape, rate : float
        :math:`a` and :math:`b` of the precisions that are learned.

    Raises
    ------
    IncompatibleModelError
        If a number is not positive.

    References
    ----------
    MacKay (1992), A practical Bayesian framework for backpropagation networks;
    Neal (1996), Bayesian Learning for Neural Networks, §1.2.

    Examples
    --------
    >>> prior = Layered()
    >>> shapes = {"weights_1": (2, 1), "biases_1": (2,), "weights_2": (1, 2), "biases_2": (1,)}
    >>> prior.groups(shapes, ["age"]).names
    ('weights_1[age]', 'biases_1', 'weights_2', 'biases_2')
    """

    sd: float | None = None
    relevance: bool = True
    shape: float = 0.5
    rate: float = 0.05

    def __post_init__(self) -> None:
        for name in ("sd", "shape", "rate"):
            value = vars(self)[name]
            special = name == "sd" and (value is None or (is_real(value) and value == inf))
            if not special and not is_positive(value):
                raise IncompatibleModelError(
                    f"Layered: {name} must be a positive number, got {shown(value)}. sd is a "
                    "standard deviation on the standardised scale; None learns one for every group."
                )
        check_flag(self, "relevance")

    @property
    def learned(self) -> bool:
        """Whether the scales are inferred."""
        return self.sd is None

    def resolve(self, scales: Scales) -> "Layered":
        """Return itself: there is nothing left to state."""
        if not scales.depth:
            raise IncompatibleModelError(
                f"{self!r} states scales of a network's layers, and this predictor has none. Use "
                "Independent(...) or WeaklyInformative()."
            )
        if scales.spread == 0.0:
            raise DataError(
                "The target is constant, so a network has no scale to go by. Check the target."
            )
        return self

    def normal_rows(self, problem: Coefficients) -> NormalRows:
        """Return one row for every parameter, scaled by its group where that is learned."""
        groups = self.groups(problem.shapes, problem.feature_names)
        p = len(groups.members)
        if self.sd == inf:
            return NormalRows(np.zeros((0, p)), np.zeros(0), np.zeros(0))
        if self.sd is not None:
            return NormalRows(None, np.zeros(p), np.full(p, self.sd))
        return NormalRows(None, np.zeros(p), np.ones(p), scale="prior_sd", group=groups.members)

    def log_density_and_score(
        self, problem: Coefficients, beta: Array, values: Values
    ) -> PriorTerms:
        """Evaluate the Normal densities of its rows."""
        return normal_terms(self.normal_rows(problem), beta, values)

    def sample(
        self,
        problem: Coefficients,
        values: Values,
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Array:
        """Draw every parameter under the scale of its group."""
        rows = self.normal_rows(problem)
        sd = rows.sd if self.sd is not None else values["prior_sd"][..., rows.group]
        return np.asarray(sd * rng.standard_normal((*shape, len(rows.mean))))

    def hyperparameters(self, problem: Coefficients) -> dict[str, Unknown]:
        """Return the scales of the groups, where they are learned."""
        if not self.learned:
            return {}
        groups = self.groups(problem.shapes, problem.feature_names)
        prior = RootInverseGamma(self.shape, self.rate)
        return {"prior_sd": Unknown(prior, (len(groups.names),))}

    def pymc(self, pm: Any, problem: Coefficients) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return every layer's parameters, their precisions learned or known."""
        if self.sd == inf:
            return {name: pm.Flat(name, shape=s) for name, s in problem.shapes.items()}, {}
        groups = self.groups(problem.shapes, problem.feature_names)
        precision: Any = self.precision(groups)
        if self.learned:
            size = len(groups.names)
            precision = pm.Gamma("precision", alpha=self.shape, beta=self.rate, shape=size)
            pm.Deterministic("prior_sd", precision**-0.5)
        sd, start, out = precision[groups.members] ** -0.5, 0, {}
        for name, shape in problem.shapes.items():
            end = start + prod(shape)
            out[name] = pm.Normal(name, 0.0, sd[start:end].reshape(shape), shape=shape)
            start = end
        return out, {}

    def precision(self, groups: Groups) -> Array:
        """Return the precision of every group: known, or 1 to start from."""
        value = 1.0 if self.sd is None else self.sd**-2.0
        return np.full(len(groups.names), value)

    def groups(self, shapes: Mapping[str, tuple[int, ...]], features: Sequence[str]) -> Groups:
        """Divide the parameters of a network into groups."""
        names: list[str] = []
        index = []
        last = max(int(name.rpartition("_")[2]) for name in shapes)
        units = shapes[f"biases_{last - 1}"][0] if last > 1 else 0
        for name, shape in shapes.items():
            layer = int(name.rpartition("_")[2])
            local, labels = np.zeros(shape, dtype=np.intp), [name]
            skips = layer == last > 1 and len(shape) == 2 and shape[1] > units
            if layer == last and (shape[0] > 1 or skips):
                local, labels = _of_outputs(name, shape, units if skips else shape[-1])
            elif self.relevance and layer == 1 and len(shape) == 2 and shape[1]:
                local += np.arange(shape[1])
                own = features[: shape[1]]  # behind them may be columns that are no features
                labels = [f"{name}[{feature}]" for feature in own]
            index.append(local.reshape(prod(shape)) + len(names))
            names += labels
        flat = np.concatenate(index)
        return Groups(tuple(names), flat, np.bincount(flat, minlength=len(names)))

    def describe(self) -> str:
        """Say the prior in words."""
        if self.sd is not None:
            what = "flat (improper)" if self.sd == inf else f"Normal(0, {self.sd:g})"
            return f"weights and biases, standardised ~ {what}"
        by = "input and layer" if self.relevance else "layer"
        return (
            f"weights and biases, standardised ~ Normal(0, τ), one τ for every {by}\n"
            f"1/τ² ~ Gamma({self.shape:g}, {self.rate:g})"
        )


def _of_outputs(name: str, shape: tuple[int, ...], units: int) -> tuple[Integers, list[str]]:
    """Return the group of every entry of the last layer: by output, weights of inputs apart."""
    outputs = np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    own = [""] if shape[0] == 1 else [str(k) for k in range(shape[0])]
    if len(shape) == 1 or shape[1] == units:
        return outputs + np.zeros(shape, dtype=np.intp), [f"{name}[{k}]" for k in own]
    local = np.where(np.arange(shape[1]) < units, 2 * outputs, 2 * outputs + 1)
    parts = [(name if k == "" else f"{name}[{k}]", f"{k}, " if k else "") for k in own]
    return local, [label for whole, k in parts for label in (whole, f"{name}[{k}inputs]")]
