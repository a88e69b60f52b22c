"""What is averaged: E[y | x, θ], the probability of every class, a quantile, or η itself.

Derived in docs/theory/effects.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from bayesml.arguments import require_memory
from bayesml.data.roles import TRIALS
from bayesml.errors import DataError
from bayesml.likelihoods import Likelihood
from bayesml.likelihoods.roles import NamesOutputs, OfOneQuantile
from bayesml.posteriors.combination import (
    CHAINS,
    DrawnLaw,
    JointLaw,
    LinearLaw,
    LinearPosterior,
)
from bayesml.posteriors.rows import row_blocks
from bayesml.predictors import HasNewLevels
from bayesml.results.answer import COMBINATIONS, Answer, generator
from bayesml.results.datatree import affordable_draws, noise_of
from bayesml.results.effects.new_groups import over_new_groups, require_groups
from bayesml.results.new_rows import class_names
from bayesml.typing import Array

Evaluate = Callable[[Array, Mapping[str, Any]], Array]


class WeightedRows(NamedTuple):
    """Rows of X and what each counts, (rows,): a sum over them is one quantity."""

    X: Array
    weights: Array


@dataclass(frozen=True)
class Quantity:
    """What is averaged over rows.

    Attributes
    ----------
    words : str
    outputs : tuple of str
        Names, where there are several; empty for one.
    evaluate : callable
        From η, (..., rows) or (k, ..., rows), and noise parameters to (outputs, ..., rows).
    one_trial : int or None
        The column of X that is set to one, so that successes become a share.
    ungrouped : tuple of int
        Columns of numbers of levels, where rows are of no group.
    new_groups : bool
        Whether it is averaged over what new groups add.
    """

    words: str
    outputs: tuple[str, ...]
    evaluate: Evaluate
    one_trial: int | None = None
    ungrouped: tuple[int, ...] = ()
    new_groups: bool = False


def quantity_of(
    answer: Answer, *, link: bool, new_groups: bool = False, population: bool = False
) -> Quantity:
    """Choose what is averaged, and over which groups: those of the rows, new ones, or none."""
    quantity = _modelled(answer, link=link)
    if not (new_groups or population):
        return quantity
    design = answer.data.design
    require_groups(design, new_groups=new_groups, population=population)
    where = f"{quantity.words}, {'for new groups' if new_groups else 'for the population'}"
    numbered = design.roles.numbered
    return replace(quantity, words=where, ungrouped=numbered, new_groups=new_groups)


def _modelled(answer: Answer, *, link: bool) -> Quantity:
    """Choose what is averaged: that which the likelihood models, or the linear predictor η."""
    likelihood, target = answer.learned.resolved.likelihood, answer.data.target_name
    classes = class_names(answer)
    trials = answer.data.design.roles.known_places().get(TRIALS)

    def mean(eta: Array, noise: Mapping[str, Any]) -> Array:
        return _expectation(likelihood, eta, noise)[None]

    def probabilities(eta: Array, noise: Mapping[str, Any]) -> Array:
        log_p = [likelihood.log_density(float(k), eta, noise) for k in range(len(classes))]
        return np.asarray(np.exp(np.stack(log_p)))

    if link:
        outputs = likelihood.output_names if isinstance(likelihood, NamesOutputs) else ()
        many = outputs if len(outputs) > 1 else ()
        return Quantity(f"linear predictor of {target}", many, _eta(len(many) or 1))
    if len(classes) > 2:
        return Quantity(f"probability of {target}", classes, probabilities)
    if classes:
        return Quantity(f"probability of {target} = {classes[1]}", (), mean)
    if isinstance(likelihood, OfOneQuantile):
        return Quantity(f"{100 * likelihood.quantile:g} % quantile of {target}", (), _eta(1))
    if trials is not None:
        return Quantity(f"share of trials: {target}", (), mean, trials)
    return Quantity(target, (), mean)


def _expectation(likelihood: Likelihood, eta: Array, noise: Mapping[str, Any]) -> Array:
    """Evaluate E[y], or the centre that it is wherever it exists: of a t, also for ν ≤ 1.

    Raises
    ------
    DataError
        If there is neither.
    """
    mean = likelihood.mean(eta, noise)
    exists = np.isfinite(mean)
    if exists.all():
        return mean
    centre = likelihood.link.mean(eta if eta.ndim == 3 else eta[0])
    if not np.all(np.isfinite(centre)) or not np.allclose(centre[exists], mean[exists]):
        raise DataError(
            f"E[y] does not exist or is not finite at {np.mean(~exists):.2g} of the draws: ask for "
            "the linear predictor, link=True."
        )
    return centre


def _eta(outputs: int) -> Evaluate:
    """Return η: the first outputs, where there are more."""

    def evaluate(eta: Array, noise: Mapping[str, Any]) -> Array:
        return eta[None] if eta.ndim == 3 else eta[:outputs]

    return evaluate


def sums(answer: Answer, quantity: Quantity, cells: Sequence[WeightedRows]) -> JointLaw:
    """Return the joint law of Σ w μ of every cell, one output after the other within a cell.

    In closed form where the posterior knows linear functions of its coefficients (P7), otherwise
    by its draws, of which every row sees the same (P17).
    """
    posterior, predictor = answer.learned.posterior, answer.learned.resolved.predictor
    cells = [_prepared(cell, quantity) for cell in cells]
    if isinstance(posterior, LinearPosterior) and posterior.closed_form(len(cells)):
        totals = [posterior.coordinates.total(cell.X, cell.weights) for cell in cells]
        A, constant = (np.array(part) for part in zip(*totals, strict=True))
        return LinearLaw(posterior, A, constant, (answer.seed, COMBINATIONS))
    values = joint_draws(answer)
    noise = noise_of(answer.learned.resolved, values)
    width = int(np.prod(next(iter(values.values())).shape[:2]))
    averages = len(cells) * max(len(quantity.outputs), 1)
    words = f"{width:,} draws of {averages:,} averages"
    require_memory(2.0 * width * averages, words, "ask for fewer at once")

    def draws(X: Array) -> Array:
        eta = posterior.eta(values, X)
        if quantity.new_groups and isinstance(predictor, HasNewLevels):
            variance = predictor.variance_of_new(values, X)
            return over_new_groups(quantity.evaluate, eta, noise, variance)
        return quantity.evaluate(eta, noise)

    each = [_over_rows(cell, width, draws) for cell in cells]
    return DrawnLaw(np.concatenate(each), posterior.compared is None)


def joint_draws(answer: Answer) -> dict[str, Array]:
    """Return the draws of the posterior, or many independent ones where it has none."""
    shapes = answer.learned.resolved.predictor.shapes(answer.data.n)
    many = affordable_draws(shapes, CHAINS)
    return answer.learned.posterior.draws(CHAINS, many, generator(answer, COMBINATIONS))


def _over_rows(cell: WeightedRows, width: int, evaluate: Callable[[Array], Array]) -> Array:
    """Add up w times what is evaluated, (..., rows), over rows, a few at a time."""
    total: Array | float = 0.0
    for block in row_blocks(len(cell.X), width):
        total = total + evaluate(cell.X[block]) @ cell.weights[block]
    return np.asarray(total)


def _prepared(cell: WeightedRows, quantity: Quantity) -> WeightedRows:
    """Set trials to one, and take rows out of their groups."""
    if quantity.one_trial is None and not quantity.ungrouped:
        return cell
    X = cell.X.copy()
    if quantity.one_trial is not None:
        X[:, quantity.one_trial] = 1.0
    X[:, list(quantity.ungrouped)] = -1.0
    return WeightedRows(X, cell.weights)
