"""The role of a likelihood: everything that learning and predicting need to know of p(y | η)."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from scipy.special import ndtri

from bayesml.arguments import shown
from bayesml.distributions import (
    Above,
    ContinuousSupport,
    Distribution,
    Flat,
    Positive,
    Support,
)
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods.links import Link
from bayesml.losses import Loss
from bayesml.typing import Array, ArrayLike

Stated = float | Distribution | None
"""A known number, an inferred parameter's prior, or None for the weakly informative default."""

POSITIVE = Positive()

REACH = 8.0
"""Standard deviations beyond which a normal has less mass than float64 resolves."""

HERMITE = (0, 48, 16)
"""Nodes of a rule over each of so many outputs."""

SOBOL = 256
"""Points over more outputs."""

MOST_STEPS = 600
"""Of a quadrature over η: enough for a standard deviation of six, or of thirty of a density's."""


class Average(NamedTuple):
    r"""A likelihood averaged over a Gaussian :math:`\eta`, as a mixture of itself.

    Attributes
    ----------
    weights : ndarray, shape (K,)
    eta : ndarray, shape (..., rows, K)
    parameters : mapping of name to values that broadcast against (rows, K)
    """

    weights: Array
    eta: Array
    parameters: Mapping[str, Any]


@runtime_checkable
class Likelihood(Protocol):
    r"""The density :math:`p(y \mid \eta, \phi)` of one observation, vectorised over rows.

    `parameters` maps the names of :math:`\phi`, for instance ``sigma``, to values that
    broadcast against `y` and `eta`. A likelihood that reads several outputs, such as a mean and
    a log scale, has them on the first axis of `eta`, and of its score and information.
    """

    @property
    def support(self) -> Support:
        """What y may be; on a lattice, densities are probabilities."""

    @property
    def parameters(self) -> Mapping[str, Stated]:
        r"""The parameters :math:`\phi` by name, each known, inferred or left to the default."""

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """Where every parameter lives."""

    @property
    def link(self) -> Link:
        """How the first output leads to what is modelled: E[y], or what the likelihood says."""

    @property
    def loss(self) -> Loss:
        """The loss whose expectation is the risk of what is modelled, and whose best action is."""

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """Weakly informative priors of the parameters, scaled by the target."""

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Return plausible values of the parameters, where optimisation starts."""

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """Return (centre, scale) of every output that it reads, on the link scale."""

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average over η ~ Normal(eta, covariance): shapes (k, rows) and (rows, k, k).

        Parameters are numbers, or one a row.
        """

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log p(y | η, φ)."""

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate ∂ log p / ∂η."""

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the expected Fisher information in η, the Λ of JᵀΛJ.

        Of several outputs its diagonal, (k, ...), or all of it, (k, k, ...), where they are not
        orthogonal.
        """

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate ∂ log p / ∂φ for every parameter."""

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y | η, φ]."""

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the standard deviation of y given η and φ."""

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y | η, φ)."""

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y | η, φ), not as one minus the former: small ones keep their digits."""

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw one y for every element of `eta`."""

    def describe(self) -> str:
        """Say the model of one observation, and the priors of its parameters, in words."""

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the PyMC distribution of y and its arguments, given the module."""


@runtime_checkable
class Staged(Likelihood, Protocol):
    """A likelihood that is learned best from the fit of a simpler one."""

    @property
    def simpler(self) -> Likelihood:
        """The likelihood whose fit training starts from: as many outputs, or the first alone."""


@runtime_checkable
class PiecewiseLinear(Protocol):
    r"""A likelihood of :math:`-\log p = \log s + \rho(y - \eta)/s` but for a constant (W2).

    :math:`\rho` rises in a straight line on either side of zero, and s is the parameter ``scale``.
    Point estimates of linear models are then found by programmes, and not by slopes.
    """

    @property
    def costs(self) -> tuple[float, float]:
        """What a unit of y above η costs, and one below."""


class Limit(NamedTuple):
    """What a likelihood becomes as one of its parameters goes to infinity, or to another end.

    Attributes
    ----------
    parameter : str
    likelihood : Likelihood
        Of all other parameters.
    away : mapping of name to float
        Multiples of the values at the start, from which a search does not run to the limit.
    value : float
        Where the parameter goes; infinity unless stated.
    """

    parameter: str
    likelihood: Likelihood
    away: Mapping[str, float]
    value: float = np.inf


