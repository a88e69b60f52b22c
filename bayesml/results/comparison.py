"""Several fits side by side. Described in docs/guides/comparison.md."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.arguments import shown
from bayesml.data.messages import listed, row_name
from bayesml.errors import (
    INSIDE,
    ApproximationWarning,
    ImproperPosteriorError,
    IncompatibleModelError,
)
from bayesml.results.fit import Fit
from bayesml.results.ranking import Scores, ranked, scores, scores_of_groups
from bayesml.results.target_scale import Quantity, common_quantity

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Fits of the same rows, by label.

    Attributes
    ----------
    fits : mapping of label to Fit
    quantity : Quantity
        What all densities are of, and what was added to those of a transformation of it.
    groups : str or None
        The factor whose groups are left out whole, in the place of rows.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1])
    >>> narrow = bm.Model(prior=bm.Independent(weights=bm.Normal(0, 0.1), intercept=bm.Flat()))
    >>> found = bm.compare({"default": bm.fit(bm.Model(), data), "narrow": bm.fit(narrow, data)})
    >>> found.table.index[0]
    'default'
    """

    fits: Mapping[str, Fit]
    quantity: Quantity
    groups: str | None = None

    @cached_property
    def table(self) -> "pd.DataFrame":
        """One row a fit, best leave-one-out first.

        ``kind``; ``log_evidence`` where priors are proper; where there is a posterior ``elpd``,
        the leave-one-out log density of all rows, each as often as its weight says, with its
        standard error ``se`` over rows and ``mcse`` over draws, and ``pareto_k``, the worst k̂ of
        a row, NaN where nothing was sampled; the difference to the best, ``elpd_diff``, its own
        error ``dse``, the stacking ``weight`` and the ``verdict``; ``log_jacobian``, which is in
        both densities of a fit of log(y) beside fits of y; ``seconds`` of learning and whether
        the ``checks`` passed.
        """
        import pandas as pd

        rows = {
            label: {"kind": fit.kind, "log_evidence": self._log_evidence(label)}
            for label, fit in self.fits.items()
        }
        table = pd.DataFrame.from_dict(rows, orient="index")
        table = table.join(self.leave_one_out)
        if self.quantity.log_slopes:
            table["log_jacobian"] = [self.log_jacobian[label] for label in self.fits]
        table["seconds"] = [fit.elapsed for fit in self.fits.values()]
        table["checks"] = [fit.check().passed for fit in self.fits.values()]
        return table.sort_values("elpd", ascending=False, na_position="last", kind="stable")

    @cached_property
    def leave_one_out(self) -> "pd.DataFrame":
        """The fits that have a posterior and rows, the best first, at full precision.

        What is left out is a row, or a group where `groups` says so. It is exact for exact fits,
        and by importance sampling for others. A fit is "tied: draws" if other draws would make up
        its difference to the best, "tied: rows" if other rows would, and otherwise "worse".

        Warns
        -----
        ApproximationWarning
            If importance sampling is not reliable for some rows, with their names.
        """
        found = {}
        for label, fit in self.fits.items():
            if fit.kind != "point" and fit.data.has_rows:
                slopes = self.quantity.log_slopes.get(label, 0.0)
                if self.groups is None:
                    found[label] = scores(fit, slopes)
                    _warn_of_tails(label, fit, found[label])
                else:
                    found[label] = scores_of_groups(fit, self.groups, slopes)
        return ranked(found)

    @cached_property
    def log_jacobian(self) -> dict[str, float]:
        """What was added to the log densities of each fit: Σ w log |dz/dy|, or nothing (R7)."""
        added = dict.fromkeys(self.fits, 0.0)
        for label, slopes in self.quantity.log_slopes.items():
            weights = self.fits[label].data.row_weights
            added[label] = float(weights[weights > 0] @ slopes)
        return added

    def estimates(self, probability: float = 0.9) -> "pd.DataFrame":
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
        found = {k: self._log_evidence(k) for k in self.fits if k not in missing}
        if len(found) < 2:
            reasons = "; ".join(f"{label!r}: {why}" for label, why in missing.items())
            raise ImproperPosteriorError(
                f"log_bayes_factors() needs two fits with an evidence, got {len(found)} of "
                f"{len(self.fits)}. {reasons}".rstrip()
            )
        values = np.array(list(found.values()))
        table = values[:, None] - values[None, :]
        return pd.DataFrame(table, index=list(found), columns=list(found))

    def plot(self, *, probability: float = 0.9) -> "Figure":
        """Draw the estimates side by side; see `bayesml.plots.coefficients`."""
        from bayesml.results.plots.coefficients import coefficients

        return coefficients(self.fits, probability=probability)

    def _log_evidence(self, label: str) -> float:
        value = self.fits[label].learned.log_evidence
        return np.nan if isinstance(value, str) else value + self.log_jacobian[label]

    def __repr__(self) -> str:
        """Show both tables."""
        means, table = self._shown()
        parts = (each.to_string(float_format=_short, na_rep="") for each in (means, table))
        return "\n\n".join([*parts, *self._notes])

    def _repr_html_(self) -> str:
        tables = (each.to_html(float_format=_short, na_rep="") for each in self._shown())
        return "".join([*tables, *(f"<p>{note}</p>" for note in self._notes)])

    def _shown(self) -> tuple["pd.DataFrame", "pd.DataFrame"]:
        """Return the estimates, and the table with "exact" where nothing was sampled."""
        worst = self.table["pareto_k"].items()
        k = ["exact" if self.fits[str(label)].kind == "exact" else k for label, k in worst]
        means: Any = self.estimates().xs("mean", axis=1, level=1)
        return means, self.table.assign(pareto_k=k)

    @property
    def _notes(self) -> list[str]:
        name, slopes = self.quantity.name, self.quantity.log_slopes
        if not slopes:
            return []
        return [
            f"log_evidence and elpd are of {name}; log_jacobian, Σ w log |dz/d{name}|, is in those "
            f"of {listed(map(repr, slopes))}."
        ]


