"""Quantities that were asked of a fit, with their joint posterior law.

Derived in docs/theory/effects.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.arguments import (
    at_levels,
    generator_of,
    one_probability,
    require_memory,
    shown,
    tail_of,
    whole_number,
)
from bayesml.data.messages import plural, suggestion
from bayesml.errors import DataError
from bayesml.posteriors.combination import JointLaw
from bayesml.posteriors.row_distribution import Interval
from bayesml.results.effects.contrast import Contrast, Difference, contrasted, require_contrast
from bayesml.results.effects.expression import Expression, statements
from bayesml.results.table import Table, label_text, probability_text, significant
from bayesml.typing import Array, ArrayLike

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Effects:
    """Predictions, comparisons, slopes or hypotheses: one row each, known jointly.

    Attributes
    ----------
    title : str
        What they are.
    labels : mapping of heading to values, one a row
        What tells rows apart.
    law : JointLaw
        Of all rows together.
    null : float or None
        The value that means no effect, against which a direction is judged.

    Examples
    --------
    >>> import bayesml as bm
    >>> frame = {"y": [1.0, 2.0, 4.0, 6.0, 5.0, 8.0], "g": list("aabbcc")}
    >>> fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ g", frame))
    >>> fit.predictions(at="g").pairwise().mean.round(1)
    array([3.4, 4.9, 1.5])
    """

    title: str
    labels: Mapping[str, tuple[Any, ...]]
    law: JointLaw
    null: float | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.law.size

    @property
    def names(self) -> tuple[str, ...]:
        """One name a row, of its labels; `hypothesis` knows rows by them, and by b1, b2, …."""
        rows = zip(*self.labels.values(), strict=True)
        return tuple(", ".join(map(label_text, row)) for row in rows) or ("b1",) * len(self)

    @property
    def prediction(self) -> "Effects":
        """Itself: an effect is known as a prediction is, by mean, sd, quantiles and draws."""
        return self

    @property
    def mean(self) -> Array:
        """Posterior means, shape (k,)."""
        return self.law.mean

    @property
    def sd(self) -> Array:
        """Posterior standard deviations, shape (k,)."""
        return self.law.sd

    @property
    def covariance(self) -> Array:
        """Posterior covariances, shape (k, k)."""
        return self.law.covariance

    @property
    def mcse(self) -> Array | None:
        """Monte Carlo standard errors of the means, shape (k,); None where nothing was drawn."""
        return self.law.mcse

    def quantile(self, q: ArrayLike) -> Array:
        """Return quantiles, shape (k,) or (len(q), k)."""
        return at_levels(q, self.law.quantile)

    def interval(self, probability: float = 0.9) -> Interval:
        """Return equal-tailed intervals of the given probability, each row's own."""
        tail = tail_of(probability)
        return Interval(self.law.quantile(tail), self.law.quantile(1.0 - tail))

    def exceedance(self, threshold: ArrayLike) -> Array:
        """Evaluate P(· > threshold | data), for one threshold or one a row."""
        return self.law.exceedance(threshold)

    def direction(self, null: float | None = None) -> Array:
        r"""Return the probability of direction, the larger of P(· > null) and P(· < null) (P19).

        Parameters
        ----------
        null : float, optional
            By default the value that means no effect: 0 of differences, 1 of ratios.
        """
        at = self._null(null)
        return np.maximum(self.law.exceedance(at), self.law.below(at))

    def inside(self, low: float, high: float) -> Array:
        """Return the probability that a row lies between two values, the ends included.

        Of values too close to no effect to matter it is the share in the region of practical
        equivalence, the ROPE.
        """
        if not low <= high:
            raise DataError(
                f"inside: the lower end {shown(low)} must not exceed the upper {shown(high)}."
            )
        outside = self.law.exceedance(high) + self.law.below(low)
        return np.asarray(np.clip(1.0 - outside, 0.0, 1.0))

    def sample(self, size: int = 1, *, rng: int | np.random.Generator | None = None) -> Array:
        """Draw all rows jointly, shape (size, k)."""
        count = whole_number(size, "size")
        words = f"{count:,} draws of {plural(self.law.size, 'effect')}"
        require_memory(2.0 * count * self.law.size, words, "take fewer draws")
        return self.law.sample(count, generator_of(rng))

    def pairwise(
        self, contrast: Contrast = Difference(), within: str | Sequence[str] = ()
    ) -> "Effects":
        """Compare every two rows, the later with the earlier one.

        Parameters
        ----------
        contrast : Contrast
            `effects.Difference()`, `effects.Ratio()`, `effects.OddsRatio()`, or one's own.
        within : str or sequence of str
            Columns of labels that both must share.

        Returns
        -------
        Effects
            Their uncertainty is joint: what both rows share cancels.
        """
        require_contrast(contrast)
        shared = (within,) if isinstance(within, str) else tuple(within)
        for name in shared:
            if name not in self.labels:
                raise DataError(
                    f"pairwise: there is no label {name!r}{suggestion(name, self.labels)}"
                )
        groups: dict[tuple[Any, ...], list[int]] = {}
        for k in range(len(self)):
            groups.setdefault(tuple(self.labels[name][k] for name in shared), []).append(k)
        pairs = [pair for rows in groups.values() for pair in combinations(rows, 2)]
        if not pairs:
            raise DataError(f"pairwise: there are no two rows to compare among {len(self)}.")
        low, high = np.array(pairs).T
        others = {n: v for n, v in self.labels.items() if n not in shared}
        rows = list(zip(*others.values(), strict=True))
        text = [", ".join(map(label_text, row)) for row in rows]
        labels: dict[str, tuple[Any, ...]] = {
            name: tuple(self.labels[name][i] for i in low) for name in shared
        }
        written = tuple(contrast.label(text[i], text[j]) for i, j in pairs)
        law = contrasted(self.law, low, high, contrast)
        return Effects(
            f"{contrast.name}s of {self.title}", {"contrast": written, **labels}, law, contrast.null
        )

    def hypothesis(self, statement: str | Sequence[str]) -> "Effects":
        """Ask of combinations of rows whether they are zero, or on which side.

        Parameters
        ----------
        statement : str or sequence of str
            Such as ``"b2 = b1"``, ``"b3 - b2 = b2 - b1"`` or ``"b2 / b1 > 1"``, with b1, b2, … for
            the rows, or their names. What is left of the sign is reported less what is right.

        Returns
        -------
        Effects
            One row a statement. Linear ones stay exact.

        Raises
        ------
        DataError
            For names that no row has, and statements that cannot be read.
        """
        numbered = {f"b{k + 1}": k for k in range(len(self))}
        known = numbered | {name: k for k, name in enumerate(self.names)}
        return judged(self.law, statements(statement, known, len(self)))

    def summary(
        self,
        probability: float = 0.9,
        *,
        null: float | None = None,
        rope: tuple[float, float] | None = None,
    ) -> "pd.DataFrame":
        """Return a table of all rows, at full precision.

        Parameters
        ----------
        probability : float
            Mass of the equal-tailed intervals.
        null : float, optional
            Against which P(> null) is given; by default the value that means no effect.
        rope : (float, float), optional
            Ends of the region of practical equivalence, whose share is given.

        Returns
        -------
        pandas.DataFrame
            Columns of labels, ``mean``, ``sd``, the two quantiles, and where they apply
            ``P(> null)``, ``P(in rope)`` and ``mcse_mean``. A point estimate has ``mean`` alone.
        """
        return self.table(probability, null=null, rope=rope).to_frame()

    def table(
        self,
        probability: float = 0.9,
        *,
        null: float | None = None,
        rope: tuple[float, float] | None = None,
    ) -> Table:
        """Return the same table to be read, with `to_markdown`, `to_latex` and `to_html`."""
        numbers = self._numbers(probability, null, rope)
        labels = {name: list(values) for name, values in self.labels.items()}
        cells = [
            (*(label_text(v[k]) for v in labels.values()), *self._cells(numbers, k))
            for k in range(len(self))
        ]
        shown = [n for n in numbers if n != "mcse_mean"]
        heading = ["estimate" if self.law.certain and n == "mean" else n for n in shown]

        def frame() -> "pd.DataFrame":
            import pandas as pd

            return pd.DataFrame({**labels, **numbers})

        return Table(
            self.title,
            (*labels, *heading),
            tuple(cells),
            (self._how(),),
            len(labels),
            frame,
        )

    def to_frame(self) -> "pd.DataFrame":
        """Return `summary()`."""
        return self.summary()

    def to_markdown(self) -> str:
        """Return the table in Markdown."""
        return self.table().to_markdown()

    def to_latex(self) -> str:
        """Return the table as a tabular of LaTeX, with the rules of the package booktabs."""
        return self.table().to_latex()

    def __repr__(self) -> str:
        """Show the table."""
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table().to_html()

    def _numbers(
        self, probability: float, null: float | None, rope: tuple[float, float] | None
    ) -> dict[str, Array]:
        tail = 50.0 * (1.0 - one_probability(probability))
        if self.law.certain:
            return {"mean": self.mean}
        lower, upper = self.interval(probability)
        out = {"mean": self.mean, "sd": self.sd, f"{tail:g}%": lower, f"{100 - tail:g}%": upper}
        if (at := self.null if null is None else null) is not None:
            out[f"P(> {at:g})"] = self.exceedance(at)
        if rope is not None:
            out[f"P(in [{rope[0]:g}, {rope[1]:g}])"] = self.inside(*rope)
        if self.mcse is not None:
            out["mcse_mean"] = self.mcse
        return out

    def _cells(self, numbers: Mapping[str, Array], k: int) -> list[str]:
        unit = float(self.sd[k])
        return [
            probability_text(float(v[k]))
            if name.startswith("P(")
            else significant(float(v[k]), unit)
            for name, v in numbers.items()
            if name != "mcse_mean"
        ]

    def _how(self) -> str:
        if self.law.certain:
            return (
                "a point estimate, without a posterior: no uncertainty is stated. Learn with "
                "Auto(), Exact(), Laplace() or NUTS()."
            )
        if self.mcse is None:
            return self.law.how
        share = np.divide(self.mcse, self.sd, out=np.zeros(len(self)), where=self.sd > 0)
        return f"{self.law.how}; Monte Carlo errors of means up to {share.max(initial=0.0):.2g} sd"

    def _null(self, stated: float | None) -> float:
        null = self.null if stated is None else stated
        if null is None:
            raise DataError(f"direction: {self.title} have no value of no effect; give null=….")
        return float(null)


def judged(law: JointLaw, each: Sequence[Expression]) -> Effects:
    """Return what statements say of quantities: left less right, against zero."""
    forms = [one.linear for one in each if one.linear is not None]
    if len(forms) == len(each):
        C, constant = (np.array(part) for part in zip(*forms, strict=True))
        found: JointLaw = law.combine(C, constant)
    else:
        found = law.map(lambda values: np.stack([one.finite(values) for one in each]))
    return stated(found, each)


def stated(law: JointLaw, each: Sequence[Expression]) -> Effects:
    """Return statements with their law: left less right."""
    labels = {"hypothesis": tuple(one.text for one in each)}
    return Effects("hypotheses: left less right", labels, law, 0.0)
