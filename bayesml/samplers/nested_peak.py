"""The mode of a density one of whose coordinates is far dearer to change than the others.

Derived in docs/theory/group_effects.md, (G62).
"""

import numpy as np

from bayesml.samplers.lattice import Density, Peak, curvature_of, maximise, triangular_root
from bayesml.typing import Array

FIRST = 0.1
LONGEST = 1.5
NEAR = 0.3
"""How near a step must end, in standard deviations: integrals hardly depend on it."""

MOST_STEPS = 40


def nested_peak(density: Density, start: Array) -> Peak:
    """Find about where the mode is by parabolas through the profile of the first coordinate.

    The others are maximised at each of its values, of which few are needed (G62).
    """
    rest, profile = np.array(start[1:]), dict[float, tuple[float, Array]]()

    def at(x: float) -> float:
        nonlocal rest
        if x not in profile:

            def inner(others: Array) -> Array:
                return density(np.column_stack([np.full(len(others), x), others]))

            rest = maximise(inner, rest)
            profile[x] = float(inner(rest[None])[0]), rest
        return profile[x][0]

    here = float(start[0])
    for x in (here, here + FIRST, here - FIRST):
        at(x)
    for _ in range(MOST_STEPS):
        best = max(profile, key=at)
        step, sd = _vertex(profile, best)
        if abs(step) < NEAR * sd:
            break
        at(best + float(np.clip(step, -LONGEST, LONGEST)))
    best = max(profile, key=at)
    mode = np.concatenate([[best], profile[best][1]])
    return Peak(mode, triangular_root(curvature_of(density, mode)))


def _vertex(profile: dict[float, tuple[float, Array]], best: float) -> tuple[float, float]:
    """Return the way to the top of a parabola through the best and its neighbours, and its sd."""
    near = sorted(profile, key=lambda x: abs(x - best))[:3]
    value = np.array([profile[x][0] for x in near])
    away = np.array(near) - best
    a, b, _ = np.polyfit(away, value - value[0], 2)
    if a >= 0.0:  # not concave: on uphill
        return LONGEST * float(np.sign(b)), 0.0
    return float(-0.5 * b / a), float(1.0 / np.sqrt(-2.0 * a))
