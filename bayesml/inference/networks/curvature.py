"""What of a network's curvature makes its posterior. Derived in docs/theory/network.md."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from bayesml.inference.audit import audit
from bayesml.inference.base import Learned
from bayesml.inference.networks.accumulated import accumulated
from bayesml.inference.networks.factorised import factorised
from bayesml.inference.networks.functions import unlearned
from bayesml.inference.networks.last_layer import last_layer
from bayesml.inference.networks.local import Linearised, Near, linearised, network_of
from bayesml.inference.networks.memory import (
    affordable,
    bytes_of_factors,
    bytes_of_full,
    operations_of_full,
    whole,
)
from bayesml.inference.networks.mode import Mode, notes_of
from bayesml.inference.networks.point import diagnostics_of, how
from bayesml.model import Problem
from bayesml.posteriors import LinearisedPosterior


@runtime_checkable
class Curvature(Protocol):
    """What of the curvature at a mode is kept."""

    def near(self, problem: Problem) -> Near | None:
        """Return what is kept of a network to find the mode; None is what memory allows."""

    def at(self, problem: Problem, mode: Mode, rng: np.random.Generator) -> Learned:
        """Return the Gaussian at a mode."""

    def audited(self, mode: Mode, rng: np.random.Generator) -> dict[str, float]:
        """Return by what the shape of the Gaussian is judged, if by anything."""


@dataclass(frozen=True)
class FullCurvature:
    """The whole generalised Gauss-Newton matrix (M7), or its dual form (M9).

    Memory grows with rows times parameters, and the square of the smaller of both.

    Examples
    --------
    >>> import bayesml as bm
    >>> bm.Laplace(curvature=bm.FullCurvature()).curvature
    FullCurvature()
    """

    def near(self, problem: Problem) -> Near:
        """Return the Jacobian, or the sum over rows that memory allows."""
        return whole(network_of(problem), problem.shapes, problem.data.m)

    def at(self, problem: Problem, mode: Mode, rng: np.random.Generator) -> Learned:
        """Return the Gaussian at a mode."""
        kept = f"full generalised Gauss-Newton matrix of {len(mode.x)} parameters"
        return _learned(problem, mode, kept)

    def audited(self, mode: Mode, rng: np.random.Generator) -> dict[str, float]:
        """Weigh draws, where there is the Jacobian to make them by."""
        return audit(mode, rng) if isinstance(mode.point.here, Linearised) else {}


@dataclass(frozen=True)
class KroneckerFactored:
    r"""A Kronecker product for every layer, layers independent (M24).

    .. math:: H \approx \mathrm{blockdiag}_l\bigl(G_l \otimes A_l + I \otimes D_l\bigr)

    Memory grows with the square of the widths: neither the Jacobian nor a matrix of all parameters
    is formed. The last layer's own block is exact. What it leaves out is the correlation between
    layers, and within a hidden layer that of inputs with slopes over the rows.

    References
    ----------
    Ritter, Botev & Barber (2018), A scalable Laplace approximation for neural networks;
    Martens & Grosse (2015), Optimizing neural networks with Kronecker-factored approximate
    curvature.

    Examples
    --------
    >>> import bayesml as bm
    >>> bm.Laplace(curvature=bm.KroneckerFactored()).curvature
    KroneckerFactored()
    """

    def near(self, problem: Problem) -> Near:
        """Return the factors."""
        return factorised

    def at(self, problem: Problem, mode: Mode, rng: np.random.Generator) -> Learned:
        """Return the Gaussian of the factors at a mode."""
        kept = (
            "Kronecker factors of the generalised Gauss-Newton matrix of every layer, "
            f"{len(mode.x)} parameters"
        )
        return _learned(problem, mode, kept)

    def audited(self, mode: Mode, rng: np.random.Generator) -> dict[str, float]:
        """Return nothing: there is no Jacobian."""
        return {}


@dataclass(frozen=True)
class LastLayer:
    """The last layer alone: Bayesian linear regression on the features that were learned.

    For a Gaussian likelihood it is exact given the hidden layers.

    Examples
    --------
    >>> import bayesml as bm
    >>> bm.Laplace(curvature=bm.LastLayer()).curvature
    LastLayer()
    """

    def near(self, problem: Problem) -> None:
        """Leave it to memory."""
        return

    def at(self, problem: Problem, mode: Mode, rng: np.random.Generator) -> Learned:
        """Learn the last layer again, the others at the mode."""
        posterior, log_evidence = last_layer(problem, mode)
        size = len(posterior.head.regression.inverse_diagonal())
        return Learned(
            posterior,
            problem.model,
            f"Bayesian linear regression on the last layer, {size} of {len(mode.x)} parameters, "
            f"{how(mode)}",
            log_evidence,
            diagnostics_of(mode) | unlearned(problem, posterior),
            notes_of([mode]),
            mode.losses,
        )

    def audited(self, mode: Mode, rng: np.random.Generator) -> dict[str, float]:
        """Return nothing: given the hidden layers it is exact, or nearly."""
        return {}


def by_memory(problem: Problem) -> tuple[Curvature, str]:
    """Return the most that memory allows, and why it is not more."""
    network, shapes, m = network_of(problem), problem.shapes, problem.data.m
    full = (
        f"the full matrix would need {operations_of_full(network, shapes, m):.1g} multiplications "
        f"a step and {_gigabytes(bytes_of_full(network, shapes, m))}"
    )
    near = affordable(network, shapes, m)
    if near in (linearised, accumulated):
        return FullCurvature(), ""
    if near is factorised:
        return KroneckerFactored(), f"; Kronecker factors, because {full}"
    factors = f"Kronecker factors {_gigabytes(bytes_of_factors(shapes))}"
    return LastLayer(), f"; the last layer, because {full} and {factors}"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.2g} GB"


def _learned(problem: Problem, mode: Mode, kept: str) -> Learned:
    """Return the linearised network's posterior."""
    model = problem.model
    posterior = LinearisedPosterior(
        model.predictor,
        model.likelihood,
        mode.parameters,
        mode.point.regression(),
        dict(mode.scales.values),
        tuple(problem.inferred),
        problem.data.n,
    )
    return Learned(
        posterior,
        model,
        f"Laplace approximation, {kept}, {how(mode)}",
        mode.log_evidence,
        diagnostics_of(mode) | unlearned(problem, posterior),
        notes_of([mode]),
        mode.losses,
    )
