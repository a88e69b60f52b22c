"""Effects of a group as PyMC's variables.

Derived in docs/theory/group_effects.md, (G22) and (G38).
"""

from collections.abc import Mapping
from typing import Any

from bayesml.data.roles import CURVE, Group
from bayesml.distributions import LKJ, Distribution, Positive
from bayesml.errors import IncompatibleModelError
from bayesml.typing import Array


def effects_in_pymc(
    pm: Any,
    group: Group,
    shape: tuple[int, ...],
    priors: tuple[Distribution, ...],
    correlation: LKJ,
) -> Any:
    """Return u = Λv, v standard normal, shape (levels, terms), within a model context."""
    if CURVE in group.terms:
        raise IncompatibleModelError(
            f"{group.factor} is no PyMC expression: a curve's basis is evaluated by the package. "
            "Use NUTS(engine=Direct()), the default."
        )
    factor, d = group.factor, len(group.terms)
    sd = []
    for term, prior in zip(group.terms, priors, strict=True):
        family, arguments = prior.pymc(pm, Positive())
        sd.append(family(f"sd[{factor}, {term}]", **arguments))
    pm.Deterministic(f"sd[{factor}]", pm.math.stack(sd), dims=f"{factor}_term")
    root = _correlation_root(pm, group, correlation)
    if pairs := group.pairs:
        R = [sum(root[i, k] * root[j, k] for k in range(d) if (j, k) in root) for i, j in pairs]
        pm.Deterministic(f"correlation[{factor}]", pm.math.stack(R), dims=f"{factor}_pair")
    v = pm.Normal(f"units[{factor}]", 0.0, 1.0, shape=shape)
    u = [
        sd[i] * sum(root[i, j] * v[:, j] for j in range(i + 1) if (i, j) in root) for i in range(d)
    ]
    dims = (factor, f"{factor}_term")
    return pm.Deterministic(f"effects[{factor}]", pm.math.stack(u, axis=1), dims=dims)


def _correlation_root(pm: Any, group: Group, correlation: LKJ) -> Mapping[tuple[int, int], Any]:
    """Return the entries of the Cholesky factor of the correlations that are not zero (G24)."""
    root: dict[tuple[int, int], Any] = {}
    start = 0
    for size in group.blocks:
        count = size * (size - 1) // 2
        partials = _partials(pm, f"{group.factor}, {group.terms[start]}", correlation.shapes(count))
        at = 0
        for i in range(size):
            left: Any = 1.0
            for j in range(i):
                r, at = partials[at], at + 1
                root[start + i, start + j] = r * left**0.5
                left = left * (1.0 - r * r)
            root[start + i, start + i] = left**0.5
        start += size
    return root


def _partials(pm: Any, name: str, b: Array) -> Any:
    """Return partial correlations, each of density ∝ (1 − r²)ᵇ⁻¹."""
    return 2.0 * pm.Beta(f"partial[{name}]", b, b, shape=len(b)) - 1.0 if len(b) else []
