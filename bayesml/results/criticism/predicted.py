"""What rows say of their own predictions: reliability of classes, and quantile residuals (C19)."""

from collections.abc import Iterable

import numpy as np
from scipy.special import ndtr, ndtri

from bayesml.errors import ResidualWarning
from bayesml.posteriors import Prediction
from bayesml.predictors import Network
from bayesml.results.answer import CRITICISED, Answer, generator
from bayesml.results.criticism.linearised import order_of_rows, outputs_read
from bayesml.results.criticism.quantiles import quantile_residuals
from bayesml.results.criticism.replicas import FEW
from bayesml.results.findings import Finding
from bayesml.results.new_rows import class_names
from bayesml.results.reliability import Reliability
from bayesml.results.scores import class_probabilities
from bayesml.typing import Array

MOST_ROWS = 2_000
"""Of more rows, so many at random are predicted."""

LEVEL = 0.003
"""Two-sided, of each test: three standard errors."""

SHARE = 0.005
"""The share of the variance below which a structure is there, but does not matter."""

CORRELATED = 0.1


def findings(answer: Answer) -> Iterable[Finding] | str:
    """Judge what asks for a prediction of the rows, and for no linearisation."""
    data, names = answer.data, class_names(answer)
    several = outputs_read(answer.problem) > 1 and not isinstance(
        answer.problem.model.predictor, Network
    )
    if not (names or several):
        return ()
    if not data.in_memory:
        return f"rows beside their predictions: they are {data.whereabouts}, not in memory."
    kept = np.flatnonzero(data.row_weights)
    if len(kept) < FEW:
        return f"rows beside their predictions: {len(kept)} rows show nothing; {FEW} do."
    rng = generator(answer, CRITICISED)
    some = kept if len(kept) <= MOST_ROWS else np.sort(rng.permutation(kept)[:MOST_ROWS])
    prediction = answer.learned.posterior.predict(np.asarray(data.X[some], dtype=np.float64))
    y, found = np.asarray(data.y)[some], []
    if names:
        p = class_probabilities(prediction)
        found.append(Reliability(names, p, y, data.row_weights[some]).finding(ResidualWarning))
    if several:
        ordered_by = order_of_rows(answer) if len(some) == data.m else ""
        found += _by_quantiles(prediction, y, ordered_by, rng, numbers=not names)
    return found


def _by_quantiles(
    prediction: Prediction, y: Array, ordered_by: str, rng: np.random.Generator, *, numbers: bool
) -> Iterable[Finding]:
    """Ask whether quantile residuals are normal, and know nothing of what was fitted (C19)."""
    q = quantile_residuals(prediction, y, rng)
    yield _shape(q)
    fitted = prediction.mean
    if numbers and np.all(np.isfinite(fitted)) and np.ptp(fitted) > 0:
        yield _correlation(
            "curvature of quantile residuals against fitted values, t",
            q,
            (fitted - fitted.mean()) ** 2,
            "The centre bends where the model is straight.",
            "add a power, a spline bs(x, df=5) or an interaction.",
        )
        yield _correlation(
            "spread of quantile residuals against fitted values, t",
            q**2,
            fitted,
            "The noise changes with the fitted value in another way than its predictor says.",
            "give the predictor of the noise further columns.",
        )
    if ordered_by:
        yield _correlation(
            f"quantile residuals of neighbours, rows in order of {ordered_by}, t",
            q[1:],
            q[:-1],
            "Neighbouring rows err together, so that the rows tell less than they seem to.",
            "model what changes along the order: a trend, a season, a spline.",
            CORRELATED**2,
        )


def _shape(q: Array) -> Finding:
    from arviz_stats.base import array_stats

    p = float(array_stats.uniformity_test(np.clip(ndtr(q), 1e-12, 1.0 - 1e-12))[0])
    return Finding(
        "p-value of normal quantile residuals",
        p >= LEVEL,
        p,
        f"≥ {LEVEL:g}",
        "Rows lie elsewhere in their predictive distributions than these say: the noise has "
        "another shape.",
        "Look at plots.residuals(fit); try another likelihood, or a predictor of its parameters.",
        ResidualWarning,
    )


def _correlation(
    name: str, one: Array, other: Array, meaning: str, remedy: str, share: float = SHARE
) -> Finding:
    """Compare a correlation with chance, and with what matters (C19)."""
    a, b = one - one.mean(), other - other.mean()
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    t = float(a @ b) / size * float(np.sqrt(len(a))) if size > 0 else 0.0
    limit = max(float(-ndtri(LEVEL / 2)), float(np.sqrt(share * len(a))))
    return Finding(
        name,
        abs(t) <= limit,
        t,
        f"|t| ≤ {limit:.2g}",
        meaning,
        f"Look at plots.residuals(fit); {remedy}",
        ResidualWarning,
    )
