"""Independent priors, one a coefficient."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Literal

from bayesml.distributions import Distribution, Flat, Real
from bayesml.errors import IncompatibleModelError
from bayesml.priors.layered import Layered
from bayesml.priors.scales import Scales

Origin = Literal["centred", "original"]


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
        ("centred", what one usually knows), or at features all zero ("original").

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

    def __post_init__(self) -> None:
        if isinstance(self.weights, Mapping):
            object.__setattr__(self, "weights", dict(self.weights))
            for name, prior in self.weights.items():
                _check("weights[" + repr(name) + "]", prior, scalar=True)
        else:
            _check("weights", self.weights, scalar=False)
        _check("intercept", self.intercept, scalar=True)
        if self.intercept_origin not in ("centred", "original"):
            raise IncompatibleModelError(
                "Independent: intercept_origin must be 'centred' (the prior is on the prediction "
                "at the mean of the features) or 'original' (at features all zero), "
                f"got {self.intercept_origin!r}."
            )

    def resolve(self, scales: Scales) -> "Independent":
        """Return the prior with one scalar distribution for every feature, by name."""
        return replace(self, weights=dict(zip(scales.feature_names, self.of(scales), strict=True)))

    def for_layers(self, depth: int) -> Layered:
        """Refuse: a network has no weight for a feature."""
        raise IncompatibleModelError(
            "Independent(...) states priors of an intercept and of one weight a feature, which a "
            "network does not have. Use Layered(), or Layered(sd=...) for a known scale."
        )

    def of(self, scales: Scales) -> tuple[Distribution, ...]:
        """Return the scalar prior of every weight, in the order of the features."""
        names = scales.feature_names
        if not isinstance(self.weights, Mapping):
            return _unstack(self.weights, len(names))
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
            lines = [f"weights[{name}] ~ {_words(prior)}" for name, prior in self.weights.items()]
        else:
            lines = [f"weights ~ {_words(self.weights)}"]
        return "\n".join([f"intercept {where} ~ {_words(self.intercept)}", *lines])


def _check(name: str, prior: Any, *, scalar: bool) -> None:
    if not (hasattr(prior, "log_density") and hasattr(prior, "support")):
        raise IncompatibleModelError(
            f"Independent: {name} must be a distribution such as Normal(0, 1), got {prior!r}. "
            "The likelihood StudentT(df, sigma) is not a prior: use "
            "bayesml.distributions.StudentT(df, location, scale)."
        )
    if prior.support != Real():
        raise IncompatibleModelError(
            f"Independent: {name} = {prior!r} allows no negative values, but coefficients are "
            "real: use Normal, StudentT, Laplace or Flat from bayesml.distributions."
        )
    if scalar and any(isinstance(value, tuple) for value in vars(prior).values()):
        raise IncompatibleModelError(f"Independent: {name} takes scalar parameters, got {prior!r}.")


def _unstack(prior: Distribution, n: int) -> tuple[Distribution, ...]:
    """Return the n scalar distributions that a distribution with sequences stands for."""
    values: dict[str, Any] = {f.name: getattr(prior, f.name) for f in fields(prior)}  # type: ignore[arg-type]
    lengths = {len(value) for value in values.values() if isinstance(value, tuple)}
    if lengths - {n}:
        raise IncompatibleModelError(
            f"Independent: weights = {prior!r} has {sorted(lengths)} entries, but there are {n} "
            "features. Give one number, or one per feature in their order."
        )
    pick = [
        {name: v[j] if isinstance(v, tuple) else v for name, v in values.items()} for j in range(n)
    ]
    cls: Any = type(prior)
    return tuple(cls(**arguments) for arguments in pick)


def _words(prior: Distribution) -> str:
    return "flat (improper)" if isinstance(prior, Flat) else repr(prior)
