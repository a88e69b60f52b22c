"""Likelihoods of several outputs, by quantile residuals at draws of the answer (C19)."""

from collections.abc import Iterable

import numpy as np
from scipy.special import ndtr, ndtri

from bayesml.errors import ResidualWarning
from bayesml.results.answer import Answer
from bayesml.results.criticism.linearised import order_of_rows, outputs_read
from bayesml.results.criticism.own_rows import OwnRows, own_rows
from bayesml.results.criticism.quantiles import normal_places
from bayesml.results.findings import Finding
from bayesml.results.new_rows import class_names
from bayesml.typing import Array

LEVEL = 0.003
"""Two-sided, of each test: three standard errors."""

SHARE = 0.005
"""The share of the variance below which a structure is there, but does not matter."""

CORRELATED = 0.1


def findings(answer: Answer) -> Iterable[Finding] | str:
    """Ask whether they are normal, and know nothing of what was fitted."""
    if outputs_read(answer.problem) == 1:
        return ()
    found = own_rows(answer)
    if isinstance(found, str):
        return f"quantile residuals: {found}"
    q = _residuals(found)
    judged = [_shape(q)]
    if not class_names(answer):
        judged += _against(q, found.likelihood.mean(found.eta, found.noise))
    order = order_of_rows(answer)
    if order and len(found.rows) == answer.data.m:
        judged.append(_neighbours(q, order))
    return judged


def _residuals(found: OwnRows) -> Array:
    """Return the normal quantile of every row's place, at every draw, shape (draws, m) (C13)."""
    at = found.y, found.eta, found.noise
    below, above = found.likelihood.cdf(*at), found.likelihood.survival(*at)
    if found.likelihood.support.discrete:
        mass = np.exp(found.likelihood.log_density(*at))
        share = found.rng.random(mass.shape)
        below, above = below - share * mass, above + share * mass
    return normal_places(below, above)


def _shape(q: Array) -> Finding:
    """Test for uniform places at every draw: twice the median of p-values is one."""
    from arviz_stats.base import array_stats

    places = np.clip(ndtr(q), 1e-12, 1.0 - 1e-12)
    p = min(1.0, 2.0 * float(np.median([array_stats.uniformity_test(u)[0] for u in places])))
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


def _against(q: Array, fitted: Array) -> Iterable[Finding]:
    if not np.all(np.isfinite(fitted)) or np.ptp(fitted) == 0.0:
        return
    yield _correlation(
        "curvature of quantile residuals against fitted values, t",
        q,
        (fitted - fitted.mean(axis=-1, keepdims=True)) ** 2,
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


def _neighbours(q: Array, order: str) -> Finding:
    return _correlation(
        f"quantile residuals of neighbours, rows in order of {order}, t",
        q[:, 1:],
        q[:, :-1],
        "Neighbouring rows err together, so that the rows tell less than they seem to.",
        "model what changes along the order: a trend, a season, a spline.",
        CORRELATED**2,
    )


def _correlation(
    name: str, one: Array, other: Array, meaning: str, remedy: str, share: float = SHARE
) -> Finding:
    """Compare a correlation, averaged over draws, with chance and with what matters (C20)."""
    a, b = (each - each.mean(axis=-1, keepdims=True) for each in (one, other))
    size = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    r = np.divide(np.sum(a * b, axis=-1), size, out=np.zeros(len(size)), where=size > 0)
    m = a.shape[-1]
    t = float(np.mean(r)) * float(np.sqrt(m))
    limit = max(float(-ndtri(LEVEL / 2)), float(np.sqrt(share * m)))
    return Finding(
        name,
        abs(t) <= limit,
        t,
        f"|t| ≤ {limit:.2g}",
        meaning,
        f"Look at plots.residuals(fit); {remedy}",
        ResidualWarning,
    )
