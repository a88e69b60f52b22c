"""What a predictor and a prior become when they meet the data: several of them, and of groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from bayesml.data import Data
from bayesml.data.grouped_rows import EffectColumns
from bayesml.data.messages import quoted
from bayesml.data.roles import OFFSET, Features, LinearPart, Roles
from bayesml.data.statistics import SufficientStatistics
from bayesml.distributions import Flat
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import HasNoiseScale, Likelihood, NamesOutputs, known_of, limits_eta
from bayesml.linalg import triangular_factor
from bayesml.predictors import (
    Beside,
    Grouped,
    HasSeveral,
    KnownColumns,
    LinearPredictors,
    Network,
    Outputs,
    Predictor,
    ReadsBeside,
    frame_of,
)
from bayesml.priors import (
    ByPredictor,
    HasSeenRows,
    Hierarchical,
    Independent,
    Prior,
    Scales,
    StatesEffects,
    StatesParts,
)


class Met(NamedTuple):
    """A predictor and a prior that have met the data."""

    predictor: Predictor
    prior: Any


@dataclass(frozen=True, eq=False)
class _Rows:
    """What predictor and prior meet: rows, and the likelihood that has met them.

    Attributes
    ----------
    data : Data
    statistics : SufficientStatistics
    likelihood : Likelihood
    """

    data: Data
    statistics: SufficientStatistics
    likelihood: Likelihood

    @property
    def roles(self) -> Roles:
        """What the columns are for."""
        return self.data.design.roles

    @cached_property
    def outputs(self) -> Outputs:
        """Location and scale of every output of the predictor, as the target has them."""
        return self.likelihood.outputs(self.statistics.mean_y, self.statistics.sd_y)


def meet(
    predictor: Predictor,
    prior: Prior,
    likelihood: Likelihood,
    data: Data,
    statistics: SufficientStatistics,
    rest: Mapping[str, Flat],
) -> Met:
    """Resolve a predictor and its prior against the data, for a likelihood that has met them.

    `rest` are priors of further predictors, where the stated one says nothing of them.
    """
    rows = _Rows(data, statistics, likelihood)
    met = _predictor(predictor, rows)
    _check_domain(met, likelihood)
    if isinstance(met, Grouped):
        return _meet_groups(met, prior, rows, rest)
    if isinstance(met, LinearPredictors):
        return _meet_linear(met, prior, rows, rest)
    n, names = data.n, data.feature_names
    frame = frame_of(met, n, statistics.mean_X, statistics.sd_X, rows.outputs)
    whole = LinearPart("", (0, n), names, frame.shifted)
    own = _scales(met, whole, data.design.terms, rows.outputs[0], rows)
    return Met(met, prior.resolve(own))


def _check_domain(predictor: Predictor, likelihood: Likelihood) -> None:
    """Refuse a link of positive η alone for predictors that are searched and drawn everywhere."""
    if limits_eta(likelihood) and isinstance(predictor, Network | Grouped):
        what = "effects of groups" if isinstance(predictor, Grouped) else repr(predictor)
        raise IncompatibleModelError(
            f"{likelihood!r} has a mean where η is positive only, which {what} do not keep to. Use "
            "the link Log(), or Linear() without groups."
        )


def _meet_groups(met: Grouped, prior: Prior, rows: _Rows, rest: Mapping[str, Flat]) -> Met:
    """Resolve the priors of the linear part and of the effects of groups."""
    if isinstance(prior, HasSeenRows):  # what was learned under priors that are stated already
        return Met(met, prior.prior)
    flat = prior == Independent()
    stated = prior if isinstance(prior, StatesEffects) else Hierarchical(Flat() if flat else prior)
    own = _meet_linear(met.fixed, stated.of_coefficients, rows, rest)
    groups = tuple(part.group for part in met.blocks)
    return Met(met, stated.for_groups(own.prior, groups, rows.outputs[0][1]))


def _meet_linear(met: LinearPredictors, prior: Prior, rows: _Rows, rest: Mapping[str, Flat]) -> Met:
    """Resolve the priors of several linear predictors."""
    by_part = prior if isinstance(prior, StatesParts) else ByPredictor(prior, rest)
    firsts = np.cumsum([0, *(part.size for part in met.parts)])
    centres = met.without_offset(rows.statistics.mean_X, rows.outputs)
    scales = [
        _scales(met, part, of.terms, centres[first], rows)
        for part, first, of in zip(met.parts, firsts, rows.roles.predictors, strict=False)
    ]
    if isinstance(prior, HasSeenRows):  # what was learned under priors that are stated already
        return Met(met, prior.resolve(scales[0]))
    return Met(met, by_part.for_parts(met.parts, scales))


def _predictor(predictor: Predictor, rows: _Rows) -> Predictor:
    roles, likelihood, statistics = rows.roles, rows.likelihood, rows.statistics
    several = not roles.plain or (len(rows.outputs) > 1 and isinstance(likelihood, NamesOutputs))
    if several and isinstance(predictor, HasSeveral):
        classes = likelihood.output_names if isinstance(likelihood, NamesOutputs) else None
        found = predictor.several(_parts(roles, classes), _known(likelihood, roles))
        effects = bool(roles.groups or roles.smooths)
        return _grouped(found, rows.data) if effects else found
    only_known = len(roles.predictors) == 1 and not (roles.groups or roles.smooths)
    if roles.known and only_known and isinstance(predictor, ReadsBeside):
        predictor = predictor.reading(_beside(likelihood, roles))
    elif not roles.plain:
        what = [*roles.known, *(part.predictor for part in roles.predictors[1:])]
        what += [f"groups of {group.factor}" for group in roles.groups]
        what += [smooth.label for smooth in roles.smooths]
        raise IncompatibleModelError(
            f"{predictor!r} does not read {quoted(what)}, which the data have. Use Linear(), or "
            "leave it out."
        )
    intercept = rows.data.design.has_intercept
    return predictor.resolve(statistics.mean_X, statistics.sd_X, rows.outputs, intercept)


def _grouped(found: Predictor, data: Data) -> Predictor:
    """Return the predictor with effects of the groups of the data."""
    roles = data.design.roles
    if (
        not isinstance(found, LinearPredictors)
        or len(found.parts) > 1
        or found.parts[0].classes is not None
    ):
        terms = [*(group.factor for group in roles.groups), *(s.label for s in roles.smooths)]
        raise IncompatibleModelError(
            f"The data have group terms or smooths ({quoted(terms)}), which are of one linear "
            "predictor: not beside predictors of other parameters, or of every class. Leave these "
            "out."
        )
    effects = EffectColumns.of(data.design)
    return Grouped(found, effects.groups, effects.smooths)


def _parts(roles: Roles, classes: Sequence[str] | None) -> tuple[LinearPart, ...]:
    places = roles.places()

    def part(features: Features) -> LinearPart:
        where, own = places[features.predictor], features.has_intercept
        names = tuple(classes) if classes is not None and not features.predictor else None
        intercept = True if own is None else own
        columns = (where.start, where.stop)
        return LinearPart(features.predictor, columns, features.names, intercept, names)

    return tuple(map(part, roles.predictors))


def _known(likelihood: Likelihood, roles: Roles) -> KnownColumns:
    places = roles.known_places()
    needed = known_of(likelihood)
    return KnownColumns(places.get(OFFSET), tuple(places[name] for name in needed))


def _beside(likelihood: Likelihood, roles: Roles) -> Beside:
    """Return what is known of every row, counted from the last column."""
    known, columns = _known(likelihood, roles), len(roles.known)
    end = sum(len(part.names) for part in roles.predictors) + columns
    offset = None if known.offset is None else known.offset - end
    moved = len(likelihood.output_names) if isinstance(likelihood, NamesOutputs) else 1
    return Beside(columns, offset, tuple(place - end for place in known.outputs), moved)


def _noise_scale(likelihood: Likelihood) -> str | float | None:
    """Return what scales the noise around η: a number where it is known, a name where not."""
    name = likelihood.noise_scale if isinstance(likelihood, HasNoiseScale) else None
    value: Any = likelihood.parameters.get(name) if name else None
    return float(value) if isinstance(value, int | float | np.number) else name


def _scales(
    predictor: Predictor,
    part: LinearPart,
    terms: Mapping[str, tuple[str, ...]],
    output: tuple[float, float],
    rows: _Rows,
) -> Scales:
    """Return what a prior may know of some columns, and of the output that they predict."""
    statistics = rows.statistics
    freedom, divisor = max(statistics.weight - 1.0, 1.0), sqrt(statistics.freedom)
    n, where, names = len(statistics.mean_X), part.where, part.features
    R = statistics.R[:n, where]
    if where.start > 0 or where.stop < n:
        R = triangular_factor(R) if R.shape[1] else np.empty((0, 0))
    several = isinstance(predictor, LinearPredictors)
    own: dict[str, tuple[int, ...]] = {"intercept": ()} if part.intercept else {}
    return Scales(
        names,
        statistics.mean_X[where],
        R[: len(names)] / divisor,
        statistics.noise[where] / divisor,
        freedom,
        *output,
        None if part.name else _noise_scale(rows.likelihood),
        own | {"weights": (len(names),)} if several else predictor.shapes(len(names)),
        predictor.depth if isinstance(predictor, Network) else 0,
        part.intercept,
        terms,
    )
