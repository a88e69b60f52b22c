"""Independent priors, one a coefficient."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from math import prod
from typing import Any, Literal

import numpy as np

from bayesml.arguments import check_mapping
from bayesml.distributions import (
    Distribution,
    Flat,
    HasKink,
    HasScale,
    Normal,
    Real,
    grouped,
    stack,
)
from bayesml.errors import IncompatibleModelError
from bayesml.priors.base import Coefficients, Prior, Unknown
from bayesml.priors.entries import check_prior, inferred_scale, smooth, unstack, words
from bayesml.priors.normal_rows import NormalRows, PriorTerms, Values
from bayesml.priors.roles import KinkedPrior
from bayesml.priors.scaled import Scaled
from bayesml.priors.scales import Scales
from bayesml.typing import Array, Integers

Origin = Literal["centred", "original"]


def as_prior(prior: Prior | Flat) -> Prior:
    """Return the prior that is stated: Flat(), a distribution, is that of every coefficient."""
    return Independent() if isinstance(prior, Flat) else prior


@dataclass(frozen=True)
class Independent:
    r"""Independent priors :math:`p(b)\,\prod_j p_j(\theta_j)` on the intercept and the weights.

    Parameters
    ----------
    weights : Distribution or mapping of feature name to Distribution
        One distribution for every weight, in units of y per unit of x; its parameters may be
        sequences with one entry per feature, in the order of the features.
    intercept : Distribution
        Prior of the intercept, in the unit of y.
    intercept_origin : {"centred", "original"}
        Where the intercept's prior is stated: for the prediction at the mean of the features
        ("centred", what one usually knows), or at features all zero ("original"). A predictor
        that does not count it from the mean, as `Linear` does, has one of its own, b.
    others : mapping of parameter name to Distribution
        Priors of what else a predictor has; flat where they are not named.

    Raises
    ------
    IncompatibleModelError
        If something other than a distribution is given, or the names do not match the features.

    Examples
    --------
    >>> from bayesml.distributions import Flat, Normal
    >>> Independent(weights=Normal(0, 2), intercept=Flat()).intercept_origin
    'centred'
    """

    weights: Distribution | Mapping[str, Distribution] = Flat()
    intercept: Distribution = Flat()
    intercept_origin: Origin = "centred"
    others: Mapping[str, Distribution] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.weights, Mapping):
            object.__setattr__(self, "weights", dict(self.weights))
            for name, prior in self.weights.items():
                check_prior("Independent", f"weights[{name!r}]", prior, scalar=True)
        else:
            check_prior("Independent", "weights", self.weights, scalar=False)
        check_prior("Independent", "intercept", self.intercept, scalar=True)
        check_mapping(self, "others")
        for name, prior in self.others.items():
            check_prior("Independent", f"others[{name!r}]", prior, scalar=True)
        if str(self.intercept_origin) not in ("centred", "original"):
            raise IncompatibleModelError(
                "Independent: intercept_origin must be 'centred' (the prior is on the prediction "
                "at the mean of the features) or 'original' (at features all zero), "
                f"got {self.intercept_origin!r}."
            )

    def resolve(self, scales: Scales) -> "Independent | Scaled":
        """Return the prior with one scalar distribution for every feature, by name."""
        return self.in_groups(scales, {})

    def in_groups(
        self, scales: Scales, groups: Mapping[str, tuple[str, ...]]
    ) -> "Independent | Scaled":
        """Resolve, and let features share a scale that is inferred: by default all, or each own.

        Parameters
        ----------
        scales : Scales
        groups : mapping of name to tuple of feature names
            Which of them share one; others that are stated by name have their own.
        """
        if scales.depth:
            raise IncompatibleModelError(
                "Independent(...) states priors of an intercept and of one weight a feature, which "
                "a network does not have. Use Layered(), or Layered(sd=...) for a known scale."
            )
        rest = [name for name in scales.shapes if name not in ("intercept", "weights")]
        unknown = [name for name in self.others if name not in rest]
        if unknown:
            raise IncompatibleModelError(
                f"Independent: others names {unknown}, but the predictor's other parameters are "
                f"{rest}."
            )
        if "weights" not in scales.shapes and self.weights not in (Flat(), {}):
            raise IncompatibleModelError(
                f"Independent: weights = {self.weights!r}, but the predictor has no weights. Its "
                f"parameters are {list(scales.shapes)}: state others={{{rest[0]!r}: ...}}."
                if rest
                else f"Independent: weights = {self.weights!r}, but the predictor has no weights."
            )
        own_shape = scales.shapes.get("weights", ())
        if own_shape and own_shape != (len(scales.feature_names),):
            raise IncompatibleModelError(
                f"Independent: weights are one a feature, but the predictor's have shape "
                f"{own_shape} with {len(scales.feature_names)} features. Call them otherwise, and "
                "state others={...}."
            )
        others = {name: self.others.get(name, Flat()) for name in rest}
        names = scales.feature_names if "weights" in scales.shapes else ()
        weights = dict(zip(names, self.of(names), strict=True))
        own = "intercept" in scales.shapes and not scales.centred
        origin: Origin = "original" if own else self.intercept_origin
        resolved = replace(self, weights=weights, others=others, intercept_origin=origin)
        if not isinstance(self.weights, Mapping):
            groups = {"weights": names}
        return resolved._with_scales(groups, shifted=scales.centred and origin == "original")

    def _with_scales(
        self, groups: Mapping[str, tuple[str, ...]], *, shifted: bool
    ) -> "Independent | Scaled":
        """Take the scales that are inferred apart, one a group (Z2)."""
        found = {name: inferred_scale(prior) for name, prior in self._by_feature.items()}
        inferred = {name: prior for name, prior in found.items() if prior is not None}
        if not inferred:
            return self
        if shifted:
            raise IncompatibleModelError(
                "Independent: with intercept_origin='original' the intercept's prior moves with "
                "the weights, whose scales are inferred. State it at the mean of the features, "
                "intercept_origin='centred'."
            )
        alone = {name: (name,) for name in inferred if not any(name in g for g in groups.values())}
        shared = {name: g for name, g in groups.items() if g and g[0] in inferred} | alone
        weights = {
            name: prior.at_scale(1.0) if name in inferred and isinstance(prior, HasScale) else prior
            for name, prior in self._by_feature.items()
        }
        scales = {name: inferred[members[0]] for name, members in shared.items()}
        return Scaled(replace(self, weights=weights), shared, scales)

    def normal_rows(self, problem: Coefficients) -> NormalRows | None:
        """Return the rows of the Normal priors, if all others are flat (L3)."""
        priors = self._entries(problem)
        if not all(isinstance(prior, Normal | Flat) for prior in priors):
            return None
        normal = {k: prior for k, prior in enumerate(priors) if isinstance(prior, Normal)}
        means = np.array([prior.mean for prior in normal.values()], dtype=np.float64)
        sds = np.array([prior.sd for prior in normal.values()], dtype=np.float64)
        G, error = self._functionals(problem)
        k = list(normal)
        return NormalRows(G[k], means, sds, error[k])

    def log_density_and_score(
        self, problem: Coefficients, beta: Array, values: Values
    ) -> PriorTerms:
        """Evaluate the sum over the coefficients, a family at a time."""
        G, _ = self._functionals(problem)
        at = beta @ G.T
        scores = np.zeros_like(at)
        for where, prior in self._families(problem):
            scores[..., where] = prior.score(at[..., where])
        value = self.entry_log_densities(problem, beta, values).sum(axis=-1)
        return PriorTerms(value, scores @ G, {})

    def sample(
        self,
        problem: Coefficients,
        values: Values,
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Array:
        """Draw every coefficient from its own prior, and count the intercept from the centre."""
        drawn = np.stack([p.sample(rng, shape) for p in self._entries(problem)], axis=-1)
        G, _ = self._functionals(problem)
        return np.asarray(np.linalg.solve(G, drawn[..., None])[..., 0])

    def hyperparameters(self, problem: Coefficients) -> dict[str, Unknown]:
        """Return none: every number is stated."""
        return {}

    def proper_rows(self, problem: Coefficients) -> Array:
        """Return the functionals that are not flat."""
        G, _ = self._functionals(problem)
        return np.asarray(G[[prior.proper for prior in self._entries(problem)]])

    def improper_names(self, problem: Coefficients) -> list[str]:
        """Return the names of what is flat."""
        names: list[str] = []
        for name, shape in problem.shapes.items():
            if name == "weights":
                names += problem.feature_names
            else:
                names += [name] * prod(shape)
        entries = zip(names, self._entries(problem), strict=True)
        return [name for name, prior in entries if not prior.proper]

    def entry_log_densities(self, problem: Coefficients, beta: Array, values: Values) -> Array:
        """Evaluate the log density of every entry."""
        G, _ = self._functionals(problem)
        at = beta @ G.T
        out = np.zeros_like(at)
        for where, prior in self._families(problem):
            out[..., where] = prior.log_density(at[..., where])
        return out

    def kinks(self, problem: Coefficients) -> KinkedPrior | None:
        """Take Laplace factors apart (Z8)."""
        entries = self._entries(problem)
        kinked = {k: prior for k, prior in enumerate(entries) if isinstance(prior, HasKink)}
        if not kinked:
            return None
        if 0 in kinked and problem.centred and self.intercept_origin == "original":
            raise IncompatibleModelError(
                f"MAP() under intercept ~ {self.intercept!r} at X = 0: the kink lies in no "
                "coordinate. State it at the mean of the features, intercept_origin='centred'."
            )
        at, rate = np.zeros(len(entries)), np.zeros(len(entries))
        constant = 0.0
        for k, prior in kinked.items():
            at[k], rate[k] = prior.kink, prior.kink_rate
            constant += float(entries[k].log_density(prior.kink))
            constant -= float(prior.without_kink().log_density(prior.kink))
        rest = replace(
            self,
            weights={name: smooth(prior) for name, prior in self._by_feature.items()},
            intercept=smooth(self.intercept),
            others={name: smooth(prior) for name, prior in self.others.items()},
        )
        return KinkedPrior(at, rate, rest, constant)

    def pymc(self, pm: Any, problem: Coefficients) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the weights as one vector, of one distribution where the family is the same."""
        return self.pymc_called("weights", pm, problem)

    def pymc_called(
        self, name_of_weights: str, pm: Any, problem: Coefficients
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the same with another name of the weights, for what scales them."""
        out: dict[str, Any] = {}
        if "weights" in problem.shapes:
            out["weights"] = self._weights(name_of_weights, pm, problem)
        if problem.has_intercept:
            family, arguments = self.intercept.pymc(pm, Real())
            centred = problem.centred and self.intercept_origin == "centred"
            stated = family("intercept_centred" if centred else "intercept", **arguments)
            moves = problem.centred and not centred
            out["intercept"] = stated + out["weights"] @ problem.mean_X if moves else stated
        for name, prior in self.others.items():
            family, arguments = prior.pymc(pm, Real())
            out[name] = family(name, shape=problem.shapes[name], **arguments)
        return out, {}

    def _weights(self, called: str, pm: Any, problem: Coefficients) -> Any:
        names = problem.feature_names
        priors = [self._by_feature[name] for name in names]
        if not priors:
            return np.zeros(0)
        if len({type(prior) for prior in priors}) == 1:
            family, arguments = stack(priors).pymc(pm, Real())
            return family(called, dims=problem.feature_dim, **arguments)
        parts = []
        for name, prior in zip(names, priors, strict=True):
            family, arguments = prior.pymc(pm, Real())
            parts.append(family(f"{called}_{name}", **arguments))
        return pm.Deterministic(called, pm.math.stack(parts), dims=problem.feature_dim)

    @cached_property
    def _of_weights(self) -> tuple[tuple[Integers, Distribution], ...]:
        """The priors of the weights, a family at a time: joined once, asked at every step."""
        return grouped(tuple(self._by_feature.values()))

    def _families(self, problem: Coefficients) -> Iterator[tuple[Any, Distribution]]:
        """Yield positions in β, and the joint prior of these."""
        start = 0
        for name, shape in problem.shapes.items():
            size = prod(shape)
            if name == "weights":
                yield from ((where + start, prior) for where, prior in self._of_weights)
            else:
                prior = self.intercept if name == "intercept" else self.others[name]
                yield slice(start, start + size), prior
            start += size

    @property
    def _by_feature(self) -> Mapping[str, Distribution]:
        if not isinstance(self.weights, Mapping):
            raise IncompatibleModelError(f"{self!r} has not met its data: resolve it first.")
        return self.weights

    def _entries(self, problem: Coefficients) -> tuple[Distribution, ...]:
        """Return the scalar prior of every entry of β, in order."""
        out: list[Distribution] = []
        for name, shape in problem.shapes.items():
            match name:
                case "intercept":
                    out.append(self.intercept)
                case "weights":
                    out += self._by_feature.values()
                case _:
                    out += [self.others[name]] * prod(shape)
        return tuple(out)

    def _functionals(self, problem: Coefficients) -> tuple[Array, Array]:
        r"""Return G such that the priors are on :math:`G\beta`, and what its rounding left out."""
        p = sum(prod(shape) for shape in problem.shapes.values())
        G, error = np.eye(p), np.zeros((p, p))
        if problem.centred and self.intercept_origin == "original":
            n = len(problem.mean_X)
            G[0, 1 : n + 1], error[0, 1 : n + 1] = -problem.mean_X, -problem.mean_error
        return G, error

    def of(self, names: tuple[str, ...]) -> tuple[Distribution, ...]:
        """Return the scalar prior of every weight, in the order of the features."""
        if not isinstance(self.weights, Mapping):
            return unstack("Independent: weights", self.weights, len(names))
        missing = [name for name in names if name not in self.weights]
        unknown = [name for name in self.weights if name not in names]
        if missing or unknown:
            hints = {u: get_close_matches(u, names, n=1) for u in unknown}
            raise IncompatibleModelError(
                "Independent: weights must name every feature once. "
                + (f"No prior for {missing}. " if missing else "")
                + (f"Unknown: {unknown}. " if unknown else "")
                + "".join(f"Did you mean {h[0]!r} for {u!r}? " for u, h in hints.items() if h)
                + f"The features are {list(names)}."
            )
        return tuple(self.weights[name] for name in names)

    def describe(self) -> str:
        """Say the prior in words."""
        where = "at the mean of the features" if self.intercept_origin == "centred" else "at X = 0"
        if isinstance(self.weights, Mapping):
            lines = [f"weights[{name}] ~ {words(prior)}" for name, prior in self.weights.items()]
        else:
            lines = [f"weights ~ {words(self.weights)}"]
        lines += [f"{name} ~ {words(prior)}" for name, prior in self.others.items()]
        return "\n".join([f"intercept {where} ~ {words(self.intercept)}", *lines])
