"""Learning on: from new rows, exactly as if all had been there, or with more draws.

Derived in docs/theory/sufficient_statistics.md.
"""

import json

import numpy as np

from bayesml.data.fingerprint import SeenRows
from bayesml.errors import IncompatibleModelError
from bayesml.inference import Learned, Resumable
from bayesml.inference.groups import not_gaussian_groups
from bayesml.log_joint import not_linear_gaussian
from bayesml.model import Model
from bayesml.priors import After, HasSeenRows
from bayesml.results.answer import RESUMED, Answer


def as_prior(earlier: Answer) -> After:
    """Return what was learned as a prior for new rows, in `Model`.

    Raises
    ------
    IncompatibleModelError
        If the model is not a linear Gaussian one, which is known by its statistics.
    """
    problem = earlier.problem
    judge = not_linear_gaussian if problem.grouped is None else not_gaussian_groups
    why = judge(problem)
    if why is not None:
        raise IncompatibleModelError(
            "as_prior() keeps the sufficient statistics, which only Linear() with a Gaussian "
            f"likelihood has: {why} Learn all rows together."
        )
    likelihood, prior = earlier.learned.resolved.likelihood, problem.prior
    seen, evidence = earlier.statistics, earlier.learned.log_evidence
    if isinstance(earlier.model.prior, HasSeenRows):
        evidence = _total_evidence(earlier, earlier.model.prior)
    design = json.dumps(earlier.data.design.to_config())
    intercept, known = problem.has_intercept, seen_rows(earlier)
    grouped = None if problem.grouped is None else problem.grouped_statistics
    return After(prior, likelihood, seen, evidence, design, intercept, known, grouped)


def seen_rows(earlier: Answer) -> SeenRows:
    """Return what is remembered of the rows that were learned from, as far as in memory."""
    prior, data = earlier.model.prior, earlier.data
    before = prior.seen if isinstance(prior, HasSeenRows) else SeenRows.none()
    return before + SeenRows.of(data) if data.in_memory else before


def continued(earlier: Answer) -> Model:
    """Return the model whose prior is what was learned; it refuses rows of other features."""
    resolved = earlier.learned.resolved
    return Model(resolved.predictor, resolved.likelihood, as_prior(earlier))


def resumed(earlier: Answer, draws: int) -> Learned:
    """Sample on from where every chain stopped.

    Examples
    --------
    >>> import numpy as np, bayesml as bm
    >>> X = np.linspace(0, 1, 20)[:, None]
    >>> data = bm.Data(X, X[:, 0] + 0.1 * np.sin(40 * X[:, 0]))
    >>> method = bm.NUTS(draws=500, tune=500, progress=False)
    >>> fit = bm.fit(bm.Model(), data, method, rng=1)
    >>> fit.resume(300).draws()["weights"].shape
    (4, 800, 1)
    """
    if not isinstance(earlier.method, Resumable):
        raise IncompatibleModelError(
            f"resume: {earlier.method!r} does not sample, so there is nothing to go on with. "
            "Fit with NUTS()."
        )
    if not earlier.learned.sample_stats:
        raise IncompatibleModelError(
            f"resume: the answer was not sampled, so there is nothing to go on with. Fit with "
            f"NUTS(); this fit is {earlier.learned.explanation}."
        )
    length = next(iter(earlier.learned.sample_stats.values())).shape[1]
    seed = int(np.random.default_rng([earlier.seed, RESUMED, length]).integers(2**31))
    return earlier.method.resume(earlier.problem, earlier.learned, draws, seed)


def _total_evidence(earlier: Answer, first: HasSeenRows) -> float | str:
    """Log p of all rows seen: of the new given the old, and of the old."""
    before, now = first.log_evidence, earlier.learned.log_evidence
    if isinstance(before, str) or isinstance(now, str):
        return before if isinstance(before, str) else now
    return before + now
