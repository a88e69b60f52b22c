"""What was learned yesterday, as the prior of today."""

import json
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.data import Data, Design, design_from_config
from bayesml.data.designs import HasGroups
from bayesml.data.fingerprint import SeenRows
from bayesml.data.formulas.joined import difference
from bayesml.data.grouped_statistics import GroupedStatistics
from bayesml.data.messages import plural, quoted, row_names
from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import INSIDE, DataError, IncompatibleModelError, RepeatedRowsWarning
from bayesml.priors.base import Resolved
from bayesml.priors.roles import StatesParameters
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
    prior : Resolved
        The first prior, every number stated.
    likelihood : Gaussian
        With the first prior of σ, which is part of what was learned.
    statistics : SufficientStatistics
        Of the rows that were seen.
    log_evidence : float or str
        Of those rows, or the reason why there is none.
    design : str
        How their features were made, as JSON, with what a formula learned from them.
    intercept : bool
        Whether the model has an intercept.
    seen : SeenRows
        By which rows that were in memory are known if they come again.
    grouped : GroupedStatistics, optional
        Of the rows that were seen, where the model has effects of groups.
    """

    prior: Resolved
    likelihood: Any
    statistics: SufficientStatistics
    log_evidence: float | str
    design: str
    intercept: bool
    seen: SeenRows
    grouped: GroupedStatistics | None = None

    def together(self, data: Data) -> SufficientStatistics:
        """Return the statistics of the rows that were seen and of new ones.

        Raises
        ------
        DataError
            If the new rows have other features or another target, the same ones in another order,
            or features of the same names that a formula has centred, scaled or coded otherwise.

        Warns
        -----
        RepeatedRowsWarning
            If new rows in memory were seen before, more of them than chance explains (F4, F5).
        """
        names = (*data.feature_names, data.target_name)
        if set(names) != set(self.statistics.names or names):
            *features, target = self.statistics.names or ()
            raise DataError(
                f"The prior is what rows of {target!r} by {features} taught, "
                f"but the new rows have {data.target_name!r} by {list(data.feature_names)}: the "
                "same features and target are needed. Name them alike, feature_names=... and "
                "target_name=... of Data."
            )
        if names != (self.statistics.names or names):
            raise DataError(
                f"The new rows have the prior's features in another order, {list(names[:-1])} "
                f"instead of {list((self.statistics.names or names)[:-1])}. Order the columns "
                "alike, or read a frame by fit.data.like(frame), which does."
            )
        before = design_from_config(json.loads(self.design))
        if other := difference(before, data.design):
            raise DataError(
                f"The new rows' features are not those of the prior: {other}. Read them as the "
                "earlier fit's own were, fit.data.like(frame)."
            )
        _require_levels(before, data.design)
        if data.in_memory:
            self._warn_of_repeated(data)
        return self.statistics + data.statistics

    def _warn_of_repeated(self, data: Data) -> None:
        overlap = self.seen.overlap(data)
        if not overlap.certain:
            return
        named = np.flatnonzero(data.row_weights > 0)[overlap.positions]
        warnings.warn(
            f"{overlap.count} of the {plural(overlap.rows, 'new row')} were learned from already, "
            f"{row_names(named, data.row_labels)}: they count twice now, and the posterior is too "
            "sure. Leave them out, unless the same numbers were observed again.",
            RepeatedRowsWarning,
            skip_file_prefixes=INSIDE,
        )

    def resolve(self, scales: Scales) -> Resolved:
        """Return the first prior, whose numbers are stated already.

        Raises
        ------
        IncompatibleModelError
            If the model is a network, or has an intercept where what was learned has none, or the
            reverse.
        """
        if scales.depth:
            raise IncompatibleModelError(
                "A linear model's posterior is no prior for a network. Use Layered()."
            )
        if ("intercept" in scales.shapes) != self.intercept:
            has = "an intercept" if self.intercept else "no intercept"
            raise IncompatibleModelError(
                f"The prior is the posterior of a model with {has}, unlike this one. Use "
                f"Linear(intercept={self.intercept}), or learn all rows together."
            )
        return self.prior.resolve(scales)

    @property
    def stated_parameters(self) -> tuple[str, ...]:
        """What the first prior states of the likelihood."""
        return self.prior.stated_parameters if isinstance(self.prior, StatesParameters) else ()

    def describe(self) -> str:
        """Say the prior in words."""
        return f"{self.prior.describe()}\nand {self.statistics.rows} rows seen before"


def _require_levels(before: Design, now: Design) -> None:
    """Refuse new rows whose levels of groups are numbered otherwise than those that were seen."""
    numbered = now.group_levels if isinstance(now, HasGroups) else {}
    known = before.group_levels if isinstance(before, HasGroups) else {}
    for factor, levels in known.items():
        if numbered[factor][: len(levels)] != levels:
            raise DataError(
                f"The new rows' levels of {factor} are not numbered as those that were seen: "
                f"these are {quoted(levels)}. Read the rows as fit.data.like(frame, "
                "new_groups=True), or merge statistics by fit.data.summarised().merged(other)."
            )
