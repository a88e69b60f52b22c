"""The exact posterior of a linear Gaussian model with effects of groups.

Derived in docs/theory/group_effects.md, (G28), (G29) and (G33).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from scipy.special import logsumexp

from bayesml.data import Block
from bayesml.data.effect_columns import GroupPart, SmoothPart
from bayesml.data.grouped_rows import EffectColumns
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import Gaussian
from bayesml.linalg.arrow import Factored, Placed, WithoutCurves
from bayesml.log_joint.group_marginal import GroupMarginal
from bayesml.log_joint.group_removal import GroupRemoval
from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.base import Kind, Marginal
from bayesml.posteriors.coordinates import LinearCoordinates
from bayesml.posteriors.functionals import (
    Explained,
    Functionals,
    RowDraws,
    Sums,
    explained,
    explained_by_curves,
    explained_sums,
)
from bayesml.posteriors.grouped_coordinates import GroupedCoordinates
from bayesml.posteriors.leave_one_group_out import (
    LeaveOneGroupOut,
    leave_one_group_out,
    log_ratios,
)
from bayesml.posteriors.leave_one_out import LeaveOneOut, Part, Rows, from_units_of, leave_one_out
from bayesml.posteriors.mixture import Mixture
from bayesml.posteriors.prediction import Prediction
from bayesml.posteriors.reweighting import Reweighting
from bayesml.posteriors.rows import held
from bayesml.posteriors.scale_marginal import NARROW, WIDTH, ScaleMarginals
from bayesml.predictors import Grouped
from bayesml.typing import Array, Integers

MOST_WORK = 2e10
"""Operations for rows at all nodes; where they are more, rows are predicted by draws."""

A_NODE = 5e6
"""Operations that a node is counted for, however small its matrices: about half a millisecond."""

MOST_HELD = 2**23
"""Moments of rows at nodes that are evaluated once and held, not whenever they are asked for."""

MANY = 1e5
"""Rows from which on σ given θ is so well known that its mean stands for it: kurtosis is 6/W."""

DRAWS = 1000

MOST_TAKEN_OUT, MOST_REMOVED = 1e12, 2**27
"""Operations, and numbers held, by which every group is taken out."""


@dataclass(frozen=True, eq=False)
class GroupedPosterior:
    r"""Gaussian in coefficients and effects given scales, which are on weighted nodes (G29).

    Attributes
    ----------
    predictor : Grouped
    marginal : GroupMarginal
    theta : ndarray, shape (N, k)
        Coordinates of the covariances of effects, in units of σ.
    node : ndarray of int, shape (K,)
        Which of them every joint node has.
    log_sigma, weights : ndarray, shape (K,)
    mean : ndarray, shape (K, p)
        Of β̃.
    root : ndarray, shape (K, p, p)
        Lower factor of the precision of β̃.
    """

    predictor: Grouped
    marginal: GroupMarginal
    theta: Array
    node: Integers
    log_sigma: Array
    weights: Array
    mean: Array
    root: Array

    @property
    def kind(self) -> Kind:
        """An exact posterior."""
        return "exact"

    @property
    def constants(self) -> dict[str, Array]:
        """None: every parameter has a distribution."""
        return {}

    @property
    def compared(self) -> None:
        """Nothing: draws are independent."""
        return None

    @cached_property
    def sigma(self) -> Array:
        """σ at the joint nodes, in the unit of y."""
        return np.exp(self.log_sigma)

    @cached_property
    def scales(self) -> dict[str, Array]:
        """Standard deviations and correlations at the joint nodes, by name."""
        return self.marginal.scales.named(self.theta[self.node], self.sigma)

    @cached_property
    def _inverse_root(self) -> Array:
        """Return L⁻ᵀ at the joint nodes: β̃ = mean + L⁻ᵀz."""
        p = self.mean.shape[1]
        eye = np.broadcast_to(np.eye(p), self.root.shape)
        return np.asarray(np.linalg.solve(np.swapaxes(self.root, -1, -2), eye))

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the distributions of coefficients and scales; `effects` has those of effects."""
        out: dict[str, Marginal] = dict(self.of_coefficients())
        scales = {f"sd[{block.factor}]" for block in self.predictor.blocks}
        width = NARROW if self.theta.shape[1] == 1 else WIDTH
        for name, values in self.scales.items():
            flat = values.reshape(len(self.weights), -1).T
            out[name] = (
                ScaleMarginals.of_scales(flat, self.weights, width)
                if name in scales
                else ScaleMarginals.of_correlations(flat, self.weights)
            )
        if not isinstance(self.marginal.sigma, float):
            out["sigma"] = ScaleMarginals.of_scales(self.sigma[None], self.weights)
        return out

    def of_coefficients(self) -> dict[str, Mixture]:
        """Return the distributions of the intercept and the weights."""
        out: dict[str, Mixture] = {}
        part = self.predictor.part
        n, reference = len(part.features), self.marginal.reference
        if part.intercept:
            out["intercept"] = self._mixture(self._row(np.zeros((1, n))))
        M, start = reference.coefficients(self.marginal.origin)
        own = M[int(part.intercept) :] / reference.unit
        out["weights"] = self._mixture(self._plain(start[int(part.intercept) :], own))
        return out

    def effects(self, factor: str) -> Marginal:
        """Return the distributions of the effects of a group, entries (level, term) in a row."""
        part = next(block for block in self.predictor.blocks if block.factor == factor)
        levels, d = part.table
        m = levels * d
        rows = self._plain(np.zeros(m), np.zeros((m, self.mean.shape[1])))
        rows = rows._replace(**self._entries(part, rows))
        if self._work(m) <= MOST_WORK:
            return self._mixture(rows)
        draws = self.draws(1, DRAWS, np.random.default_rng(0))[part.name]
        table = draws.reshape(DRAWS, m).T
        return Atoms(m, np.full(DRAWS, 1.0 / DRAWS), table.__getitem__)

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draw independently: scales, coefficients given them, effects given both."""
        size = chains * draws
        which = rng.choice(len(self.weights), size, p=self.weights)
        out = self.drawn(which, rng)
        return {name: v.reshape(chains, draws, *v.shape[1:]) for name, v in out.items()}

    def drawn(self, which: Integers, rng: np.random.Generator) -> dict[str, Array]:
        """Draw everything given the scales at joint nodes, shape (size, ...)."""
        tilde, beta = self._beta(which, rng)
        out = self._coordinates.split(beta)
        out |= self._effects(which, tilde, rng)
        out |= {name: values[which] for name, values in self.scales.items()}
        if not isinstance(self.marginal.sigma, float):
            out["sigma"] = self.sigma[which]
        return out

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate η at draws, shape (..., m)."""
        return self.predictor.eta(parameters, X)

    def predict(self, X: Array) -> Prediction:
        """Return the predictive distribution at the rows of X (G33)."""
        m, rows = len(X), self._functionals(X)
        work = self._work(m)
        noise = self._coordinates.noise(X)
        variance = float(self.weights @ self.sigma**2) * noise**2

        def sample_mean(size: int, rng: np.random.Generator) -> Array:
            return self._sample_rows(rows, size, rng)[0]

        def sample(size: int, rng: np.random.Generator) -> Array:
            eta, sigma = self._sample_rows(rows, size, rng)
            return np.asarray(eta + sigma[:, None] * noise * rng.standard_normal(eta.shape))

        if work <= MOST_WORK:
            mean, total = self._mixtures(rows, noise)
            return Prediction(total, mean, variance, sample, sample_mean)
        drawn = self._draws_of(rows, DRAWS, np.random.default_rng(0))
        weights = np.full(DRAWS, 1.0 / DRAWS)

        def at(some: slice | Integers) -> tuple[Array, dict[str, Array]]:
            return drawn.eta(rows.of(some)).T, {"sigma": noise[some, None] * drawn.sigma}

        total = Mixture(m, weights, Gaussian(), at)
        atoms = Atoms(m, weights, lambda b: np.asarray(drawn.eta(rows.of(b)).T))
        return Prediction(total, atoms, variance, sample, sample_mean)

    @property
    def coordinates(self) -> GroupedCoordinates:
        """Coefficients and effects, of which linear functions are asked."""
        return GroupedCoordinates(self._coordinates, self.predictor)

    def closed_form(self, count: int) -> bool:
        """Say whether the moments of so many functionals are evaluated at every node."""
        per_node = (
            count * float(prod(self.marginal.arrow.shapes[0])) * max(1, self.marginal.arrow.k)
        )
        return self._work(count) + len(self.theta) * (per_node + A_NODE) <= MOST_WORK

    def functional(self, A: Array) -> Mixture:
        """Return the distribution of linear functions of coefficients and effects (G74)."""
        count, at, arrow = len(A), self.coordinates, self.marginal.arrow
        M, start = self.marginal.reference.coefficients(self.marginal.origin)
        own = A[:, : at.linear.p]
        groups = [A[:, at.places[part.name]] for part in self.predictor.by_levels()]
        curves = [A[:, at.places[part.name]] for part in self.predictor.smooths]
        sums = Sums(
            own @ start,
            np.hstack([*curves, own @ M / self.marginal.reference.unit]),
            (groups[0] if groups else np.empty((count, 0))).reshape(count, *arrow.shapes[0]),
            np.hstack([np.empty((count, 0)), *groups[1:]]),
        )
        mean, sd = self._moments(sums.base, lambda factored: explained_sums(sums, factored))
        return Mixture(count, self.weights, Gaussian(), lambda b: (mean[b], {"sigma": sd[b]}))

    def sample_functional(self, A: Array, size: int, rng: np.random.Generator) -> Array:
        """Draw linear functions jointly, shape (size, rows)."""
        which = rng.choice(len(self.weights), size, p=self.weights)
        tilde, beta = self._beta(which, rng)
        at, effects = self.coordinates, self._effects(which, tilde, rng)
        out = beta @ A[:, : at.linear.p].T
        for name, place in at.places.items():
            out += effects[name].reshape(size, -1) @ A[:, place].T
        return np.asarray(out)

    def leave_one_out(self, blocks: Iterable[Block]) -> LeaveOneOut:
        """Predict a copy of every row from the others, by taking it out at every node (G34)."""

        def predict(part: Part) -> Rows:
            noise = self._coordinates.noise(part.X)
            eta, spread = (of / noise[:, None] for of in self._at(self._functionals(part.X)))
            part = part.in_units_of(noise)

            def at(some: Integers, u: Array) -> tuple[Array, Array]:
                return eta[some], spread[some]

            everything = np.arange(len(part.y))
            without = Reweighting(part, at, 1.0).without(everything, self.log_sigma)
            given, predicted, mean, relative = without
            log_weights = np.log(self.weights) - given
            log_weights -= logsumexp(log_weights, axis=1, keepdims=True)
            share = np.exp(log_weights)
            log_density = logsumexp(log_weights + predicted, axis=1)
            leverage = part.weights * (relative @ self.weights)
            found = np.asarray(log_density), np.sum(share * mean, axis=1), leverage
            return from_units_of(noise, found)

        return leave_one_out(blocks, len(self.weights), predict)

    def leave_one_group_out(self, factor: str, blocks: Iterable[Block]) -> LeaveOneGroupOut:
        """Predict every group from the others, by taking its rows out at every node (G65)."""
        groups = list(self.predictor.by_levels())
        first = [part.factor for part in groups].index(factor)
        others = [k for k in range(len(groups)) if k != first]
        order = np.array([first, *others, *range(len(groups), len(self.predictor.blocks))])
        arrow = self.marginal.arrow
        if first:
            sizes = [part.shape[0] for part in groups]
            arrow = arrow.placed(
                [Placed(k, np.arange(sizes[k]), sizes[k]) for k in (first, *others)]
            )
        size, levels = arrow.k + arrow.columns, groups[first].shape[0]
        _require_room(factor, levels, size, levels * size**2 * (1.0 + len(self.theta) * arrow.k))
        own, weights, logarithms = np.zeros((levels, size, size)), *np.zeros((2, levels))
        for block in blocks:
            own += self._columns.of_levels(factor, self.marginal.reference, block)
            codes, w = groups[first].codes(block.X), block.row_weights
            weights += np.bincount(codes, w, levels)
            log_precision = -2.0 * np.log(self._coordinates.noise(block.X))
            logarithms += np.bincount(codes, w * log_precision, levels)
        removal = GroupRemoval(self.marginal, arrow, order, own, weights, logarithms)
        names = groups[first].levels
        ratios = log_ratios(removal, self.theta, self.node, self.log_sigma, names)
        return leave_one_group_out(factor, names, weights, ratios, self.weights, self.node)

    @property
    def _coordinates(self) -> LinearCoordinates:
        origin = self.marginal.origin
        intercept = self.predictor.part.intercept
        return LinearCoordinates(origin, np.zeros(len(origin)), intercept, self._precision)

    @property
    def _columns(self) -> EffectColumns:
        part, offset = self.predictor.part.where, self.predictor.fixed.known.offset
        effects = self.predictor.groups, self.predictor.smooths
        return EffectColumns((part.start, part.stop), offset, self._precision, (), *effects)

    @property
    def _precision(self) -> int | None:
        """The column of known precisions, all that Gaussian noise has to know of a row (S7)."""
        return next(iter(self.predictor.fixed.known.outputs), None)

    def _functionals(self, X: Array) -> Functionals:
        """Return η of the rows of X."""
        part, offset = self.predictor.part, self.predictor.fixed.known.offset
        rows = self._row(X[:, part.where])
        base = rows.base if offset is None else rows.base + X[:, offset]
        groups = list(self.predictor.by_levels())
        terms = tuple(group.terms(X) for group in groups)
        columns = rows.columns.copy()
        columns[:, : self.marginal.arrow.width] = self._curves(X)
        return Functionals(base, columns, terms, tuple(group.codes(X) for group in groups))

    def _curves(self, X: Array) -> Array:
        """Return the columns of all curves."""
        return np.hstack([np.zeros((len(X), 0)), *(c.rows(X) for c in self.predictor.smooths)])

    def _entries(self, part: GroupPart | SmoothPart, rows: Functionals) -> dict[str, Any]:
        """Return what makes functionals the effects of a group or curve, an entry each."""
        levels, d = part.table
        smooths = self.predictor.smooths
        if part in smooths:
            start = sum(curve.table[0] for curve in smooths[: smooths.index(part)])
            columns = rows.columns.copy()
            columns[:, start : start + levels] = np.eye(levels)
            return {"columns": columns}
        groups: list[GroupPart | SmoothPart] = [*self.predictor.by_levels()]
        at = groups.index(part)
        terms, codes = list(rows.terms), list(rows.codes)
        terms[at], codes[at] = np.tile(np.eye(d), (levels, 1)), np.repeat(np.arange(levels), d)
        return {"terms": tuple(terms), "codes": tuple(codes)}

    def _row(self, X: Array) -> Functionals:
        """Return b + Xθ."""
        reference = self.marginal.reference
        away = X - reference.centre
        ones = [np.ones((len(X), 1))] if reference.intercept else []
        base = reference.level + away @ reference.weights
        return self._plain(base, np.hstack([*ones, away @ reference.transform]))

    def _plain(self, base: Array, columns: Array) -> Functionals:
        """Return functionals of coefficients alone."""
        groups = list(self.predictor.by_levels())
        columns = np.hstack([np.zeros((len(base), self.marginal.arrow.width)), columns])
        terms = tuple(np.zeros((len(base), group.shape[1])) for group in groups)
        return Functionals(base, columns, terms, tuple(np.full(len(base), -1) for _ in groups))

    def _work(self, rows: int) -> float:
        k = self.marginal.arrow.k + self.marginal.arrow.width
        return float(len(self.theta)) * (k**3 / 3.0 + rows * k**2)

    def _factored(self, nodes: Iterable[int]) -> Iterator[tuple[int, Factored]]:
        for node in nodes:
            factors = self.marginal.scales.factors(self.theta[node])
            yield node, self.marginal.arrow.factor(factors)

    def _mixture(self, rows: Functionals) -> Mixture:
        return self._mixtures(rows, np.ones(len(rows.base)))[0]

    def _mixtures(self, rows: Functionals, noise: Array) -> tuple[Mixture, Mixture]:
        """Return the distributions of functionals, and of these with noise in units of σ."""
        m = len(rows.base)
        if m * len(self.weights) > MOST_HELD and self._told_sigma:
            return self._at_mean_sigma._mixtures(rows, noise)
        size = max(1, MOST_HELD // len(self.weights))
        at = held(lambda some: self._at(rows.of(some)), size)  # which factorises every node

        def plain(block: slice) -> tuple[Array, dict[str, Array]]:
            mean, sd = at(block)
            return mean, {"sigma": sd}

        def noisy(block: slice) -> tuple[Array, dict[str, Array]]:
            mean, sd = at(block)
            return mean, {"sigma": np.sqrt(sd**2 + (noise[block, None] * self.sigma) ** 2)}

        likelihood = Gaussian()
        return Mixture(m, self.weights, likelihood, plain), Mixture(
            m, self.weights, likelihood, noisy
        )

    @property
    def _told_sigma(self) -> bool:
        """Whether rows are so many that σ given the scales may be its mean, and more than that."""
        return self.marginal.arrow.weight >= MANY and len(self.weights) > len(self.theta)

    @cached_property
    def _at_mean_sigma(self) -> "GroupedPosterior":
        """The same at one σ for every θ, that of the mean variance."""
        total = np.bincount(self.node, self.weights)

        def averaged(values: Array) -> Array:
            sums = np.zeros((len(total), *values.shape[1:]))
            np.add.at(sums, self.node, (values.T * self.weights).T)
            return (sums.T / total).T

        mean, inverse = averaged(self.mean), self._inverse_root
        away = self.mean - mean[self.node]
        covariance = inverse @ np.swapaxes(inverse, -1, -2) + away[:, :, None] * away[:, None]
        return replace(
            self,
            node=np.arange(len(total)),
            log_sigma=0.5 * np.log(averaged(self.sigma**2)),
            weights=total,
            mean=mean,
            root=np.linalg.cholesky(np.linalg.inv(averaged(covariance))),
        )

    def _at(self, rows: Functionals) -> tuple[Array, Array]:
        """Return means and standard deviations of functionals at the joint nodes, (m, K)."""
        if any(np.any(codes >= 0) for codes in rows.codes):
            return self._of_groups_at(rows)
        arrow, factors = self.marginal.arrow, self.marginal.scales.factors(self.theta)
        there = arrow.width > 0 and bool(np.any(rows.columns[:, : arrow.width]))
        curves = (arrow.curves_at(factors), arrow.spread(factors)) if there else None
        mean, sd = np.empty((2, len(rows.base), len(self.weights)))
        step = max(1, MOST_HELD // max(1, self.mean.size))
        for start in range(0, len(rows.base), step):
            part = slice(start, start + step)
            mean[part], sd[part] = self._of_curves_at(rows.of(part), curves)
        return mean, sd

    def _of_curves_at(
        self, rows: Functionals, curves: tuple[WithoutCurves, Array] | None
    ) -> tuple[Array, Array]:
        """Return the moments of functionals of curves and coefficients, at all nodes together."""
        unit, dense = self.marginal.reference.unit, self.marginal.arrow.width
        nothing: Array = np.zeros((1, 1))
        a, c, d = nothing, rows.columns[None, :, dense:], nothing
        if curves is not None:
            found = explained_by_curves(rows.columns, *curves)
            a, c, d = found.a[self.node], found.c[self.node], found.d[self.node]
        mean = rows.base + unit * (a + (c @ self.mean[..., None])[..., 0])
        variance = np.sum((c @ self._inverse_root) ** 2, axis=-1) * unit**2
        return mean.T, np.sqrt(variance + d * self.sigma[:, None] ** 2).T

    def _of_groups_at(self, rows: Functionals) -> tuple[Array, Array]:
        """Return the moments of functionals of everything."""
        return self._moments(rows.base, lambda factored: explained(rows, factored))

    def _moments(
        self, base: Array, explain: Callable[[Factored], Explained]
    ) -> tuple[Array, Array]:
        """Return means and standard deviations, one node of the scales at a time, (m, K)."""
        unit = self.marginal.reference.unit
        mean, sd = np.empty((2, len(base), len(self.weights)))
        order = np.argsort(self.node, kind="stable")
        ends = np.searchsorted(self.node[order], np.arange(len(self.theta) + 1))
        for node, factored in self._factored(range(len(self.theta))):
            here = order[ends[node] : ends[node + 1]]
            found = explain(factored)
            mean[:, here] = base[:, None] + unit * (found.a[:, None] + found.c @ self.mean[here].T)
            spread = np.einsum("mp,kpq->mkq", found.c, self._inverse_root[here])
            variance = np.sum(spread**2, axis=-1) * unit**2
            sd[:, here] = np.sqrt(variance + found.d[:, None] * self.sigma[here] ** 2)
        return mean, sd

    def _beta(self, which: Integers, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw β̃ and β at joint nodes."""
        p = self.mean.shape[1]
        noise = rng.standard_normal((len(which), p))
        tilde = self.mean[which] + np.einsum("spq,sq->sp", self._inverse_root[which], noise)
        M, start = self.marginal.reference.coefficients(self.marginal.origin)
        return tilde, tilde @ M.T + start

    def _effects(self, which: Integers, tilde: Array, rng: np.random.Generator) -> dict[str, Array]:
        """Draw the effects of all groups given scales and β̃ (G28)."""
        unit, arrow = self.marginal.reference.unit, self.marginal.arrow
        parts = list(self.predictor.in_order())
        out: dict[str, Array] = {p.name: np.empty((len(which), *p.shape)) for p in parts}
        nodes = np.unique(self.node[which])
        for node, factored in self._factored(nodes):
            here = np.flatnonzero(self.node[which] == node)
            size, sigma = len(here), self.sigma[which[here], None] / unit
            columns = np.column_stack([-tilde[here], np.ones(size)])
            first = sigma[..., None] * rng.standard_normal((size, *arrow.shapes[0]))
            rest = sigma * rng.standard_normal((size, arrow.k))
            curves = sigma * rng.standard_normal((size, arrow.width))
            found = factored.effects(columns, first, rest, curves)
            flat = unit * np.hstack([part.reshape(size, -1) for part in found])
            start = 0
            for part in parts:
                own = slice(start, start := start + prod(part.shape))
                out[part.name][here] = flat[:, own].reshape(size, *part.shape)
        return out

    def _sample_rows(
        self, rows: Functionals, size: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Draw functionals jointly, rows of one group sharing its effect, and σ."""
        drawn = self._draws_of(rows, size, rng)
        return drawn.eta(rows), drawn.sigma

    def _draws_of(self, rows: Functionals, size: int, rng: np.random.Generator) -> RowDraws:
        """Draw all that functionals are made of, new groups of theirs included."""
        which = rng.choice(len(self.weights), size, p=self.weights)
        tilde, _ = self._beta(which, rng)
        effects = self._effects(which, tilde, rng)
        curves = [effects[curve.name].reshape(size, -1) for curve in self.predictor.smooths]
        columns = np.hstack([*curves, self.marginal.reference.unit * tilde])
        factors = self.marginal.scales.factors(self.theta[self.node[which]])
        of_groups = []
        for k, group in enumerate(self.predictor.by_levels()):
            new = max(0, int(rows.codes[k].max(initial=-1)) + 1 - group.shape[0])
            fresh = rng.standard_normal((size, new, group.shape[1]))
            fresh = np.einsum("sab,sgb->sga", factors[k], fresh) * self.sigma[which, None, None]
            of_groups.append(np.concatenate([effects[group.name], fresh], axis=1))
        return RowDraws(columns, tuple(of_groups), self.sigma[which])


def _require_room(factor: str, levels: int, size: int, work: float) -> None:
    """Refuse groups that are joined to too many other effects to be taken out one by one."""
    if work > MOST_TAKEN_OUT or levels * size**2 > MOST_REMOVED:
        raise IncompatibleModelError(
            f"Each of {levels:,} groups of {factor} shares its rows with {size:,} other effects "
            f"and columns, which takes {8e-9 * levels * size**2:.3g} GB and {work:.1g} operations. "
            "Use cross_validate(model, data, method, folds=..., groups=...)."
        )
