"""The default prior: weakly informative, scaled by the data. Derived in docs/theory/priors.md."""

import warnings
from dataclasses import dataclass

import numpy as np

from bayesml.distributions import Flat, Normal
from bayesml.distributions.base import keep_positive
from bayesml.errors import DataError, DataWarning, IncompatibleModelError
from bayesml.linalg import clearly_regular, rank_report, triangular_factor
from bayesml.priors.base import Resolved
from bayesml.priors.by_precision import NormalByPrecision
from bayesml.priors.independent import Independent
from bayesml.priors.layered import Layered
from bayesml.priors.ridge import Ridge
from bayesml.priors.scales import Scales
from bayesml.typing import Array

ALONG = 1e-6
"""The part of the means that lies in a direction, relative to them, below which it is rounding."""


@dataclass(frozen=True)
class WeaklyInformative:
    r"""Normal priors that rule out the absurd and leave the plausible to the data.

    .. math:: \theta \sim \mathrm{Normal}\bigl(0,\ (k\,\mathrm{sd}(y))^2\,\Sigma_x^{-1}\bigr),
              \qquad b_{\bar x} \sim \mathrm{Normal}(\bar y,\ k\,\mathrm{sd}(y)) \qquad (D1)

    with :math:`\Sigma_x` the covariance of the features and :math:`b_{\bar x}` the prediction at
    their mean. A combination of features that varies by one standard deviation moves the
    prediction by about :math:`k\,\mathrm{sd}(y)`, however the features are written: raw or
    orthogonal polynomials, any reference level, origin or unit give the same predictions. One
    feature alone has :math:`k\,\mathrm{sd}(y)/\mathrm{sd}(x)`. Combinations that no row shows,
    of collinear columns or of more columns than rows, have the scale of one column, (D3). With
    fewer than two rows a direction all of them go over to it, (D4), since directions that are
    short by chance are noise.

    The noise's default, Exponential(1 / sd(y)), belongs to the likelihood. Resolved, it is a
    `NormalByPrecision`, which states every weight's own standard deviation.

    A network learns the scales of its hidden layers instead: there it stands for `Layered`, and
    without hidden layers for the same priors as those of `Linear`.

    Parameters
    ----------
    scale : float
        The multiple :math:`k`; 2.5 as in rstanarm.

    Raises
    ------
    IncompatibleModelError
        If the scale is not positive and finite.
    DataError
        At fit, if the target is constant, so that there is no scale to go by.

    Warns
    -----
    DataWarning
        At fit, of columns that are constant and add nothing.

    References
    ----------
    Goodrich, Gabry, Ali & Brilleman, rstanarm, vignette "Prior distributions for rstanarm
    models", for the scale; Zellner (1986), On assessing prior distributions and Bayesian
    regression analysis with g-prior distributions, for the directions.

    Examples
    --------
    >>> WeaklyInformative()
    WeaklyInformative(scale=2.5)
    """

    scale: float = 2.5

    def __post_init__(self) -> None:
        keep_positive(self, "scale")

    def for_layers(self, depth: int) -> Layered:
        """Return learned scales, or the same known ones as of `Linear` without hidden layers."""
        return Layered(sd=self.scale, relevance=False) if depth == 1 else Layered()

    def with_scale_inferred(self) -> Ridge:
        """Return Normal priors of standardised weights, with a scale that is inferred."""
        return Ridge(Flat())

    def resolve(self, scales: Scales) -> Resolved:
        """Return the priors in original units."""
        unknown = [name for name in scales.shapes if name not in ("intercept", "weights")]
        if unknown:
            raise IncompatibleModelError(
                f"WeaklyInformative() knows no scale for {unknown}, parameters of this predictor. "
                "State their priors: Independent(weights, intercept, others={...})."
            )
        if scales.spread == 0.0:
            raise DataError(
                "The target is constant, so the default priors have no scale to go by. Check the "
                "target column, or state priors with Independent(...) and the likelihood's sigma."
            )
        unit = self.scale * scales.spread
        n = len(scales.feature_names)
        if n == 0 or "weights" not in scales.shapes:
            return Independent({}, Normal(scales.centre, unit)).resolve(scales)
        if "intercept" not in scales.shapes:
            rows, at = _directions(scales, scales.centre)
            mean = np.linalg.solve(rows, at) if np.any(at) else np.zeros(n)
            return NormalByPrecision(scales.feature_names, mean, rows / unit).resolve(scales)
        _warn_of_constants(scales)
        factor = np.eye(n + 1)
        factor[1:, 1:] = _directions(scales)[0]
        mean = np.append(scales.centre, np.zeros(n))
        names = ("intercept", *scales.feature_names)
        return NormalByPrecision(names, mean, factor / unit).resolve(scales)

    def describe(self) -> str:
        """Say the prior in words."""
        k = np.format_float_positional(self.scale, trim="-")
        return (
            f"intercept at the mean of the features ~ Normal(mean(y), {k}·sd(y))\n"
            f"weights ~ Normal(0, ({k}·sd(y))²·Σ⁻¹), Σ the covariance of the features: jointly, "
            f"one alone {k}·sd(y)/sd(x) (weakly informative, scaled by the data)"
        )


def _directions(scales: Scales, centre: float | None = None) -> tuple[Array, Array]:
    """Return a root of the precision of the weights in units of k·sd(y), and its mean (D2–D4).

    Without an intercept, where the features can add up to a constant, that constant is the mean
    of the predictions and has the prior of an intercept.
    """
    n = len(scales.feature_names)
    many_rows = 2 * n <= scales.freedom
    if many_rows and clearly_regular(scales.factor, scales.noise):
        return scales.factor, np.zeros(n)
    report = rank_report(scales.factor, scales.noise)
    if many_rows and report.rank == n:
        return scales.factor, np.zeros(n)
    sd = scales.sizes
    few = float(np.clip(2.0 * report.rank / scales.freedom - 1.0, 0.0, 1.0))
    lengths = np.sqrt((1.0 - few) * report.singular**2 + few)[: report.rank]
    seen = lengths[:, None] * report.right[: report.rank]
    unseen, level, at = report.null_space, scales.mean_X / sd, np.zeros(n)
    along = unseen.T @ level
    if centre is not None and np.linalg.norm(along) > ALONG * np.linalg.norm(level):
        rest = np.linalg.qr(along[:, None], mode="complete")[0][:, 1:]
        unseen, at[-1] = np.column_stack([unseen @ rest, level]), centre
    rows = np.vstack([seen, unseen.T]) * sd
    both = triangular_factor(np.column_stack([rows, at]))
    return both[:n, :n], both[:n, n]


def _warn_of_constants(scales: Scales) -> None:
    """Name the columns that the intercept stands for already."""
    pairs = zip(scales.feature_names, scales.sd_X, strict=True)
    constant = [name for name, sd in pairs if sd == 0.0]
    if constant:
        warnings.warn(
            f"Column(s) {constant} are constant and tell nothing that the intercept does not: "
            "their weights keep their prior. Leave them out, or check how they were made.",
            DataWarning,
            stacklevel=2,
        )
