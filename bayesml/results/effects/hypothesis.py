"""Hypotheses about the parameters of a fit. Derived in docs/theory/effects.md."""

from collections.abc import Mapping, Sequence

import numpy as np

from bayesml.posteriors.combination import DrawnLaw, LinearLaw, LinearPosterior
from bayesml.results.answer import COMBINATIONS, Answer
from bayesml.results.effects.effects import Effects, judged, stated
from bayesml.results.effects.expression import Expression, statements
from bayesml.results.effects.quantity import joint_draws
from bayesml.results.summary import entry_names, labels_of_entries, places_of


def hypothesis(answer: Answer, statement: str | Sequence[str]) -> Effects:
    """Ask of combinations of parameters whether they are zero, or on which side.

    Parameters
    ----------
    statement : str or sequence of str
        Such as ``"x = z"``, ``"x + 2 * z = 1"``, ``"exp(x) > 2"`` or ``"x / z = 1"``: what is left
        of the sign is reported less what is right. Names are those of the table,
        ``weights[x]``, or of the features alone; others than words may go in backticks.

    Returns
    -------
    Effects
        One row a statement: ``exceedance(0)`` is the probability of ``>``. Linear combinations of
        coefficients of an exact posterior have their exact law, a Student-t or a mixture of
        Normals; everything else is by draws.

    Raises
    ------
    DataError
        For names of no parameter, with the one that was meant, and statements that cannot be read.

    Examples
    --------
    >>> import bayesml as bm
    >>> X, y = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]], [0.0, 1.1, 4.0, 3.9]
    >>> fit = bm.fit(bm.Model(), bm.Data(X, y, feature_names=["x", "z"]))
    >>> print(fit.hypothesis("x = z").law.how)
    exact
    """
    posterior = answer.learned.posterior
    linear = isinstance(posterior, LinearPosterior) and posterior.closed_form(1)
    one = posterior.draws(1, 1, np.random.default_rng(answer.seed)) if linear else None
    draws = joint_draws(answer) if one is None else one
    sizes = {name: int(np.prod(v.shape[2:])) for name, v in draws.items()}
    each = statements(statement, _entries(answer, sizes), sum(sizes.values()))
    if isinstance(posterior, LinearPosterior) and linear:
        law = _linear(answer, posterior, sizes, each)
        if law is not None:
            return law
        draws = joint_draws(answer)
    values = [np.moveaxis(v.reshape(*v.shape[:2], -1), -1, 0) for v in draws.values()]
    return judged(DrawnLaw(np.concatenate(values), posterior.compared is None), each)


def _linear(
    answer: Answer,
    posterior: LinearPosterior,
    sizes: Mapping[str, int],
    each: Sequence[Expression],
) -> Effects | None:
    """Return the law of statements that are linear in coefficients, or None if some are not."""
    forms = [one.linear for one in each if one.linear is not None]
    if len(forms) < len(each) or not posterior.closed_form(len(each)):
        return None
    C, constant = (np.array(part) for part in zip(*forms, strict=True))
    A, start = np.zeros((len(each), posterior.coordinates.p)), 0
    for name, size in sizes.items():
        own = C[:, start : (start := start + size)]
        used = np.flatnonzero(np.any(own != 0.0, axis=0))
        if len(used):
            rows = posterior.coordinates.entries(name, used)
            if rows is None:  # such as σ, which is no coefficient
                return None
            A += own[:, used] @ rows
    law = LinearLaw(posterior, A, constant, (answer.seed, COMBINATIONS))
    return stated(law, each)


def _entries(answer: Answer, sizes: Mapping[str, int]) -> dict[str, int]:
    """Name every parameter entry as the table does, and those of features by these alone."""
    labels = labels_of_entries(answer.learned.resolved.predictor, answer.data.feature_names)
    names = [n for name, size in sizes.items() for n in entry_names(name, size, labels)]
    return places_of(names)
