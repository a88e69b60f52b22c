"""Hypotheses about the parameters of a fit. Derived in docs/theory/effects.md."""

from collections.abc import Mapping, Sequence

import numpy as np

from bayesml.posteriors.combination import DrawnLaw, LinearLaw, LinearPosterior
from bayesml.results.answer import COMBINATIONS, Answer
from bayesml.results.effects.effects import Effects, judged
from bayesml.results.effects.expression import statements
from bayesml.results.effects.quantity import joint_draws
from bayesml.results.summary import entry_names, labels_of_entries


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
    draws = joint_draws(answer)
    values = [np.moveaxis(v.reshape(*v.shape[:2], -1), -1, 0) for v in draws.values()]
    known = _entries(answer, {n: len(v) for n, v in zip(draws, values, strict=True)})
    each = statements(statement, known, sum(map(len, values)))
    if isinstance(posterior, LinearPosterior):
        rows = posterior.coordinates.parameters()
        A = np.vstack(
            [
                rows.get(n, np.zeros((len(v), posterior.coordinates.p)))
                for n, v in zip(draws, values, strict=True)
            ]
        )
        others = ~np.any(A, axis=1)  # such as σ, which is no coefficient
        if all(one.linear is not None and not one.linear[0][others].any() for one in each):
            seed = (answer.seed, COMBINATIONS)
            return judged(LinearLaw(posterior, A, np.zeros(len(A)), seed), each)
    return judged(DrawnLaw(np.concatenate(values), posterior.compared is None), each)


def _entries(answer: Answer, sizes: Mapping[str, int]) -> dict[str, int]:
    """Name every parameter entry as the table does, and those of features by these alone."""
    labels = labels_of_entries(answer.learned.resolved.predictor, answer.data.feature_names)
    names = [n for name, size in sizes.items() for n in entry_names(name, size, labels)]
    full = {name: k for k, name in enumerate(names)}
    short = {name[8:-1]: k for name, k in full.items() if name.startswith("weights[")}
    return short | full