def compare(
    fits: Mapping[str, Fit],
    *,
    jacobian: Mapping[str, Any] | None = None,
    groups: str | None = None,
) -> Comparison:
    """Put fits of the same rows side by side.

    Parameters
    ----------
    fits : mapping of label to Fit
        At least one; of different models, or of one model by different methods. Fits of ``y``
        and of ``log(y)``, or another function whose derivative is known, are compared as
        densities of y: the table has what was added.
    jacobian : mapping of label to (m,) array, optional
        log |dz/dy| of every row, for fits of z = g(y) whose derivative is not known otherwise.
    groups : str, optional
        A factor of all fits, as the formula names it: its groups are left out whole, one after the
        other, and predicted as new ones. Errors are then over groups.

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
        If the fits learned from different rows, by their weights and targets, or had learned
        others before: their scores are not of the same thing.

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
    if not isinstance(fits, Mapping):
        raise IncompatibleModelError(
            "compare takes fits by their labels, compare({'linear': fit, 'curved': other}), got "
            f"a {type(fits).__name__}."
        )
    fits = dict(fits)
    if not fits:
        raise IncompatibleModelError("compare: no fits were given; give at least one.")
    for label, fit in fits.items():
        if not isinstance(fit, Fit):
            raise IncompatibleModelError(f"compare: {label!r} is not a Fit, got {shown(fit)}.")
    return Comparison(fits, common_quantity(fits, {} if jacobian is None else jacobian), groups)


def _warn_of_tails(label: str, fit: Fit, found: Scores) -> None:
    rows = found.unreliable
    if found.pareto_k is None or not len(rows):
        return
    named = [
        f"{row_name(int(found.rows[i]), fit.data.row_labels if fit.data.in_memory else None)} "
        f"({found.pareto_k[i]:.2f})"
        for i in rows
    ]
    warnings.warn(
        f"Leave-one-out of {label!r} by importance sampling is not reliable for {len(rows)} of "
        f"{len(found.rows)} rows, whose Pareto k̂ is above {found.good_k:.2f}: {listed(named)}. "
        "Without them the posterior is another. Learn by Exact() where it applies, or compare by "
        "cross_validate(model, data, method).",
        ApproximationWarning,
        skip_file_prefixes=INSIDE,
    )


def _short(value: float) -> str:
    return f"{value:.4g}"
