"""Rows on which the answer hangs: outliers that pull, and rows far from the others."""

from collections.abc import Iterable

import numpy as np
from scipy.special import betaincinv, fdtrc, fdtri

from bayesml.distributions import Real
from bayesml.errors import InfluenceWarning
from bayesml.results.criticism.linearised import Linearised
from bayesml.results.findings import Finding
from bayesml.typing import Array, Integers

LEVEL = 0.003
FAR = 3.0
"""Times the mean leverage p/m, beyond which a row is far from the others."""

BLIND = 0.05
"""The share of its own errors that a row's residual shows, beside that of a mean row."""

MOST = 50
"""Rows that are left out together at most."""


def findings(rows: Linearised) -> Iterable[Finding]:
    """Judge single rows, and those far out together, by (C6) to (C8)."""
    yield _cook(rows)
    yield _leverage(rows)
    far = _far(rows)
    if len(far):
        yield _decided_by(rows, far)


def cooks_distance(rows: Linearised) -> Array:
    """Return how far the fit moves without each row, in its own confidence ellipsoid (C6).

    Zero for a row that alone decides its own fit: without it there is none, and its leverage says.
    """
    h = np.where(rows.free, rows.leverage, 0.0)
    return np.asarray(rows.standardised**2 * h / (rows.p * (1.0 - h)))


def largest_by_chance(m: int, p: int) -> float:
    """Return the |z|/√(1 − h) that chance alone seldom exceeds in any of m rows (C6)."""
    square = betaincinv(0.5, max(0.5 * (m - p - 1), 0.5), 1.0 - LEVEL / m) * (m - p)
    return float(np.sqrt(square))


def cooks_limit(leverage: Array, m: int, p: int) -> Array:
    """Return the middle of the ellipsoid, or what chance alone makes, if that is more (C6)."""
    h = np.minimum(leverage, 1.0 - 1e-12)
    chance = largest_by_chance(m, p) ** 2 * h / (p * (1.0 - h))
    return np.asarray(np.maximum(fdtri(p, m - p, 0.5), chance))


def decisive(rows: Linearised) -> Integers:
    """Return the rows that failed findings are about, the largest Cook's distance first."""
    distance, far = cooks_distance(rows), _far(rows)
    over = distance > cooks_limit(rows.leverage, rows.m, rows.p)
    over |= rows.leverage > _leverage_limit(rows)
    if len(far) and _chow(rows, far) < LEVEL:
        over[far] = True
    found = np.flatnonzero(over)
    return found[np.argsort(-distance[found])]


def _cook(rows: Linearised) -> Finding:
    distance, limit = cooks_distance(rows), cooks_limit(rows.leverage, rows.m, rows.p)
    worst = int(np.argmax(distance / limit))
    over = np.flatnonzero(distance > limit)
    over = over[np.argsort(-distance[over])]
    robust = " A likelihood with heavy tails, StudentT(), follows them less."
    tails = robust if rows.support == Real() else ""
    return Finding(
        f"Cook's distance, largest by its limit: {rows.name(worst)}",
        not len(over),
        float(distance[worst]),
        f"≤ {limit[worst]:.2g}",
        f"Without {rows.names(over if len(over) else np.array([worst]))} the answer is another "
        "one, by more than half of its own uncertainty.",
        f"Look at these rows: a slip of the pen, another unit, another kind?{tails}",
        InfluenceWarning,
    )


def _leverage_limit(rows: Linearised) -> float:
    m, p = rows.m, rows.p
    chance = betaincinv(0.5 * p, 0.5 * (m - p), 1.0 - LEVEL / m)
    return max(1.0 - BLIND * (1.0 - p / m), float(chance))


def _leverage(rows: Linearised) -> Finding:
    """Compare with a twentieth of the mean residual, and with chance (C7)."""
    h, limit = rows.leverage, _leverage_limit(rows)
    worst, over = int(np.argmax(h)), np.flatnonzero(h > limit)
    over = over[np.argsort(-h[over])]
    return Finding(
        f"leverage, largest: {rows.name(worst)}",
        not len(over),
        float(h[worst]),
        f"≤ {limit:.4g}",
        f"{rows.names(over if len(over) else np.array([worst])).capitalize()} alone decide what is "
        "predicted there: nothing in the data can contradict them.",
        "Check their features; leave out a column or a level that only they inform.",
        InfluenceWarning,
    )


def _far(rows: Linearised) -> Integers:
    """Return rows far from the others, by the features alone."""
    far = np.flatnonzero(rows.leverage > FAR * rows.p / rows.m)
    return far[np.argsort(-rows.leverage[far])][:MOST]


def _decided_by(rows: Linearised, far: Integers) -> Finding:
    """Ask whether the rest expects them (C8): with one far row, and with four that agree."""
    probability = _chow(rows, far)
    return Finding(
        "probability that rows far from the others are of the same model",
        not probability < LEVEL,
        probability,
        f"≥ {LEVEL:g}",
        f"Rows with unusual features, {rows.names(far)}, tell another story than the rest, and "
        "have the weight to bend the answer to it.",
        "Fit without them and compare; look at plots.residuals(fit). Another term may be missing, "
        "or these rows be of another kind.",
        InfluenceWarning,
    )


def _chow(rows: Linearised, far: Integers) -> float:
    """Return the probability of Chow's prediction test (C8)."""
    q, freedom = len(far), rows.m - rows.p - len(far)
    if freedom < 1:
        return 1.0
    H = rows.Q[far] @ rows.Q[far].T
    z = rows.z[far]
    explained = float(z @ np.linalg.lstsq(np.eye(q) - H, z, rcond=1e-10)[0])
    rest = float(rows.z @ rows.z) - explained
    return float(fdtrc(q, freedom, (explained / q) / (rest / freedom))) if rest > 0 else 0.0
