"""An ensemble of answers: the equal mixture of its members."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.base import Kind, Marginal, Posterior
from bayesml.posteriors.lattice import LatticeMixture
from bayesml.posteriors.linearised import normal_rows
from bayesml.posteriors.mixture import Mixture
from bayesml.posteriors.prediction import Prediction
from bayesml.posteriors.row_distribution import RowDistribution
from bayesml.predictors import Predictor
from bayesml.typing import Array, ArrayLike

HALVINGS = 60
"""Bisections after which a quantile is known to rounding."""

Draw = Callable[[int, np.random.Generator], Array]


@dataclass(frozen=True, eq=False)
class EnsemblePosterior:
    r"""The equal mixture :math:`\frac1M\sum_k p_k` of the members' posteriors.

    Every member is a chain of the DataTree. Parameters of different members are different
    labellings of alike functions: what their mixture means is in the predictions.

    Attributes
    ----------
    predictor : Predictor
    members : tuple of Posterior
    """

    predictor: Predictor
    members: tuple[Posterior, ...]

    @property
    def kind(self) -> Kind:
        """An ensemble."""
        return "ensemble"

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the mixture of the members' marginals, each taken as normal."""
        each = [member.marginals() for member in self.members]
        out: dict[str, Marginal] = {}
        for name in _common(each):
            means = np.column_stack([np.atleast_1d(m[name].mean) for m in each])
            sds = np.nan_to_num(np.column_stack([np.atleast_1d(m[name].sd) for m in each]))
            parts = [normal_rows(mean, sd) for mean, sd in zip(means.T, sds.T, strict=True)]
            atoms = Atoms(len(means), np.full(len(each), 1.0 / len(each)), means.__getitem__)
            out[name] = mixed(parts) if np.all(sds > 0) else atoms
        return out

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draw from every member, one chain each, whatever the number of chains asked for."""
        each = [member.draws(1, draws, rng) for member in self.members]
        names = _common(each)
        fewest = min(next(iter(d.values())).shape[1] for d in each)
        return {name: np.concatenate([_thinned(d[name], fewest) for d in each]) for name in names}

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate every chain by its own member, shape (chain, draw, m) or (k, chain, draw, m)."""
        parts = []
        for k, member in enumerate(self.members):
            of = getattr(member, "eta", self.predictor.eta)
            parts.append(of({name: v[k : k + 1] for name, v in parameters.items()}, X))
        return np.concatenate(parts, axis=-3)

    def predict(self, X: Array) -> Prediction:
        """Return the equal mixture of the members' predictions."""
        each = [member.predict(X) for member in self.members]
        return Prediction(
            mixed([p.distribution for p in each]),
            mixed([p.mean_function for p in each]),
            np.mean([p.aleatoric_variance for p in each], axis=0),
            _shared([p.sampler for p in each]),
            _shared([p.mean_sampler for p in each]),
        )


