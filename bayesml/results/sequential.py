"""Learning on: what was learned as a prior for new rows, exactly as if all had been there.

Derived in docs/theory/sufficient_statistics.md.
"""

from dataclasses import replace

from bayesml.data import Data
from bayesml.data.formulas.design import difference
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.likelihoods import Gaussian
from bayesml.model import Model
from bayesml.priors import After, Independent, NormalInverseGamma
from bayesml.results.fit import Fit
from bayesml.results.learning import fit


def as_prior(earlier: Fit) -> After:
    """Keep the priors and the sufficient statistics of all rows seen."""
    likelihood, prior = earlier.resolved.likelihood, earlier.resolved.prior
    if not isinstance(likelihood, Gaussian) or not isinstance(
        prior, Independent | NormalInverseGamma
    ):
        raise IncompatibleModelError(
            "as_prior() keeps the sufficient statistics, which only Linear() with a Gaussian "
            f"likelihood has, and this is {earlier.resolved!r}. Learn all rows together."
        )
    seen = earlier.statistics
    if isinstance(earlier.model.prior, After):
        evidence = _total_evidence(earlier, earlier.model.prior)
        return replace(earlier.model.prior, statistics=seen, log_evidence=evidence)
    return After(prior, likelihood, seen, earlier.learned.log_evidence)


def update(earlier: Fit, data: Data) -> Fit:
    """Learn new rows whose features mean what those of the earlier ones did."""
    if data.feature_names != earlier.data.feature_names:
        raise DataError(
            f"The new rows have features {list(data.feature_names)}, but the fit has "
            f"{list(earlier.data.feature_names)}: the same columns in the same order are needed."
        )
    if other := difference(earlier.data.design, data.design):
        raise DataError(
            f"The new rows' features are not those of the fit: {other}. Read them as the "
            "fit's own were, fit.update(fit.data.like(frame))."
        )
    model = Model(earlier.resolved.predictor, earlier.resolved.likelihood, as_prior(earlier))
    return fit(model, data, earlier.method, rng=earlier.seed)


def _total_evidence(earlier: Fit, first: After) -> float | str:
    """Log p of all rows seen: of the new given the old, and of the old."""
    before, now = first.log_evidence, earlier.learned.log_evidence
    if isinstance(before, str) or isinstance(now, str):
        return before if isinstance(before, str) else now
    return before + now
