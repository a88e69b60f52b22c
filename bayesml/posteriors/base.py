"""The roles of an answer: what every one declares, and what some can do besides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from bayesml.data import Block
from bayesml.posteriors.audited import AuditedDraws
from bayesml.posteriors.leave_one_group_out import LeaveOneGroupOut
from bayesml.posteriors.leave_one_out import LeaveOneOut
from bayesml.posteriors.prediction import Prediction
from bayesml.typing import Array, ArrayLike, Bools

Kind = Literal["point", "exact", "approximate", "sampled", "ensemble"]


class Marginal(Protocol):
    """Univariate posterior distributions of the entries of one parameter."""

    @property
    def mean(self) -> Array:
        """Means, shape (rows,)."""

    @property
    def sd(self) -> Array:
        """Standard deviations, shape (rows,); zero for atoms."""

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(· ≤ y), for one y or one per entry."""

    def quantile(self, q: float) -> Array:
        """Quantiles, shape (rows,)."""


class Estimate(Protocol):
    """Point estimates of the entries of one parameter, and how they vary between data sets."""

    @property
    def value(self) -> Array:
        """The estimates, shape (rows,)."""

    @property
    def standard_error(self) -> Array:
        """Their standard errors, shape (rows,); NaN where the curvature is not known."""

    def confidence_limit(self, q: float) -> Array:
        """Confidence limits of level q, shape (rows,)."""


@dataclass(frozen=True, eq=False)
class Compared:
    """What must agree between chains of draws.

    Attributes
    ----------
    values : mapping of name to ndarray, shape (chains, draws, ...)
    what : {"parameter", "function value", "log odds"}
        What an entry is; a network's parameters have many equivalent labellings, its function
        has none.
    separate : bool
        Whether chains are meant to stay apart, each around a mode of its own.
    """

    values: Mapping[str, Array]
    what: Literal["parameter", "function value", "log odds"]
    separate: bool


class Posterior(Protocol):
    """What a method learned, in whichever representation it is exact in."""

    @property
    def kind(self) -> Kind:
        """What kind of answer it is."""

    @property
    def constants(self) -> Mapping[str, Array]:
        """Parameters that were learned as numbers: draws repeat them, no distribution is known."""

    @property
    def compared(self) -> Compared | None:
        """What must agree between chains; None where draws are independent, or one."""

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the distribution of every parameter, entries in a row; that of `draws`."""

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Return parameter draws by name, shape (chains, draws, ...)."""

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate η at draws of its own, shape (..., m) or (k, ..., m)."""

    def predict(self, X: Array) -> Prediction:
        """Return the predictive distribution at every row of `X`."""


@runtime_checkable
class Estimated(Protocol):
    """An answer that is an estimate: an atom, with standard errors in place of a distribution."""

    def estimates(self) -> Mapping[str, Estimate]:
        """Return the estimates of every parameter, entries in a row."""


@runtime_checkable
class LeavesOneOut(Protocol):
    """An answer that predicts every row from all the others in closed form."""

    def leave_one_out(self, blocks: Iterable[Block]) -> LeaveOneOut:
        """Predict the rows that were learned from, in their order, without a refit."""


@runtime_checkable
class LeavesGroupsOut(Protocol):
    """An answer that predicts every group from all others in closed form."""

    def leave_one_group_out(self, factor: str, blocks: Iterable[Block]) -> LeaveOneGroupOut:
        """Predict the groups of a factor from the rows that were learned from, without a refit."""


@runtime_checkable
class HasGroupEffects(Protocol):
    """An answer that has the distributions of effects of groups, which are no parameters of it."""

    def effects(self, factor: str) -> Marginal:
        """Return those of a group, entries (level, term) in a row."""


@runtime_checkable
class Audited(Protocol):
    """An approximation that keeps the draws by which it was audited."""

    @property
    def audited(self) -> AuditedDraws:
        """Its draws, with the densities of both."""

    def audited_parameters(self) -> dict[str, Array]:
        """Return these draws by name, shape (S, ...)."""

    def reweighted(self) -> "Posterior":
        """Return the same draws with their smoothed weights, as a posterior of its own (U7)."""


@runtime_checkable
class OverModels(Protocol):
    """An answer that is an average over models: sets of features, with a slab for their weights."""

    @property
    def models(self) -> Bools:
        """Which features the most probable models have, shape (K, n), the most probable first."""

    @property
    def model_probabilities(self) -> Array:
        """Their posterior probabilities, shape (K,)."""

    @property
    def inclusion_probabilities(self) -> Array:
        """Posterior probability of every feature, over all models, shape (n,)."""

    @property
    def slab_misfit(self) -> float:
        """The part of the estimate of σ² by which weights are larger than the slab expects."""
