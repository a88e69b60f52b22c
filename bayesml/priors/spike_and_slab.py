"""A prior over which features are in the model. Derived in docs/theory/all_subsets.md."""

from dataclasses import dataclass, replace

import numpy as np

from bayesml.distributions.base import Parameter, positive, real
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.priors.base import Coefficients, Unknown
from bayesml.priors.beta_binomial import BetaBinomial
from bayesml.priors.normal_inverse_gamma import NormalInverseGamma
from bayesml.priors.normal_rows import NormalRows, PriorTerms, Values
from bayesml.priors.roles import LogInclusion
from bayesml.priors.scales import Scales
from bayesml.typing import Array, Bools

RESIDUAL = 0.1
"""Of the one row that the default prior of σ² is worth, in units of sd(y)."""


@dataclass(frozen=True)
class SpikeAndSlab:
    r"""Every feature is in the model, or its weight is exactly zero.

    .. math:: \gamma \sim p(\gamma), \qquad
              \theta_j \mid \gamma_j = 0 \;=\; 0, \qquad
              \theta_j \mid \gamma_j = 1, \sigma \sim
              \mathrm{Normal}\bigl(0,\ (k\,\sigma/\mathrm{sd}(x_j))^2\bigr) \qquad (Y1)

    The posterior is over all :math:`2^n` models, each with its own conjugate posterior:
    ``Exact()`` adds up every one of them up to 25 features, ``SubsetSampler()`` visits them beyond.
    Predictions average over models, so that none has to be chosen.

    A feature that is in moves the prediction by about k σ over one of its standard deviations;
    k = 1 would be worth one row (the unit information prior). A much wider slab does not leave
    more to the data: it says that effects are huge, and leaves out those that are not (Lindley's
    paradox). A narrow one takes large effects for noise, (Y15); `Fit.check` judges that.

    Parameters
    ----------
    inclusion : float, sequence of float, or BetaBinomial
        Prior probability that a feature is in, for every one or one each, 1 for those that always
        are; or the prior of the number of features. The default takes every size as equally
        probable.
    slab : float or NormalInverseGamma
        The multiple k, 2.5 as in `WeaklyInformative`; or the conjugate prior of the model with
        all features, in units of the data. Stated by k, the intercept at the mean of the features
        is Normal(mean(y), 10 σ), and the prior of σ² is worth one row with a residual of 0.1 sd(y),
        InverseGamma(½, ½ (0.1 sd(y))²).

    Raises
    ------
    IncompatibleModelError
        If probabilities are none, the slab is not centred at zero; at fit, if the predictor is not
        linear, or numbers of entries and of features differ.
    DataError
        At fit, if there are no features, or one of them, or the target, is constant.

    References
    ----------
    George & McCulloch (1997), Approaches for Bayesian variable selection, §2 and §4.1;
    Kass & Wasserman (1995), A reference Bayesian test for nested hypotheses and its relationship
    to the Schwarz criterion, for the unit information; Mitchell & Beauchamp (1988), for the name.

    Examples
    --------
    >>> import bayesml as bm
    >>> print(bm.Model(prior=SpikeAndSlab()))
    y ~ Normal(η, σ)
    η = intercept + X·weights
    intercept at the mean of the features ~ Normal(mean(y), 10·σ)
    weights: each is 0, or ~ Normal(0, 2.5·σ/sd(x)) if its feature is in the model
    number of features in the model ~ BetaBinomial(1, 1): every size as probable
    σ² ~ InverseGamma(0.5, 0.005·var(y)): worth one row with a residual of 0.1·sd(y)
    """

    inclusion: Parameter | BetaBinomial = BetaBinomial()
    slab: float | NormalInverseGamma = 2.5

    def __post_init__(self) -> None:
        if not isinstance(self.inclusion, BetaBinomial):
            given = real("SpikeAndSlab", "inclusion", self.inclusion)
            if not np.all((np.asarray(given) > 0) & (np.asarray(given) <= 1)):
                raise IncompatibleModelError(
                    "SpikeAndSlab: inclusion must be probabilities above 0 and at most 1, got "
                    f"{self.inclusion!r}. Leave a feature out of the data whose probability is 0."
                )
            object.__setattr__(self, "inclusion", given)
        if not isinstance(self.slab, NormalInverseGamma):
            scale = positive("SpikeAndSlab", "slab", self.slab)
            if isinstance(scale, tuple):
                raise IncompatibleModelError(
                    "SpikeAndSlab: slab must be one number, in multiples of σ/sd(x), or a "
                    f"NormalInverseGamma(scale=...) with one each, got {self.slab!r}."
                )
            object.__setattr__(self, "slab", scale)
        elif np.any(self.slab.mean):
            raise IncompatibleModelError(
                f"SpikeAndSlab: the slab must be centred at zero, got mean={self.slab.mean!r}."
            )

    def resolve(self, scales: Scales) -> "SpikeAndSlab":
        """Return the prior with every number stated, in original units."""
        n = len(scales.feature_names)
        if scales.depth or not set(scales.shapes) <= {"intercept", "weights"}:
            raise IncompatibleModelError(
                "SpikeAndSlab chooses among the features of Linear(), and this predictor has other "
                "parameters. For a network use Layered(), for another predictor Independent(...)."
            )
        if n == 0:
            raise DataError(
                "SpikeAndSlab: there are no features to choose among. Give the data some columns, "
                "or use another prior."
            )
        self._check_length(n)
        slab = self.slab if isinstance(self.slab, NormalInverseGamma) else self._slab(scales)
        return replace(self, slab=slab.resolve(scales))

    def _slab(self, scales: Scales) -> NormalInverseGamma:
        """Return the default slab in original units."""
        constant = [f for f, sd in zip(scales.feature_names, scales.sd_X, strict=True) if sd == 0]
        if constant:
            raise DataError(
                f"SpikeAndSlab: column(s) {constant} are constant, and a weight in multiples of "
                "σ/sd(x) has no scale there. Leave them out: the intercept stands for them."
            )
        if scales.spread == 0.0:
            raise DataError(
                "SpikeAndSlab: the target is constant, so the default prior of σ has no scale to "
                "go by. Check the target column, or state slab=NormalInverseGamma(...)."
            )
        return NormalInverseGamma(
            scale=tuple((np.asarray(self.slab) / scales.sd_X).tolist()),
            shape=0.5,
            rate=0.5 * (RESIDUAL * scales.spread) ** 2,
            intercept_mean=scales.centre,
        )

    def _check_length(self, n: int) -> None:
        if isinstance(self.inclusion, tuple) and len(self.inclusion) != n:
            raise IncompatibleModelError(
                f"SpikeAndSlab: inclusion has {len(self.inclusion)} entries, but there are {n} "
                "features. Give one probability, one per feature in their order, or BetaBinomial()."
            )

    @property
    def stated_parameters(self) -> tuple[str, ...]:
        """The standard deviation of the noise."""
        return ("sigma",)

    def log_inclusion(self, n: int) -> LogInclusion:
        """Return the log prior probabilities of the models of n features (Y1)."""
        if isinstance(self.inclusion, BetaBinomial):
            return LogInclusion(self.inclusion.log_model_probability(n), np.zeros(n), np.zeros(n))
        within = np.broadcast_to(np.asarray(self.inclusion, dtype=np.float64), n)
        with np.errstate(divide="ignore"):  # one that is always in is never out
            return LogInclusion(np.zeros(n + 1), np.log1p(-within), np.log(within))

    def normal_rows(self, problem: Coefficients) -> NormalRows | None:
        """Return None: a weight is Gaussian only given that its feature is in."""
        return None

    def log_density_and_score(
        self, problem: Coefficients, beta: Array, values: Values
    ) -> PriorTerms:
        """Refuse: a weight that is zero with a positive probability has no density."""
        raise IncompatibleModelError(
            "Under SpikeAndSlab() weights are exactly zero with a positive probability, so that "
            "they have no density, nor a mode or gradient to follow. Use Exact(), or "
            "SubsetSampler() for more than 25 features; or Auto() to choose."
        )

    def sample(
        self,
        problem: Coefficients,
        values: Values,
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Array:
        """Draw a model, and the coefficients that are in it given σ."""
        beta = self._stated.sample(problem, values, rng, shape)
        n = len(problem.feature_names)
        beta[..., beta.shape[-1] - n :][~self._models(n, rng, shape)] = 0.0
        return beta

    def _models(self, n: int, rng: np.random.Generator, shape: tuple[int, ...]) -> Bools:
        if isinstance(self.inclusion, BetaBinomial):
            share = rng.beta(self.inclusion.a, self.inclusion.b, (*shape, 1))
        else:
            share = np.asarray(self.inclusion)
        return np.asarray(rng.random((*shape, n)) < share)

    def hyperparameters(self, problem: Coefficients) -> dict[str, Unknown]:
        """Return σ, whose square is inverse gamma."""
        return self._stated.hyperparameters(problem)

    @property
    def _stated(self) -> NormalInverseGamma:
        if isinstance(self.slab, NormalInverseGamma):
            return self.slab
        raise IncompatibleModelError(
            "SpikeAndSlab: the slab is in multiples of σ/sd(x), which only data know. Ask "
            "Model(...).resolve(data).prior, or state slab=NormalInverseGamma(...)."
        )

    def describe(self) -> str:
        """Say the prior in words."""
        if isinstance(self.slab, NormalInverseGamma):
            noise, intercept, _ = self.slab.describe().split("\n")
            weights = f"Normal(0, {self.slab.scale}·σ)"
        else:
            intercept = "intercept at the mean of the features ~ Normal(mean(y), 10·σ)"
            weights = f"Normal(0, {self.slab:g}·σ/sd(x))"
            noise = (
                f"σ² ~ InverseGamma(0.5, {0.5 * RESIDUAL**2:g}·var(y)): worth one row with a "
                f"residual of {RESIDUAL:g}·sd(y)"
            )
        spike = f"weights: each is 0, or ~ {weights} if its feature is in the model"
        return "\n".join([intercept, spike, _in_words(self.inclusion), noise])


def _in_words(inclusion: Parameter | BetaBinomial) -> str:
    if isinstance(inclusion, BetaBinomial):
        return f"number of features in the model ~ {inclusion.describe()}"
    each = [inclusion] if isinstance(inclusion, float) else inclusion
    return f"P(a feature is in the model) = {', '.join(f'{p:g}' for p in each)}"