def _common(each: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names that all members have: some also draw the scales of the prior."""
    return [name for name in each[0] if all(name in one for one in each)]


def _thinned(draws: Array, fewest: int) -> Array:
    """Return draws evenly spread along a chain, as many as the member with the fewest has."""
    return draws[:, np.linspace(0, draws.shape[1] - 1, fewest).astype(np.intp)]


def mixed(parts: Sequence[RowDistribution]) -> RowDistribution:
    """Return the equal mixture of distributions of the same form."""
    if len(parts) == 1:
        return parts[0]
    lattices = [part.mixture for part in parts if isinstance(part, LatticeMixture)]
    if len(lattices) == len(parts):
        return LatticeMixture(_side_by_side(lattices))
    mixtures = [part for part in parts if isinstance(part, Mixture)]
    atoms = [part for part in parts if isinstance(part, Atoms)]
    if len(mixtures) == len(parts):
        return _side_by_side(mixtures)
    if len(atoms) == len(parts):
        weights = np.concatenate([part.weights for part in atoms]) / len(parts)
        return Atoms(
            atoms[0].rows, weights, lambda b: np.concatenate([a.values(b) for a in atoms], axis=1)
        )
    return _Mixed(tuple(parts))


def _side_by_side(mixtures: Sequence[Mixture]) -> Mixture:
    """Return the equal mixture of mixtures of one likelihood."""
    rows, likelihood = mixtures[0].rows, mixtures[0].likelihood
    weights = np.concatenate([mixture.weights for mixture in mixtures]) / len(mixtures)
    return Mixture(rows, weights, likelihood, lambda block: _components(mixtures, block))


@dataclass(frozen=True, eq=False)
class _Mixed:
    """The equal mixture of distributions of different forms, such as normals and draws.

    Quantiles invert the mean of the distribution functions by bisection.

    Attributes
    ----------
    parts : tuple of RowDistribution
    """

    parts: tuple[RowDistribution, ...]

    @property
    def discrete(self) -> bool:
        """False: distributions on whole numbers all have one form."""
        return False

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.parts[0].rows

    @property
    def mean(self) -> Array:
        """Means, shape (rows,)."""
        return np.asarray(np.mean([part.mean for part in self.parts], axis=0))

    @property
    def sd(self) -> Array:
        """Standard deviations, shape (rows,)."""
        squares = [part.sd**2 + (part.mean - self.mean) ** 2 for part in self.parts]
        return np.asarray(np.sqrt(np.mean(squares, axis=0)))

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(Y ≤ y) per row."""
        return np.asarray(np.mean([part.cdf(y) for part in self.parts], axis=0))

    def survival(self, y: ArrayLike) -> Array:
        """Evaluate P(Y > y) per row."""
        return np.asarray(np.mean([part.survival(y) for part in self.parts], axis=0))

    def log_density(self, y: ArrayLike) -> Array:
        """Evaluate the log density, where every part has one."""
        terms = [part.log_density(y) for part in self.parts]
        return np.asarray(logsumexp(terms, axis=0) - np.log(len(terms)))

    def quantile(self, q: ArrayLike) -> Array:
        """Return the least y with P(Y ≤ y) ≥ q, to rounding: it lies between the parts' own."""
        level, each = np.asarray(q), [part.quantile(q) for part in self.parts]
        low, high = np.min(each, axis=0), np.max(each, axis=0)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            below = self.cdf(middle) < level
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray(high)

    def highest_density_interval(self, probability: float) -> tuple[Array, Array]:
        """Return the shortest interval between quantiles on an even grid of levels."""
        levels = np.linspace(0.0, 1.0 - probability, 66)[1:-1]
        low = np.array([self.quantile(level) for level in levels])
        high = np.array([self.quantile(level + probability) for level in levels])
        best = np.argmin(high - low, axis=0)
        rows = np.arange(low.shape[1])
        return low[best, rows], high[best, rows]

    def nodes(self) -> Iterator[tuple[slice, Array, Array]]:
        """Yield blocks of rows with the nodes and weights of all parts."""
        each = [list(part.nodes()) for part in self.parts]
        whole = [
            tuple(np.concatenate([block[k] for block in part]) for k in (1, 2)) for part in each
        ]
        for row in range(self.rows):
            y = np.concatenate([values[row] for values, _ in whole])
            weights = np.concatenate([own[row] for _, own in whole]) / len(whole)
            yield slice(row, row + 1), y[None], weights[None]


def _components(mixtures: Sequence[Mixture], block: slice) -> tuple[Array, dict[str, Array]]:
    """Return the components of all mixtures side by side."""
    each = [mixture.components(block) for mixture in mixtures]
    eta = np.concatenate([eta for eta, _ in each], axis=-1)
    names = each[0][1]
    parameters: dict[str, Array] = {
        name: np.concatenate(
            [np.broadcast_to(own[name], part.shape[-2:]) for part, own in each], axis=-1
        )
        for name in names
    }
    return eta, parameters


def _shared(samplers: Sequence[Draw]) -> Draw:
    """Return a sampler that gives every draw to a member at random."""

    def sample(size: int, rng: np.random.Generator) -> Array:
        picked = rng.integers(len(samplers), size=size)
        parts = [
            (np.flatnonzero(picked == k), sampler)
            for k, sampler in enumerate(samplers)
            if np.any(picked == k)
        ]
        order = np.concatenate([at for at, _ in parts])
        drawn = np.concatenate([sampler(len(at), rng) for at, sampler in parts])
        out = np.empty_like(drawn)
        out[order] = drawn
        return out

    return sample