@runtime_checkable
class HasLimits(Protocol):
    """A likelihood whose density has a limit, another's, as a parameter goes to an end."""

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Parameters, and for each the likelihood of all others that is left."""


@runtime_checkable
class ClosedFormCRPS(Protocol):
    """A likelihood whose mixtures have a continuous ranked probability score in closed form."""

    @property
    def most_components(self) -> int:
        """The most components of a mixture for which the formula holds, and is the fastest."""

    def crps(self, y: Array, weights: Array, eta: Array, parameters: Mapping[str, Any]) -> Array:
        """Score y, shape (b,), under the mixture of components of shape (b, K), by `weights`."""


def hermite_average(
    eta: Array, covariance: Array, parameters: Mapping[str, Any], nodes: int = 24
) -> Average:
    """Average over one Gaussian output by Gauss-Hermite quadrature."""
    z, weights = np.polynomial.hermite_e.hermegauss(nodes)
    spread = np.sqrt(covariance[:, 0, 0])[:, None]
    at = _with_known(eta, eta[0][:, None] + spread * z)
    return Average(weights / weights.sum(), at, beside_nodes(parameters))


def trapezoidal_average(
    likelihood: Likelihood, eta: Array, covariance: Array, parameters: Mapping[str, Any]
) -> Average:
    """Average over one Gaussian output, as wide as it may be, by the trapezoidal rule (K4)."""
    spread = np.sqrt(covariance[:, 0, 0])
    beyond = _with_known(eta, eta[0] + spread)
    information = np.asarray(likelihood.information(beyond, parameters))
    sharpness = np.sqrt(information if len(eta) == 1 else information[0])
    widest = float(spread.max(initial=0.0))
    finest = float(np.max(spread * np.maximum(sharpness / 0.9, 1.0 / 0.35), initial=2.0))
    steps = (2.0 * REACH + 2.0 * widest) * finest
    z = np.linspace(-REACH, REACH + 2.0 * widest, 1 + int(min(np.ceil(steps), MOST_STEPS)))
    weights = np.exp(-0.5 * z**2)
    at = _with_known(eta, eta[0][:, None] + spread[:, None] * z)
    return Average(weights / weights.sum(), at, beside_nodes(parameters))


def normal_nodes(eta: Array, covariance: Array) -> tuple[Array, Array]:
    """Return weights and nodes of η ~ Normal(eta, covariance), shapes (K,) and (k, rows, K).

    A product of Gauss-Hermite rules over one or two outputs, otherwise scrambled Sobol points,
    always the same ones (B8).
    """
    from scipy.stats import qmc

    k = len(eta)
    if k <= 2:
        z, w = np.polynomial.hermite_e.hermegauss(HERMITE[k])
        grid = np.stack(np.meshgrid(*[z] * k, indexing="ij")).reshape(k, -1)
        product = np.prod(np.stack(np.meshgrid(*[w] * k, indexing="ij")).reshape(k, -1), axis=0)
        weights = product / product.sum()
    else:
        grid = ndtri(qmc.Sobol(k, rng=np.random.default_rng(0)).random(SOBOL)).T
        weights = np.full(SOBOL, 1.0 / SOBOL)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    return weights, eta[:, :, None] + np.einsum("rkl,ln->krn", root, grid)


def _with_known(eta: Array, first: Array) -> Array:
    """Put what is known of every row behind values of the first output."""
    if len(eta) == 1:
        return first
    rest = eta[1:] if first.ndim == 1 else eta[1:, :, None]
    return np.concatenate([first[None], np.broadcast_to(rest, (len(rest), *first.shape))])


def diagonal_information(information: Array, outputs: int) -> Array:
    """Return the diagonal of an information in so many outputs, where there is more of it."""
    if outputs > 1 and information.shape[:2] == (outputs, outputs) and information.ndim > 2:
        return np.asarray(np.moveaxis(np.diagonal(information), -1, 0))
    return information


def beside_nodes(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of rows, shape (rows,), as they broadcast against (rows, K)."""
    return {name: np.asarray(v)[:, None] if np.ndim(v) else v for name, v in parameters.items()}


def check_parameter(
    owner: str,
    name: str,
    value: Any,
    support: ContinuousSupport = Positive(),  # noqa: B008
    meaning: str = "a standard deviation or degrees of freedom, never a variance or a precision",
) -> Stated:
    """Accept a number in the support, a prior on it, or None for the default."""
    if np.ndim(value):
        raise IncompatibleModelError(
            f"{owner}: {name} must be one number or one distribution, got {shown(value)}."
        )
    if value is None or value == Flat():
        stated: Stated = value
        return stated
    if isinstance(value, Distribution):
        return _check_prior(owner, name, value, support)
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise IncompatibleModelError(
            f"{owner}: {name} must be a number (known) or a distribution (inferred), "
            f"got {shown(value)}."
        )
    if not support.contains(value):
        raise IncompatibleModelError(
            f"{owner}: {name} must be positive and finite, got {shown(value)}. It is {meaning}."
            if support == POSITIVE
            else f"{owner}: {name} must be {support.words}, got {shown(value)}."
        )
    return float(value)


def _check_prior(owner: str, name: str, value: Any, support: ContinuousSupport) -> Distribution:
    """Accept one prior, whose support is that of the parameter."""
    if isinstance(value, type):
        raise IncompatibleModelError(
            f"{owner}: {name} got the class {value.__name__}; write {value.__name__}(...) to make "
            "one."
        )
    if value.support != support and not _is_part(value.support, support):
        raise IncompatibleModelError(
            f"{owner}: {name} must be positive, but {shown(value)} has mass on negative values. "
            "Use HalfNormal, HalfStudentT, HalfCauchy, Exponential, Gamma or InverseGamma."
            if support == POSITIVE
            else f"{owner}: {name} must be {support.words}, but {shown(value)} is a prior on "
            f"{value.support.words}."
        )
    if any(isinstance(entry, tuple) for entry in vars(value).values()):
        raise IncompatibleModelError(f"{owner}: {name} takes one prior, got {shown(value)}.")
    prior: Distribution = value
    return prior


def _is_part(inside: Support, support: ContinuousSupport) -> bool:
    """Say whether a support is a half line within a half line."""
    return support == POSITIVE and isinstance(inside, Above) and inside.limit > 0


def parameter_words(name: str, value: Stated, default: str) -> str:
    """Say in words what is stated about one parameter."""
    if value is None:
        return f"{name} ~ {default} (weakly informative, scaled by the data)"
    if isinstance(value, float):
        return f"{name} = {value:g} (known)"
    return f"{name} ~ flat (improper)" if value == Flat() else f"{name} ~ {value!r}"
