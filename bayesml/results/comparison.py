"""Several fits side by side. Described in docs/guides/comparison.md."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.errors import DataError, ImproperPosteriorError, IncompatibleModelError
from bayesml.results.fit import Fit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Fits of the same rows, by label.

    Attributes
    ----------
    fits : mapping of label to Fit
    """

    fits: Mapping[str, Fit]

    @cached_property
    def table(self) -> "pd.DataFrame":
        """One row a fit, best leave-one-out first.

        ``kind``; ``log_evidence`` where priors are proper; ``elpd``, the leave-one-out log
        density of all rows, its standard error ``se``, the difference to the best ``elpd_diff``
        with its own error ``dse``, and the stacking ``weight``, where there is a posterior;
        ``seconds`` of learning and whether the ``checks`` passed.
        """
        import pandas as pd

        rows = {
            label: {
                "kind": fit.kind,
                "log_evidence": _log_evidence(fit),
                "seconds": fit.elapsed,
                "checks": fit.check().passed,
            }
            for label, fit in self.fits.items()
        }
        table = pd.DataFrame.from_dict(rows, orient="index")
        loo = self.leave_one_out.reindex(table.index)
        for k, name in enumerate(("elpd", "se", "elpd_diff", "dse", "weight")):
            table.insert(2 + k, name, loo.get(name, np.nan))
        return table.sort_values("elpd", ascending=False, na_position="last", kind="stable")

    @cached_property
    def leave_one_out(self) -> "pd.DataFrame":
        """ArviZ's comparison of the fits that have a posterior, at full precision.

        Leave-one-out is exact for exact fits, and by importance sampling for others.
        """
        import arviz as az
        import pandas as pd

        found = {k: elpd(fit) for k, fit in self.fits.items() if fit.kind != "point"}
        if len(found) > 1:
            compared: pd.DataFrame = az.compare(found, round_to="none")
            return compared
        alone = {k: {"elpd": v.elpd, "se": v.se, "weight": 1.0} for k, v in found.items()}
        columns = ["elpd", "se", "elpd_diff", "dse", "weight"]
        return pd.DataFrame.from_dict(alone, orient="index").reindex(columns=columns)

    def estimates(self, probability: float = 0.89) -> "pd.DataFrame":
        """Return every parameter by every fit: ``mean``, ``sd`` and interval, under its label."""
        import pandas as pd

        tables = {label: fit.summary(probability).iloc[:, :4] for label, fit in self.fits.items()}
        return pd.concat(tables, axis=1)

    @cached_property
    def without_evidence(self) -> dict[str, str]:
        """The fits that have no evidence, by label, and why."""
        evidence = {label: fit.learned.log_evidence for label, fit in self.fits.items()}
        return {label: why for label, why in evidence.items() if isinstance(why, str)}

    def log_bayes_factors(self) -> "pd.DataFrame":
        r"""Return how much better each fit's model predicted all rows than each other one's.

        .. math:: \log B_{ij} = \log p(y \mid \mathcal M_i) - \log p(y \mid \mathcal M_j)

        The fits of `without_evidence` are left out. Evidence of exact fits is exact, and the
        Laplace evidence of networks an approximation. Fits of one model by two methods differ by
        the error of the methods only.

        Returns
        -------
        pandas.DataFrame
            In nats, row against column: positive where the row's model is the more probable of
            two that were equally probable before. 1 to 3 is positive evidence, 3 to 5 strong,
            more very strong. It depends on how wide the priors are, however many rows there are.

        Raises
        ------
        ImproperPosteriorError
            If fewer than two fits have an evidence, with each one's reason.

        References
        ----------
        Kass & Raftery (1995), Bayes factors, §3.2, with their 2 log B halved.

        Examples
        --------
        >>> import bayesml as bm
        >>> data = bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1])
        >>> flat = bm.Model(prior=bm.Independent(bm.Normal(0, 0.01), bm.Normal(4, 6)))
        >>> result = bm.compare({"slope": bm.fit(bm.Model(), data), "none": bm.fit(flat, data)})
        >>> float(result.log_bayes_factors().loc["slope", "none"].round(1))
        4.1
        """
        import pandas as pd

        missing = self.without_evidence
        found = {k: fit.log_evidence for k, fit in self.fits.items() if k not in missing}
        if len(found) < 2:
            reasons = "; ".join(f"{label!r}: {why}" for label, why in missing.items())
            raise ImproperPosteriorError(
                f"log_bayes_factors() needs two fits with an evidence, got {len(found)} of "
                f"{len(self.fits)}. {reasons}".rstrip()
            )
        values = np.array(list(found.values()))
        table = values[:, None] - values[None, :]
        return pd.DataFrame(table, index=list(found), columns=list(found))

    def plot(self, *, probability: float = 0.89) -> "Figure":
        """Draw the estimates side by side; see `bayesml.plots.coefficients`."""
        from bayesml.results.plots.coefficients import coefficients

        return coefficients(self.fits, probability=probability)

    def __repr__(self) -> str:
        """Show both tables."""
        means = self.estimates().xs("mean", axis=1, level=1)
        return f"{means.to_string(float_format=_short)}\n\n" + self.table.to_string(
            float_format=_short, na_rep=""
        )

    def _repr_html_(self) -> str:
        means = self.estimates().xs("mean", axis=1, level=1)
        return f"{means.to_html(float_format=_short)}{self.table.to_html(float_format=_short)}"


