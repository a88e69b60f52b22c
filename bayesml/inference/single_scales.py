"""Scales of single weights, moved with these weights integrated out: (Z21).

Derived in docs/theory/sparse_priors.md.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bayesml.distributions import Distribution
from bayesml.typing import Array, Integers

REACHES = (float(np.log(0.3)), float(np.log(6.0)))
"""How far a scale is moved, on its log: about as far as its prior is wide, or a tenth of it."""


class Weights(NamedTuple):
    """The weights that have scales of their own, and what rows say of them.

    Attributes
    ----------
    where : ndarray, shape (n,)
        Their places in β.
    location : ndarray, shape (p,)
        Where they are shrunk to.
    gram, pull : ndarray, shapes (p, p), (p,)
        XᵀX and Xᵀy.
    """

    where: Integers
    location: Array
    gram: Array
    pull: Array


def moved_scales(
    weights: Weights,
    prior: Distribution,
    scale: Callable[[Array], Array],
    beta: Array,
    local: Array,
    sigma: Array,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Propose every scale in turn, with its weight integrated out, and draw the weight (Z21).

    Parameters
    ----------
    weights : Weights
    prior : Distribution
        Of one scale.
    scale : callable
        From scales, (chains, n), to standard deviations of the coefficients, (chains, p).
    beta : ndarray, shape (chains, p)
    local : ndarray, shape (chains, n)
    sigma : ndarray, shape (chains,)
        Of the noise.
    rng : Generator

    Returns
    -------
    beta, local : ndarray
    """
    size, precision = local.shape, sigma**-2.0
    then = local * np.exp(np.exp(rng.uniform(*REACHES, size)) * rng.standard_normal(size))
    gain = prior.log_density(then) + np.log(then) - prior.log_density(local) - np.log(local)
    before, after = (scale(v)[:, weights.where] ** 2 for v in (local, then))
    chances, normals = np.log(rng.uniform(size=size)), rng.standard_normal(size)
    beta, kept = beta.copy(), np.empty(size, dtype=np.bool)
    for k, j in enumerate(weights.where):
        known = weights.gram[j, j] * precision
        rest = (weights.pull[j] - beta @ weights.gram[j]) * precision
        pull = rest + known * (beta[:, j] - weights.location[j])
        change = log_mass(after[:, k], known, pull) - log_mass(before[:, k], known, pull)
        kept[:, k] = chances[:, k] < gain[:, k] + change
        s2 = np.where(kept[:, k], after[:, k], before[:, k])
        variance = s2 / (1.0 + known * s2)
        beta[:, j] = weights.location[j] + variance * pull + np.sqrt(variance) * normals[:, k]
    return beta, np.where(kept, then, local)


def log_mass(s2: Array, known: Array, pull: Array) -> Array:
    r"""Evaluate :math:`\log\int e^{g b - h b^2/2}\,\mathrm{Normal}(b; 0, s^2)\,db` (Z21).

    Examples
    --------
    >>> log_mass(np.array(1.0), np.array(3.0), np.array(2.0)).round(4)  # ½ (g²s²/4 − log 4)
    np.float64(-0.1931)
    """
    widened = 1.0 + known * s2
    return np.asarray(0.5 * (pull**2 * s2 / widened - np.log(widened)))
