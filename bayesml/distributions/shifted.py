"""A distribution of a positive number, counted from a lower limit other than zero."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bayesml.arguments import shown
from bayesml.distributions.base import Distribution, exact, real
from bayesml.distributions.supports import Above, ContinuousSupport, Positive
from bayesml.errors import IncompatibleModelError
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class Shifted:
    r"""What exceeds a limit :math:`c` follows a distribution: :math:`x - c \sim p`.

    Where the density of the excess vanishes at zero, that of :math:`x` does so at the limit, and
    has no mode there.

    Parameters
    ----------
    excess : Distribution
        Of one positive number.
    limit : float
        :math:`c`, in the unit of the parameter.

    Raises
    ------
    IncompatibleModelError
        If the excess is not a proper distribution of one positive number, or the limit is not
        finite.

    Examples
    --------
    >>> from bayesml.distributions import Gamma
    >>> Shifted(Gamma(2, 0.1), limit=1).log_density([0.5, 1.0]), Shifted(Gamma(2, 0.1), 1).score(11)
    (array([-inf, -inf]), array(0.))
    """

    excess: Distribution
    limit: float

    def __post_init__(self) -> None:
        excess: Any = self.excess
        scalar = isinstance(excess, Distribution) and not isinstance(excess, type)
        if not (scalar and excess.proper and excess.support == Positive()) or any(
            isinstance(entry, tuple) for entry in vars(excess).values()
        ):
            raise IncompatibleModelError(
                "Shifted: excess must be a proper distribution of one positive number, such as "
                f"Gamma(2, 0.1), got {shown(excess)}."
            )
        limit = real("Shifted", "limit", self.limit)
        if isinstance(limit, tuple):
            raise IncompatibleModelError(f"Shifted: limit must be one number, got {shown(limit)}.")
        object.__setattr__(self, "limit", limit)

    @property
    def support(self) -> ContinuousSupport:
        """What is above the limit."""
        return Above(self.limit)

    @property
    def proper(self) -> bool:
        """True."""
        return True

    def log_density(self, x: ArrayLike) -> Array:
        """Evaluate log p(x − c)."""
        return self.excess.log_density(np.asarray(x) - self.limit)

    def score(self, x: ArrayLike) -> Array:
        """Evaluate d log p(x − c)/dx."""
        return self.excess.score(np.asarray(x) - self.limit)

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate d² log p(x − c)/dx²."""
        return self.excess.curvature(np.asarray(x) - self.limit)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return self.limit + self.excess.sample(rng, shape)

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Any]]:
        """Return a PyMC distribution that adds the limit to the excess, and its arguments."""
        family, arguments = self.excess.pymc(pm, Positive())
        limit = exact(self.limit)

        def shifted(size: Any) -> Any:
            return limit + family.dist(**arguments, size=size)

        interval = pm.distributions.transforms.Interval(limit, None)
        return partial(pm.CustomDist, dist=shifted, transform=interval), {}