def compare(fits: Mapping[str, Fit]) -> Comparison:
    """Put fits of the same rows side by side.

    Parameters
    ----------
    fits : mapping of label to Fit
        At least one; of different models, or of one model by different methods.

    Returns
    -------
    Comparison
        Its ``table`` has evidence, leave-one-out, stacking weights, time and checks; its
        ``estimates()`` every parameter; ``plot()`` draws them. Evidence and leave-one-out compare
        models; of one model learned by several methods they should agree.

    Raises
    ------
    IncompatibleModelError
        If there are no fits.
    DataError
        If the fits learned from different rows: their scores are not of the same thing.

    References
    ----------
    Yao et al. (2018), Using stacking to average Bayesian predictive distributions, eq. 5;
    Vehtari, Gelman & Gabry (2017), Practical Bayesian model evaluation using leave-one-out
    cross-validation and WAIC, §2.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1])
    >>> result = bm.compare(
    ...     {"ols": bm.fit(bm.Model(), data, bm.MLE()), "exact": bm.fit(bm.Model(), data)}
    ... )
    >>> result.table["kind"].to_dict()
    {'exact': 'exact', 'ols': 'point'}
    """
    fits = dict(fits)
    if not fits:
        raise IncompatibleModelError("compare: no fits were given; give at least one.")
    first = next(iter(fits.values()))
    for label, fit in fits.items():
        if not isinstance(fit, Fit):
            raise IncompatibleModelError(f"compare: {label!r} is not a Fit, got {fit!r}.")
        if not np.array_equal(fit.data.y, first.data.y):
            raise DataError(
                f"compare: {label!r} learned from other rows than {next(iter(fits))!r}. Evidence "
                "and leave-one-out compare fits of the same observations only."
            )
    return Comparison(fits)


def elpd(fit: Fit) -> Any:
    """Return leave-one-out as ArviZ's object: exact for exact fits, else sampled by ArviZ."""
    import arviz as az

    if fit.kind == "exact":
        return _exact_elpd(fit)
    with warnings.catch_warnings():  # Pareto k̂ is in the table's diag_elpd
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto")
        return az.loo(fit.to_datatree(log_likelihood=True), pointwise=True)


def _exact_elpd(fit: Fit) -> Any:
    import xarray as xr
    from arviz_stats.utils import ELPDDataLOO

    loo = fit.leave_one_out()
    own = np.asarray(loo.log_density)
    log_density = xr.DataArray(own, dims="observation")
    fitted = fit.learned.posterior.predict(np.asarray(fit.data.X, dtype=np.float64))
    together = fitted.log_prob(fit.data.y) * fit.data.row_weights
    return ELPDDataLOO(
        elpd=loo.elpd,
        se=loo.standard_error,
        p=float(np.sum(together)) - loo.elpd,
        n_samples=1,
        n_data_points=fit.data.m,
        scale="log",
        warning=False,
        good_k=0.7,
        elpd_i=log_density,
        pareto_k=xr.zeros_like(log_density),
    )


def _short(value: float) -> str:
    return f"{value:.4g}"


def _log_evidence(fit: Fit) -> float:
    value = fit.learned.log_evidence
    return np.nan if isinstance(value, str) else value
