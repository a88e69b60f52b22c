"""What observations say against predictions. Described in docs/guides/calibration.md."""

import numpy as np

from bayesml.results.findings import Finding
from bayesml.typing import Array


def binomial_band(size: float, probability: Array, mass: float) -> tuple[Array, Array]:
    """Return ends between which a share of `size` trials lies with at least the given mass."""
    from scipy import stats  # a second of imports

    tail = 0.5 * (1.0 - mass)
    whole = np.round(size)
    return (
        np.asarray(stats.binom.ppf(tail, whole, probability) / whole),
        np.asarray(stats.binom.ppf(1.0 - tail, whole, probability) / whole),
    )


def uniformity(pit: Array, weights: Array) -> Finding:
    """Test whether PIT values, shape (m,), are uniform."""
    from arviz_stats.base import array_stats

    p = float(array_stats.uniformity_test(np.clip(pit, 1e-12, 1 - 1e-12))[0])
    return Finding(
        "p-value of uniform PIT values",
        p >= 0.01,
        p,
        "≥ 0.01",
        f"The predictive distributions have the wrong {_fault(pit, weights)}.",
        "Look at by_group and the PIT histogram; try a heavier-tailed likelihood, missing "
        "terms or interactions, or a noise scale that varies.",
    )


def coverage_of_ninety(observed: float, low: float, high: float) -> Finding:
    """Ask whether 90 % intervals hold a share of observations within its binomial band."""
    side = "too narrow" if observed < low else "too wide"
    return Finding(
        "share of observations in their 90 % interval",
        low <= observed <= high,
        observed,
        f"{low:.3g} to {high:.3g}",
        f"Intervals are {side}.",
        "Too narrow: new rows differ from the training rows, or the model is too simple or a "
        "point estimate. Too wide: outliers inflate the noise scale; try StudentT().",
    )


def share_below_quantile(quantile: float, observed: float, low: float, high: float) -> Finding:
    """Ask whether a share q of observations lies below the predicted quantile, within its band."""
    side = "low" if observed < low else "high"
    return Finding(
        f"share of observations below their {quantile:g} quantile",
        low <= observed <= high,
        observed,
        f"{low:.3g} to {high:.3g}",
        f"Predicted quantiles are too {side}.",
        "New rows differ from the training rows, or the model misses a term; look at by_group.",
    )


def _fault(pit: Array, weights: Array) -> str:
    centre = float(np.average(pit, weights=weights)) - 0.5
    spread = float(np.std(pit)) * np.sqrt(12.0)
    error = 0.29 / np.sqrt(len(pit))
    if abs(centre) > 3 * error:
        return f"centre: observations lie {'above' if centre > 0 else 'below'} them too often"
    if abs(spread - 1) > 3 * error:
        return "spread: " + ("they are too sure" if spread > 1 else "they are not sure enough")
    return "shape"
