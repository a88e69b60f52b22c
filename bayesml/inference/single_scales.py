"""Scales of single weights, chosen from pools with these weights integrated out.

Derived in docs/theory/sparse_priors.md, (Z17) and (Z21) to (Z23).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import wrightomega

from bayesml.priors import Unknown
from bayesml.typing import Array, Integers

Values = Mapping[str, Any]

CANDIDATES = 12
"""Scales of one weight to choose from, the present one among them."""
REACHES = (float(np.log(1.5)), float(np.log(4.0)))
"""How far candidates lie apart, on their log: about as far as a prior is wide."""

NOTHING = 1e-290
"""A squared number of standard errors that still has a logarithm, of a column of no data."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Candidates for the scales of every weight, of which any could have been the present one.

    Attributes
    ----------
    scales : mapping of str to ndarray, shape (K, chains, n)
        By the name of the scale; the present ones are somewhere in them.
    centre : mapping of str to ndarray, shape (chains, n)
        What the candidates were drawn around.
    log_prior : ndarray, shape (K, chains, n)
        Of their logarithms.
    """

    scales: Mapping[str, Array]
    centre: Mapping[str, Array]
    log_prior: Array

    def chosen(self, at: Integers) -> dict[str, Array]:
        """Return the scales of these candidates, shape (chains, n)."""
        return {n: np.take_along_axis(v, at[None], axis=0)[0] for n, v in self.scales.items()}


def pooled(
    stated: Mapping[str, Unknown], values: Values, shape: tuple[int, int], rng: np.random.Generator
) -> Pool:
    """Draw centres around the present scales, and candidates around the centres (Z22).

    Parameters
    ----------
    stated : mapping of str to Unknown
        The scales of single weights; with none of them there is one candidate.
    values : mapping
        Where they are, shape (chains, n).
    shape : tuple
        (chains, n).
    rng : Generator
    """
    K = CANDIDATES if stated else 1
    scales, centre, log_prior = {}, {}, np.zeros((K, *shape))
    for name, unknown in stated.items():
        reach = np.exp(rng.uniform(*REACHES, shape))
        u = np.log(values[name]) + reach * rng.standard_normal(shape)
        trial = u + reach * rng.standard_normal((K, *shape))
        trial[0] = np.log(values[name])
        scales[name], centre[name] = np.exp(trial), np.exp(u)
        log_prior += unknown.prior.log_density(scales[name]) + trial
    return Pool(scales, centre, log_prior)


def log_mixed(log_prior: Array, s: Array, away: Array) -> Array:
    r"""Evaluate :math:`\sum_j\log\sum_k e^{\ell_{jk}}\,\mathrm{Normal}(b_j; 0, s_{jk}^2)` (Z23).

    Parameters
    ----------
    log_prior, s : ndarray, shape (K, chains, n)
    away : ndarray, shape (chains, n)
        b.

    Examples
    --------
    >>> one, even = np.ones((2, 1, 1)), np.log(np.full((2, 1, 1), 0.5))
    >>> log_mixed(even, one, np.zeros((1, 1)))  # log Normal(0; 0, 1) without its constant
    array([0.])
    """
    each = away / s
    each *= each
    each *= -0.5
    each += log_prior
    top = each.max(axis=0)
    each -= top
    mixed = np.sum(np.exp(each, out=each) / s, axis=0)
    return np.asarray((top + np.log(mixed)).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class Weights:
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

    def carried(self, beta: Array, sigma: Array, shift: Array) -> tuple[Array, Array]:
        """Move weights with their scales as far as rows leave them free, as coordinates (Z17).

        Parameters
        ----------
        beta : ndarray, shape (chains, p)
        sigma : ndarray, shape (chains,)
        shift : ndarray, shape (chains, n)
            By how much the logarithms of the scales move.

        Returns
        -------
        beta : ndarray
        log_volume : ndarray, shape (chains,)
            The logarithm of the Jacobian.
        """
        known = np.diag(self.gram)[self.where] / sigma[:, None] ** 2
        away = (beta - self.location)[:, self.where]
        q = np.maximum(known * away**2, NOTHING)
        then = wrightomega(q + np.log(q) + 2.0 * shift)
        factor, out = np.sqrt(then / q), beta.copy()
        out[:, self.where] = self.location[self.where] + away * factor
        return out, np.log(factor * (1.0 + q) / (1.0 + then)).sum(axis=-1)

    def drawn(
        self, beta: Array, sigma: Array, s2: Array, log_prior: Array, rng: np.random.Generator
    ) -> tuple[Array, Integers]:
        """Choose every scale with its weight integrated out, and draw the weight (Z21).

        Parameters
        ----------
        beta : ndarray, shape (chains, p)
        sigma : ndarray, shape (chains,)
            Of the noise.
        s2, log_prior : ndarray, shape (K, chains, n)
            Squares of the scales to choose from, in the unit of the weight.
        rng : Generator

        Returns
        -------
        beta : ndarray
        chosen : ndarray, shape (chains, n)
            Which candidate.
        """
        from bayesml.samplers.compiled_scales import draw_in_turn

        beta, chosen = beta.copy(), np.empty(s2.shape[1:], dtype=np.int64)
        chances, normals = rng.random(chosen.shape), rng.standard_normal(chosen.shape)
        known = (self.where, self.location, self.gram, self.pull, sigma**-2.0)
        draw_in_turn(*known, s2, log_prior, chances, normals, beta, chosen)
        return beta, chosen
