"""Structure that the residuals should not have: curvature, unequal spread, autocorrelation."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from scipy.special import ndtri, stdtrit

from bayesml.distributions import Counts, Real
from bayesml.errors import ResidualWarning
from bayesml.results.criticism.linearised import Linearised
from bayesml.results.findings import Finding
from bayesml.typing import Array

LEVEL = 0.003
"""Two-sided, of each test: three standard errors."""

SHARE = 0.005
"""The share of the residual variance below which a structure is there, but does not matter."""

OF_TRIALS = (
    "Add what makes rows differ, such as groups or further columns: trials of one row may depend "
    "on one another."
)

CORRELATED = 0.1
"""The correlation of neighbours below which it does not matter."""


def findings(rows: Linearised) -> Iterable[Finding]:
    """Judge what is left over by the score tests of (C3) to (C5)."""
    yield _curvature(rows)
    if rows.support == Real():
        yield _spread(rows)
    if rows.support == Counts():
        found = _dispersion(rows)
        yield replace(found, remedy=OF_TRIALS) if rows.trials else found
    if rows.ordered_by:
        yield _autocorrelation(rows)


def _limit(m: int) -> float:
    """Return the |t| above which a structure is significant and, with many rows, matters."""
    return max(float(-ndtri(LEVEL / 2)), float(np.sqrt(SHARE * m)))


def _curvature(rows: Linearised) -> Finding:
    """Test for η² as a further column (C3)."""
    v = rows.left(rows.weight * (rows.eta - rows.eta.mean()) ** 2)
    size = float(np.linalg.norm(v))
    seen = size > 1e-8 * float(np.linalg.norm(rows.weight)) * float(np.ptp(rows.eta)) ** 2
    freedom = rows.m - rows.p - 1
    t = _studentised(float(v @ rows.z) / size, freedom) if seen and freedom > 0 else 0.0
    limit = max(float(-stdtrit(max(freedom, 1), LEVEL / 2)), float(np.sqrt(SHARE * rows.m)))
    return Finding(
        "curvature of the residuals against fitted values, t",
        abs(t) <= limit,
        t,
        f"|t| ≤ {limit:.2g}",
        "The mean bends where the model is straight: fits are too "
        f"{'high in the middle and too low' if t > 0 else 'low in the middle and too high'} at "
        "both ends.",
        "Look at plots.residuals(fit); add a power, a spline bs(x, df=5) or an interaction, or "
        + ("learn log(y)." if rows.support == Real() else "compare links."),
        ResidualWarning,
    )


def _studentised(t: float, freedom: int) -> float:
    """Take what the column explains out of the variance that its t is measured by (C3)."""
    left = freedom + 1 - t**2
    return t * float(np.sqrt(freedom / left)) if left > 0 else float(np.copysign(np.inf, t))


def _spread(rows: Linearised) -> Finding:
    """Regress squared residuals on fitted values, studentised (C4)."""
    t = _correlated(rows.eta[rows.free], rows.standardised[rows.free] ** 2)
    limit = _limit(rows.m)
    return Finding(
        "spread of the residuals against fitted values, t",
        abs(t) <= limit,
        t,
        f"|t| ≤ {limit:.2g}",
        f"The noise {'grows' if t > 0 else 'shrinks'} with the fitted value, and the model has one "
        "size of it: intervals are too wide at one end and too narrow at the other.",
        "Look at plots.residuals(fit); learn log(y), or a noise that is predicted, "
        "HeteroscedasticGaussian() with a network.",
        ResidualWarning,
    )


def _correlated(x: Array, y: Array) -> float:
    """Return √m times the correlation: Koenker's score statistic is its square (C4)."""
    x, y = x - x.mean(), y - y.mean()
    size = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(x @ y) / size * float(np.sqrt(len(x))) if size > 0 else 0.0


def _dispersion(rows: Linearised) -> Finding:
    """Compare the mean squared residual of counts with one (C4)."""
    ratio, square = rows.spread**2, (rows.spread * rows.z) ** 2
    error = max(float(np.std(square)), np.sqrt(2.0)) / float(np.sqrt(rows.m))
    matters = abs(ratio - 1.0) > 0.1
    far = float(-ndtri(LEVEL / 2)) * error
    return Finding(
        "dispersion, the variance of counts over that of the model",
        not (matters and abs(ratio - 1.0) > far),
        ratio,
        f"{max(1.0 - max(far, 0.1), 0.0):.2f} to {1.0 + max(far, 0.1):.2f}",
        "Counts vary more than the model says, so that its standard deviations are too small."
        if ratio > 1.0
        else "Counts vary less than the model says.",
        "Add what makes rows differ, such as groups or an exposure; counts that cluster want "
        "NegativeBinomial(), and zeros of their own ZeroInflated(Poisson()) or Hurdle(Poisson()).",
        ResidualWarning,
    )


def _autocorrelation(rows: Linearised) -> Finding:
    """Compare the Durbin-Watson statistic with its moments under independence (C5)."""
    step = np.diff(rows.z)
    d = float(step @ step) / float(rows.z @ rows.z)
    mean, sd = _durbin_watson_moments(rows)
    correlation = abs(1.0 - 0.5 * d) > CORRELATED
    t = (d - mean) / sd
    limit = float(-ndtri(LEVEL / 2))
    return Finding(
        f"Durbin-Watson statistic, rows in order of {rows.ordered_by}",
        not (correlation and abs(t) > limit),
        d,
        f"{mean - limit * sd:.2f} to {mean + limit * sd:.2f}",
        "Neighbouring rows err together, so that the rows tell less than they seem to: standard "
        "deviations are too small, and forecasts ignore the latest errors."
        if d < mean
        else "Neighbouring rows err in opposite ways.",
        "Model what changes along the order: a trend, a season, a spline; or fit averages of "
        "neighbours.",
        ResidualWarning,
    )


def _durbin_watson_moments(rows: Linearised) -> tuple[float, float]:
    r"""Return mean and sd of zᵀDz/zᵀz, z what the model leaves of independent noise (C5)."""
    m, Q = rows.m, rows.Q
    if m <= rows.p + 2:
        return 2.0, np.inf
    steps = np.diff(Q, axis=0)
    DQ = np.zeros_like(Q)
    DQ[:-1] -= steps
    DQ[1:] += steps
    inner = Q.T @ DQ
    trace = 2.0 * (m - 1) - float(np.trace(inner))
    squares = 6.0 * m - 8.0 - 2.0 * float(np.sum(DQ**2)) + float(np.sum(inner**2))
    freedom = m - rows.p
    mean = trace / freedom
    variance = 2.0 * (squares - trace * mean) / (freedom * (freedom + 2))
    return mean, float(np.sqrt(max(variance, 0.0)))
