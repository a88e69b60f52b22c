"""Single scales and their weights, drawn in turn: a sequential loop, compiled by numba.

Derived in docs/theory/sparse_priors.md, (Z21).
"""

from typing import Any

import numpy as np

from bayesml.linalg.compiled import compiled


@compiled
def draw_in_turn(
    where: Any,
    location: Any,
    gram: Any,
    pull: Any,
    precision: Any,
    s2: Any,
    log_prior: Any,
    chances: Any,
    normals: Any,
    beta: Any,
    chosen: Any,
) -> None:
    """Choose the scale of every weight in turn, and draw the weight, in place (Z21)."""
    mass = np.empty(s2.shape[0])
    for c in range(beta.shape[0]):
        for k in range(len(where)):
            j = where[k]
            row, b, rest = gram[j], beta[c], pull[j]
            for i in range(len(b)):
                rest -= row[i] * b[i]
            h = row[j] * precision[c]
            g = rest * precision[c] + h * (b[j] - location[j])
            top = -np.inf
            for q in range(len(mass)):
                widened = 1.0 + h * s2[q, c, k]
                gain = 0.5 * (g * g * s2[q, c, k] / widened - np.log(widened))
                mass[q] = log_prior[q, c, k] + gain
                if not mass[q] > -np.inf:  # a scale without an end, or none
                    mass[q] = -np.inf
                top = max(top, mass[q])
            total = 0.0
            for q in range(len(mass)):
                mass[q] = np.exp(mass[q] - top)
                total += mass[q]
            left, at = chances[c, k] * total, 0
            while at < len(mass) - 1 and left > mass[at]:
                left -= mass[at]
                at += 1
            variance = s2[at, c, k] / (1.0 + h * s2[at, c, k])
            b[j] = location[j] + variance * g + np.sqrt(variance) * normals[c, k]
            chosen[c, k] = at
