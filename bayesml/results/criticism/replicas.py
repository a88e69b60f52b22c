"""Whether data that the fit expects look like the data: posterior predictive p-values (C12)."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from bayesml.data import Data
from bayesml.errors import PredictiveWarning
from bayesml.likelihoods import OfOneQuantile
from bayesml.results.answer import CRITICISED, Answer, generator
from bayesml.results.datatree import posterior_predictive
from bayesml.results.export import so_many_draws
from bayesml.results.findings import Finding
from bayesml.results.new_rows import class_names
from bayesml.typing import Array, Integers

REPLICAS = 400
ROWS = 300
"""Of more rows, so many at random are replicated: what they do not show matters little."""

LEVEL = 0.005
"""Two-sided, of each statistic: with 400 replicas at most one of them is as extreme."""

FEW = 8
"""Rows below which data have no shape: of three, two of them equal, the skewness is extreme."""

Statistic = Callable[[Array], Array]


def findings(answer: Answer) -> Iterable[Finding] | str:
    """Compare a few statistics of y with those of replicas, drawn from the posterior."""
    data, likelihood = answer.data, answer.learned.resolved.likelihood
    if isinstance(likelihood, OfOneQuantile):
        return (
            f"replicated data: {likelihood!r} finds the {likelihood.quantile:g} quantile and is no "
            "law of y; bm.calibration(fit, data) asks what share of rows lies below it."
        )
    if not data.in_memory:
        return (
            f"replicated data: the rows are {data.whereabouts}, not in memory; data.collect() puts "
            "them there."
        )
    rng = generator(answer, CRITICISED)
    kept = np.flatnonzero(data.row_weights > 0)
    if len(kept) < FEW:
        return f"replicated data: {len(kept)} rows show no shape; {FEW} do."
    some = kept if len(kept) <= ROWS else np.sort(rng.choice(kept, ROWS, replace=False))
    y = np.asarray(data.y)[some]
    replicas = _replicas(answer, some, rng)
    if not np.all(np.isfinite(replicas)):
        return "replicated data: some draws of the answer expect no finite data."
    if names := class_names(answer):
        return [_compare_classes(names, y, replicas)]
    statistics = OF_COUNTS if likelihood.support.discrete else ON_THE_LINE
    return [_compare(name, s, y, replicas) for name, s in statistics.items()]


def _replicas(answer: Answer, some: Integers, rng: np.random.Generator) -> Array:
    """Draw data sets at some rows, shape (replicas, rows)."""
    data, posterior = answer.data, answer.learned.posterior
    part = Data.from_checked_arrays(
        np.asarray(data.X)[some], np.asarray(data.y)[some], None, data.design, None
    )
    values = so_many_draws(answer, REPLICAS)
    model = answer.learned.resolved
    return np.asarray(posterior_predictive(model, part, values, posterior.eta, rng)[0])


def _smallest(y: Array) -> Array:
    return np.asarray(y.min(axis=-1))


def _largest(y: Array) -> Array:
    return np.asarray(y.max(axis=-1))


def _skewness(y: Array) -> Array:
    """As scipy's, in a quarter of its time: it is most of what the checks of many rows cost."""
    d = y - y.mean(axis=-1, keepdims=True)
    square = d * d
    second, third = square.mean(axis=-1), np.einsum("...i,...i->...", square, d) / y.shape[-1]
    return np.asarray(third / second**1.5)


def _sd(y: Array) -> Array:
    return np.asarray(y.std(axis=-1))


def _zeros(y: Array) -> Array:
    return np.asarray((y == 0).mean(axis=-1))


REMEDY = "another likelihood, a transformation of y, or a missing term."
INFLATED = (
    "counts that cluster want NegativeBinomial(), and zeros of their own ZeroInflated(Poisson()) "
    "or Hurdle(Poisson())."
)

ZEROS = "share of zeros"
ON_THE_LINE = {"smallest value": _smallest, "largest value": _largest, "skewness": _skewness}
OF_COUNTS = {"standard deviation": _sd, "largest value": _largest, ZEROS: _zeros}
"""Statistics that the likelihood has no parameter for, each over the last axis."""


def _compare(name: str, statistic: Statistic, y: Array, replicas: Array) -> Finding:
    """Compare one statistic, where it is (C12)."""
    seen, expected = float(statistic(y)), statistic(replicas)
    more_zeros = name == ZEROS and seen > np.median(expected)
    remedy = INFLATED if more_zeros else REMEDY
    return _finding(f"{name} of y", _p_value(seen, expected), seen, expected, remedy)


def _compare_classes(names: Sequence[str], y: Array, replicas: Array) -> Finding:
    """Compare the share of the class that is furthest from what is expected, of so many (C12)."""
    shares = [(float(np.mean(y == k)), np.mean(replicas == k, axis=-1)) for k in range(len(names))]
    p = [_p_value(*share) for share in shares]
    worst = int(np.argmin(p))
    free = len(names) - 1  # of two classes, one share is the other
    return _finding(f"share of {names[worst]}", min(free * p[worst], 1.0), *shares[worst], REMEDY)


def _p_value(seen: float, expected: Array) -> float:
    """Count replicas whose statistic is as large, ties half (C12)."""
    above = float(np.mean(expected > seen) + 0.5 * np.mean(expected == seen))
    return 2.0 * min(above, 1.0 - above)


def _finding(name: str, p: float, seen: float, expected: Array, remedy: str) -> Finding:
    low, middle, high = np.quantile(expected, (0.005, 0.5, 0.995))
    return Finding(
        f"posterior predictive p-value, {name}",
        not p < LEVEL,
        p,
        f"≥ {LEVEL:g}",
        f"The {name} is {seen:.4g}, and {middle:.4g} in the middle of "
        f"{len(expected)} data sets that the fit expects, 99 % of them between "
        f"{low:.4g} and {high:.4g}.",
        f"Look at plots.predictive_check(fit): {remedy}",
        PredictiveWarning,
    )
