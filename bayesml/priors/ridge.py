"""One scale of all standardised weights: (Y17) of docs/theory/empirical_bayes.md."""

from dataclasses import dataclass
from typing import Any

from bayesml.distributions import Distribution, Normal
from bayesml.distributions.base import scale
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.priors.base import Resolved
from bayesml.priors.entries import check_prior, words
from bayesml.priors.independent import Independent
from bayesml.priors.scaled import Scaled
from bayesml.priors.scales import Scales

MULTIPLE = 2.5
"""Of sd(y), the standard deviation of an intercept that is not stated, as in (D1)."""


@dataclass(frozen=True)
class Ridge:
    r"""Normal priors of the standardised weights, with one scale.

    .. math:: \theta_j \sim \mathrm{Normal}\Bigl(0, \frac{\tau}{\mathrm{sd}(x_j)}\Bigr) \qquad (Y17)

    It is ridge regression on standardised columns, with its penalty known or inferred, and the
    weights in the columns' own units. Resolved, it is `Independent`, or `Scaled` where τ is
    inferred.

    Parameters
    ----------
    sd : float or Distribution
        τ, in the unit of y, or of η under another likelihood: how far the prediction moves when
        one feature moves by its standard deviation. A distribution infers it.
    intercept : Distribution or None
        Of the prediction at the mean of the features, in the same unit; None is
        Normal(mean(y), 2.5 sd(y)), both on the scale of the link.

    Raises
    ------
    IncompatibleModelError
        If `sd` is neither a positive number nor a distribution of one; at fit, if the predictor is
        not linear.
    DataError
        At fit, if the target is constant, so that the intercept's default has no scale to go by.

    References
    ----------
    Hoerl & Kennard (1970), Ridge regression: biased estimation for nonorthogonal problems, §2;
    Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, §3.4.1.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0, 10.0], [1.0, 30.0], [2.0, 20.0]], [1.0, 2.0, 4.0])
    >>> bm.Model(prior=bm.Ridge(3.0)).resolve(data).prior.weights
    {'x0': Normal(mean=0.0, sd=3.0), 'x1': Normal(mean=0.0, sd=0.3)}
    """

    sd: "float | Distribution"
    intercept: Distribution | None = None

    def __post_init__(self) -> None:
        checked = scale("Ridge", "sd", self.sd)
        if isinstance(checked, tuple):
            raise IncompatibleModelError(
                f"Ridge: sd must be one number or a distribution, got {self.sd!r}. State a scale "
                "for every weight by Independent(weights=Normal(0, sd))."
            )
        object.__setattr__(self, "sd", checked)
        if self.intercept is not None:
            check_prior("Ridge", "intercept", self.intercept, scalar=True)

    def resolve(self, scales: Scales) -> Resolved:
        """Return one distribution for every weight, in original units."""
        unknown = [name for name in scales.shapes if name not in ("intercept", "weights")]
        if unknown or scales.depth:
            raise IncompatibleModelError(
                f"Ridge: it is a prior of an intercept and of one weight a feature, and the "
                f"predictor's parameters are {[*scales.shapes]}. Use Layered() for a network, or "
                "Independent(..., others={...})."
            )
        if self.intercept is None and scales.spread == 0.0:
            raise DataError(
                "The target is constant, so the intercept's default prior has no scale to go by. "
                "Check the target column, or state Ridge(sd, intercept=...)."
            )
        intercept = self.intercept or Normal(scales.centre, MULTIPLE * scales.spread)
        units = 1.0 / scales.sizes
        tau = self.sd if isinstance(self.sd, float) else 1.0
        pairs = zip(scales.feature_names, (tau * units).tolist(), strict=True)
        weights = Independent({name: Normal(0.0, unit) for name, unit in pairs}, intercept)
        resolved = weights.resolve(scales)
        if isinstance(self.sd, float) or not scales.feature_names:
            return resolved
        return Scaled(weights, {"weights": scales.feature_names}, {"weights": self.sd}).resolve(
            scales
        )

    def describe(self) -> str:
        """Say the prior in words."""
        intercept: Any = self.intercept or f"Normal(mean(y), {MULTIPLE}·sd(y))"
        tau = f"{self.sd:g}" if isinstance(self.sd, float) else "τ"
        lines = [
            f"intercept at the mean of the features ~ {intercept}",
            f"weights ~ Normal(0, {tau}/sd(x))",
        ]
        if isinstance(self.sd, float):
            return "\n".join(lines)
        return "\n".join([*lines, f"τ ~ {words(self.sd)}"])
