"""An ensemble of answers: the equal mixture of its members."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.base import Kind, Marginal, Posterior
from bayesml.posteriors.bisection import least_above
from bayesml.posteriors.lattice import LatticeMixture
from bayesml.posteriors.mixed_marginal import MixedMarginal
from bayesml.posteriors.mixture import Mixture
from bayesml.posteriors.prediction import Prediction
from bayesml.posteriors.row_distribution import RowDistribution
from bayesml.posteriors.rows import side_by_side
from bayesml.predictors import Predictor
from bayesml.typing import Array, ArrayLike

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

    @property
    def constants(self) -> dict[str, Array]:
        """None: what every member knows as a number varies between them."""
        return {}

    @property
    def compared(self) -> None:
        """Nothing: members are not meant to agree on parameters."""
        return None

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the mixture of the members' marginals; of point estimates, one atom each."""
        each = [member.marginals() for member in self.members]
        return {name: mixed_marginal([one[name] for one in each]) for name in _common(each)}

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draw from every member, one chain each, whatever the number of chains asked for."""
        each = [member.draws(1, draws, rng) for member in self.members]
        sizes = [next(iter(d.values())).shape[1] for d in each]
        many = min((size for size in sizes if size > 1), default=1)  # an atom is drawn as often
        return {
            name: np.concatenate([_spread(d[name], many) for d in each]) for name in _common(each)
        }

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate every chain by its own member, shape (chain, draw, m) or (k, chain, draw, m)."""
        parts = []
        for k, member in enumerate(self.members):
            parts.append(member.eta({name: v[k : k + 1] for name, v in parameters.items()}, X))
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


def _spread(draws: Array, many: int) -> Array:
    """Return as many draws, evenly spread along a chain; the only one of an atom, repeated."""
    return draws[:, np.linspace(0, draws.shape[1] - 1, many).astype(np.intp)]


def mixed_marginal(parts: Sequence[Marginal]) -> Marginal:
    """Return the equal mixture of the members' distributions of one parameter."""
    atoms = [part for part in parts if isinstance(part, Atoms)]
    return mixed(atoms) if len(atoms) == len(parts) else MixedMarginal(tuple(parts))


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
        return MixedMarginal(self.parts).mean

    @property
    def sd(self) -> Array:
        """Standard deviations, shape (rows,)."""
        return MixedMarginal(self.parts).sd

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(Y ≤ y) per row."""
        return MixedMarginal(self.parts).cdf(y)

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
        return least_above(self.cdf, level, np.min(each, axis=0), np.max(each, axis=0))

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
    widths = [part.shape[-1] for part, _ in each]
    parameters = {name: side_by_side([own[name] for _, own in each], widths) for name in each[0][1]}
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
