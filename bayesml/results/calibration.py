"""Whether predictions keep what they promise. Described in docs/guides/calibration.md."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.arguments import one_probability
from bayesml.errors import DataError
from bayesml.results.calibration_checks import (
    binomial_band,
    coverage_of_ninety,
    share_below_quantile,
    uniformity,
)
from bayesml.results.findings import CheckReport, Finding
from bayesml.results.reliability import Reliability
from bayesml.typing import Array

if TYPE_CHECKING:
    import pandas as pd

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
SCORED = (0.5, 0.8, 0.9, 0.95)
"""Levels whose interval ends are kept."""
BAND = 0.99


@dataclass(frozen=True, eq=False, repr=False)
class Calibration:
    r"""How predictions compare with what was observed, row by row.

    Attributes
    ----------
    y, mean, sd : ndarray, shape (m,)
        Observed, and predicted, in the unit of y.
    pit : ndarray, shape (m,)
        Probability integral transforms :math:`F_i(y_i)`: uniform if the predictions are right. Of
        counts, drawn between :math:`P(Y < y_i)` and :math:`P(Y \le y_i)` (P12).
    log_score : ndarray, shape (m,)
        Log predictive densities; large is good.
    crps : ndarray, shape (m,)
        Continuous ranked probability scores, in the unit of y; small is good.
    lower, upper : ndarray, shape (4, m)
        Ends of the 50, 80, 90 and 95 % intervals.
    weights : ndarray, shape (m,)
        How many times each row counts.
    probabilities : ndarray, shape (K, m)
        Of every class; of none where the target has no classes.
    classes : tuple of str
        Their names.
    rows : str
        Which rows these are, in words.
    quantile : float or None
        The one quantile that predictions are of, where the likelihood is no law of y.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1])
    >>> bm.calibration(bm.fit(bm.Model(), data), data).pit.shape
    (4,)
    """

    y: Array
    mean: Array
    sd: Array
    pit: Array
    log_score: Array
    crps: Array
    lower: Array
    upper: Array
    weights: Array
    probabilities: Array
    classes: tuple[str, ...]
    rows: str
    quantile: float | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.y)

    def coverage(self, levels: Sequence[float] = LEVELS) -> "pd.DataFrame":
        """Return which share of observations lies in the equal-tailed interval of each level.

        Returns
        -------
        pandas.DataFrame
            Indexed by level: ``observed``, and the ends of the 99 % binomial band that it stays
            within, one level at a time, if predictions are calibrated.
        """
        import pandas as pd

        probabilities = np.array([one_probability(level) for level in levels])
        inside = np.abs(self.pit - 0.5)[None, :] <= 0.5 * probabilities[:, None]
        observed = inside @ self.weights / self.weights.sum()
        low, high = binomial_band(float(self.weights.sum()), probabilities, BAND)
        columns = {"observed": observed, "low": low, "high": high}
        return pd.DataFrame(columns, index=pd.Index(probabilities, name="level"))

    def histogram(self, bins: int = 10) -> "pd.DataFrame":
        """Return the PIT histogram with a band that all its bars stay within 99 times in 100.

        Returns
        -------
        pandas.DataFrame
            One row a bin: ``left`` and ``right``, the ``share`` of rows, and ``low`` and ``high``.
        """
        import pandas as pd

        edges = np.linspace(0.0, 1.0, bins + 1)
        share = np.histogram(self.pit, edges, weights=self.weights)[0] / self.weights.sum()
        expected = np.full(bins, 1.0 / bins)
        low, high = binomial_band(float(self.weights.sum()), expected, 1.0 - (1.0 - BAND) / bins)
        columns = {"left": edges[:-1], "right": edges[1:], "share": share}
        return pd.DataFrame(columns | {"low": low, "high": high})

    def scores(self) -> "pd.Series[float]":
        """Return average scores: one number each for the whole data set.

        ``log_score`` large is good. Small is good of ``crps``, ``rmse``, and ``interval_score_90``:
        width plus 20 times the distance by which a value was missed. ``sharpness_90`` is the mean
        width alone: of calibrated predictions, the sharper ones are better.
        """
        import pandas as pd

        at = SCORED.index(0.9)
        lower, upper = self.lower[at], self.upper[at]
        missed = np.maximum(lower - self.y, 0.0) + np.maximum(self.y - upper, 0.0)
        return pd.Series(
            {
                "log_score": self._average(self.log_score),
                "crps": self._average(self.crps),
                "interval_score_90": self._average(upper - lower + 20.0 * missed),
                "sharpness_90": self._average(upper - lower),
                "rmse": float(np.sqrt(self._average((self.y - self.mean) ** 2))),
            }
        )

    def reliability(self) -> "pd.DataFrame":
        r"""Return what the Brier score of every class is made of (C16).

        .. math:: \overline{(p - [y = k])^2} = \mathrm{MCB} - \mathrm{DSC} + \mathrm{UNC}

        Returns
        -------
        pandas.DataFrame
            One row a class, or the second of two: ``brier``; its ``miscalibration``, by which
            recalibrated probabilities would be better; ``discrimination``, by which these are
            better than one probability for all; and ``uncertainty``, the score of that one.

        Raises
        ------
        DataError
            If the target has no classes.

        References
        ----------
        Dimitriadis, Gneiting & Jordan (2021), Stable reliability diagrams for probabilistic
        classifiers, PNAS 118(8), eq. 5.

        Examples
        --------
        >>> import numpy as np, bayesml as bm
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(400, 1))
        >>> y = np.where(X[:, 0] + rng.logistic(size=400) > 0, "yes", "no")
        >>> fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), bm.Data(X, y), bm.MAP())
        >>> bm.calibration(fit, fit.data).reliability().round(3)
             brier  miscalibration  discrimination  uncertainty
        yes   0.19           0.013           0.073         0.25
        """
        return self._reliability().table()

    def _reliability(self) -> Reliability:
        if not self.classes:
            raise DataError(
                "reliability: the target has no classes, so that no probabilities of them can be "
                "compared. coverage() and histogram() compare distributions of numbers."
            )
        return Reliability.of(self.classes, self.probabilities, self.y, self.weights)

    def by_group(self, groups: Sequence[Any], level: float = 0.9) -> "pd.DataFrame":
        """Return reliability group by group: predictions can be right only on average.

        Parameters
        ----------
        groups : sequence, length m
            The group of each row, in the order of the rows.
        level : float
            Of the intervals whose coverage is shown.

        Returns
        -------
        pandas.DataFrame
            One row a group: ``rows``, ``coverage`` and its 99 % band ``low``, ``high``, the mean
            ``pit`` (½ if unbiased), the mean ``error`` y − prediction, and mean ``crps``.
        """
        import pandas as pd

        if len(groups) != len(self):
            raise DataError(f"by_group: {len(groups)} groups for {len(self)} rows; give one a row.")
        labels = np.asarray(groups)
        parts = {label: self._take(labels == label) for label in dict.fromkeys(labels.tolist())}
        table = {
            label: {
                "rows": len(part),
                "coverage": (line := part.coverage([level]).iloc[0])["observed"],
                "low": line["low"],
                "high": line["high"],
                "pit": part._average(part.pit),
                "error": part._average(part.y - part.mean),
                "crps": part._average(part.crps),
            }
            for label, part in parts.items()
        }
        return pd.DataFrame.from_dict(table, orient="index")

    def check(self) -> CheckReport:
        """Judge the predictions: are PIT values uniform, and does the 90 % interval hold 90 %.

        Of classes, whether they come as often as their probabilities say; of one quantile,
        whether the share of observations below it is what it should be.
        """
        if self.quantile is not None:
            return CheckReport("predictive", (self._share_below(self.quantile),))
        if self.classes:
            findings = (uniformity(self.pit, self.weights), self._reliability().finding())
            return CheckReport("predictive", findings)
        line = self.coverage([0.9]).iloc[0]
        ends = (float(line[name]) for name in ("observed", "low", "high"))
        findings = (uniformity(self.pit, self.weights), coverage_of_ninety(*ends))
        return CheckReport("predictive", findings)

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against the predictions."""
        return self.check().passed

    def __str__(self) -> str:
        """Say it in words and numbers."""
        scores = ", ".join(f"{name} {value:.4g}" for name, value in self.scores().items())
        return f"{len(self)} rows, {self.rows}\n{scores}\n{self.check()}"

    def __repr__(self) -> str:
        """Say it in words and numbers."""
        return str(self)

    def _repr_html_(self) -> str:
        """Show the scores, the coverage and the check."""
        scores = self.scores().to_frame("score").T.to_html()
        coverage = self.coverage().T.to_html()
        head = escape(f"{len(self)} rows, {self.rows}")
        return f"<p>{head}</p>{scores}{coverage}{self.check()._repr_html_()}"

    def _share_below(self, quantile: float) -> Finding:
        share = self._average((self.pit <= quantile).astype(np.float64))
        ends = binomial_band(float(self.weights.sum()), np.array([quantile]), BAND)
        return share_below_quantile(quantile, share, float(ends[0][0]), float(ends[1][0]))

    def _average(self, values: Array) -> float:
        return float(np.average(values, weights=self.weights))

    def _take(self, rows: Any) -> "Calibration":
        parts = {name: getattr(self, name)[..., rows] for name in BY_ROW}
        return replace(self, **parts)


OF_ALL = ("classes", "rows", "quantile")
BY_ROW = tuple(f.name for f in fields(Calibration) if f.name not in OF_ALL)
"""What there is one entry a row of, on the last axis."""
