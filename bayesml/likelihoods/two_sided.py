r"""An exponential on either side of zero: what Laplace and asymmetric Laplace noise share.

.. math:: p(r) = \frac{ab}{a + b} \begin{cases} e^{-ar} & r \ge 0 \\ e^{br} & r < 0 \end{cases}

with rates a above and b below, as arrays that broadcast against r (W1). Derived in
docs/theory/quantile_families.md.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesml.likelihoods.averaging import REACH, beside_nodes
from bayesml.likelihoods.base import Average
from bayesml.typing import Array

STEP = 0.1
"""Of a quadrature over η, in means of the narrower side: the density has a kink between nodes."""

MOST_NODES = 1200


def log_density(r: Array, above: Array, below: Array) -> Array:
    """Evaluate log p(r) (W1)."""
    return np.asarray(-cost(r, above, below) - np.log(1.0 / above + 1.0 / below))


def cost(r: Array, above: Any, below: Any) -> Array:
    """Evaluate a max(r, 0) + b max(−r, 0)."""
    return np.asarray(above * np.maximum(r, 0.0) + below * np.maximum(-r, 0.0))


def score(r: Array, above: Array, below: Array) -> Array:
    """Evaluate a above, −b below, and at the kink zero, which is one of its subgradients (W4)."""
    return np.where(r > 0, above, np.where(r < 0, -below, 0.0))


def mass_below(above: Array, below: Array) -> Array:
    """Evaluate P(R ≤ 0) = a/(a + b)."""
    return np.asarray(above / (above + below))


def mean(above: Array, below: Array) -> Array:
    """Evaluate E[R] = 1/a − 1/b (W3)."""
    return np.asarray(1.0 / above - 1.0 / below)


def sd(above: Array, below: Array) -> Array:
    """Evaluate √(1/a² + 1/b²): R is a difference of two exponentials (W3)."""
    return np.asarray(np.hypot(1.0 / above, 1.0 / below))


def cdf(r: Array, above: Array, below: Array) -> Array:
    """Evaluate P(R ≤ r), each tail on its own (W5)."""
    q = mass_below(above, below)
    up, down = np.exp(-above * np.maximum(r, 0.0)), np.exp(below * np.minimum(r, 0.0))
    return np.where(r < 0, q * down, 1.0 - (1.0 - q) * up)


def survival(r: Array, above: Array, below: Array) -> Array:
    """Evaluate P(R > r) (W5)."""
    q = mass_below(above, below)
    up, down = np.exp(-above * np.maximum(r, 0.0)), np.exp(below * np.minimum(r, 0.0))
    return np.where(r < 0, 1.0 - q * down, (1.0 - q) * up)


def log_cdf(r: Array, above: Array, below: Array) -> Array:
    """Evaluate log P(R ≤ r), which does not underflow (W5)."""
    q = mass_below(above, below)
    up = np.exp(-above * np.maximum(r, 0.0))
    return np.where(r < 0, np.log(q) + below * np.minimum(r, 0.0), np.log1p(-(1.0 - q) * up))


def log_survival(r: Array, above: Array, below: Array) -> Array:
    """Evaluate log P(R > r): R turned round is of the same kind (W5)."""
    return log_cdf(-r, below, above)


def sample(shape: tuple[int, ...], above: Array, below: Array, rng: np.random.Generator) -> Array:
    """Draw the difference of two exponentials (W3)."""
    up, down = rng.standard_exponential((2, *shape))
    return np.asarray(up / above - down / below)


def average(
    eta: Array, covariance: Array, parameters: Mapping[str, Any], above: Array, below: Array
) -> Average:
    """Average over one Gaussian output by the trapezoidal rule, in steps short of the kink."""
    spread = np.sqrt(covariance[:, 0, 0])
    sharpest = float(np.max(spread * np.max(np.maximum(above, below)), initial=0.0))
    steps = 2.0 * REACH * max(4.0, sharpest / STEP)
    z = np.linspace(-REACH, REACH, 1 + int(min(np.ceil(steps), MOST_NODES)))
    weights = np.exp(-0.5 * z**2)
    return Average(
        weights / weights.sum(), eta[0][:, None] + spread[:, None] * z, beside_nodes(parameters)
    )
