"""What was learned yesterday, as the prior of today."""

from dataclasses import dataclass
from typing import Any

from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import IncompatibleModelError
from bayesml.priors.base import StatesParameters
from bayesml.priors.independent import Independent
from bayesml.priors.normal_inverse_gamma import NormalInverseGamma
from bayesml.priors.scales import Scales


@dataclass(frozen=True, eq=False)
class After:
    r"""The posterior of a linear Gaussian model, to be used as a prior for new rows.

    .. math:: p(\beta, \sigma) \propto p(y_\mathrm{old} \mid \beta, \sigma)\,p_0(\beta, \sigma)

    It is kept as the first prior and the sufficient statistics of the rows it has seen, so that
    the result with new rows is the one that all rows together give, to rounding, under any prior
    of σ. The log evidence is then that of the new rows given the old ones.

    Parameters
    ----------
    prior : Independent or NormalInverseGamma
        The first prior, every number stated.
    likelihood : Gaussian
        With the first prior of σ, which is part of what was learned.
    statistics : SufficientStatistics
        Of the rows that were seen.
    log_evidence : float or str
        Of those rows, or the reason why there is none.
    """

    prior: Independent | NormalInverseGamma
    likelihood: Any
    statistics: SufficientStatistics
    log_evidence: float | str

    def resolve(self, scales: Scales) -> Independent | NormalInverseGamma:
        """Return the first prior: its numbers are stated already."""
        if scales.depth:
            raise IncompatibleModelError(
                "A linear model's posterior is no prior for a network. Use Layered()."
            )
        return self.prior.resolve(scales)

    @property
    def stated_parameters(self) -> tuple[str, ...]:
        """What the first prior states of the likelihood."""
        return self.prior.stated_parameters if isinstance(self.prior, StatesParameters) else ()

    def describe(self) -> str:
        """Say the prior in words."""
        return f"{self.prior.describe()}\nand {self.statistics.rows} rows seen before"
