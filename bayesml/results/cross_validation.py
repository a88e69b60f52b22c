"""Cross-validation. Described in docs/guides/calibration.md."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesml.arguments import seed_of, whole_number
from bayesml.data import Data
from bayesml.data.messages import plural, quoted
from bayesml.data.subset import subset
from bayesml.errors import DataWarning, RankDeficientError
from bayesml.inference import Method
from bayesml.model import Model, require_model
from bayesml.posteriors import Prediction
from bayesml.results.calibrate import compared, pooled, quantile_of
from bayesml.results.calibration import Calibration
from bayesml.results.fit import Fit
from bayesml.results.fitting import fit
from bayesml.results.fold_columns import columns_kept, undetermined, without_columns
from bayesml.results.folds import divided
from bayesml.results.new_rows import class_names
from bayesml.typing import ArrayLike, Integers


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows that were left out, and what was said of them without having seen them.

    Attributes
    ----------
    rows : ndarray of int
    fit : Fit
        From the other rows.
    prediction : Prediction
    """

    rows: Integers
    fit: Fit
    prediction: Prediction


@dataclass(frozen=True, eq=False, repr=False)
class CrossValidation:
    """Every row predicted by a fit that has not seen it.

    Attributes
    ----------
    data : Data
    folds : tuple of Fold

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1])
    >>> len(bm.cross_validate(bm.Model(), data, folds=2).folds)
    2
    """

    data: Data
    folds: tuple[Fold, ...]

    @cached_property
    def calibration(self) -> Calibration:
        """The calibration over all rows, fold by fold."""
        weights = self.data.row_weights
        parts = [
            compared(
                fold.prediction,
                self.data.y[fold.rows],
                weights[fold.rows],
                class_names(fold.fit),
                "",
                np.random.default_rng(k),
            )
            for k, fold in enumerate(self.folds)
        ]
        rows = f"each left out once, in {len(self.folds)} folds"
        return replace(pooled(parts, rows), quantile=quantile_of(self.folds[0].fit))

    @property
    def rows(self) -> Integers:
        """The row of each entry of the calibration, in its order."""
        return np.concatenate([fold.rows for fold in self.folds])

    def __str__(self) -> str:
        """Show the calibration."""
        return str(self.calibration)

    def __repr__(self) -> str:
        """Show the calibration."""
        return str(self)

    def _repr_html_(self) -> str:
        """Show the calibration."""
        return self.calibration._repr_html_()


def cross_validate(
    model: Model,
    data: Data,
    method: Method | None = None,
    *,
    folds: int = 10,
    groups: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    rng: int | np.random.Generator | None = None,
) -> CrossValidation:
    """Fit as many times as there are folds, and predict the rows left out each time.

    Parameters
    ----------
    model, data, method
        As for `fit`.
    folds : int
        Rows are divided at random into this many parts of the same size, but for one. As many as
        there are rows leaves one out at a time.
    groups : (m,) array_like, optional
        Rows of one group are left out together, to be judged as a group that was never seen.
    strata : (m,) array_like, optional
        Every fold has its share of each stratum: of rare classes or levels.
    rng : int, Generator or None
        Of the division and the fits.

    Returns
    -------
    CrossValidation
        Its ``calibration`` is over all rows; give it to `risk` for any loss. What a formula has
        learned from all rows, such as levels and centres, is not learned again, and default
        priors are those of all rows, the same in every fold.

    Warns
    -----
    DataWarning
        If the rows of some fold do not determine every column, which `MLE` and flat priors need:
        where the only row of a level is left out, it is predicted as one of the first level.

    Raises
    ------
    DataError
        If there are more folds than rows or groups, or less than two.

    References
    ----------
    Stone (1974), Cross-validatory choice and assessment of statistical predictions, §2.

    Examples
    --------
    >>> import numpy as np, bayesml as bm
    >>> X = np.linspace(0, 1, 40)[:, None]
    >>> data = bm.Data(X, 2 * X[:, 0] + np.random.default_rng(1).normal(size=40))
    >>> result = bm.cross_validate(bm.Model(), data, bm.Exact(), folds=4, rng=1)
    >>> len(result.folds), len(result.calibration)
    (4, 40)
    """
    require_model(model, data, "cross_validate")
    generator = np.random.default_rng(seed_of(rng))
    parts = divided(data.m, whole_number(folds, "folds"), groups, strata, generator)
    resolved = model.resolve(data).model
    found, lost = list[Fold](), dict[int, tuple[str, ...]]()
    for k, rows in enumerate(parts):
        fold, names = _fold(model, resolved, data, method, rows, generator)
        found.append(fold)
        if names:
            lost[k] = names
    if lost:
        warnings.warn(_without_words(lost, len(parts)), DataWarning, stacklevel=2)
    return CrossValidation(data, tuple(found))


def _fold(
    declared: Model,
    resolved: Model,
    data: Data,
    method: Method | None,
    rows: Integers,
    rng: np.random.Generator,
) -> tuple[Fold, tuple[str, ...]]:
    """Predict some rows from the others, without columns that only they would determine."""
    others = subset(data, np.setdiff1d(np.arange(data.m), rows))
    X = np.asarray(data.X[rows], dtype=np.float64)
    try:
        learned = fit(resolved, others, method, rng=rng)
    except RankDeficientError:
        left_out = _left_out(resolved, others)
        if not left_out or _left_out(resolved, data):
            raise
        part = Model(declared.predictor, resolved.likelihood, declared.prior)
        learned = fit(part, without_columns(others, left_out), method, rng=rng)
        seen = columns_kept(data, left_out)
        names = tuple(data.feature_names[j] for j in left_out)
        return Fold(rows, learned, learned.learned.posterior.predict(X[:, seen])), names
    return Fold(rows, learned, learned.learned.posterior.predict(X)), ()


def _left_out(model: Model, rows: Data) -> list[int]:
    """Return the columns that rows do not determine; beside groups and curves none."""
    if rows.design.roles.groups or rows.design.roles.smooths:
        return []
    return undetermined(rows, "intercept" in model.predictor.shapes(rows.n))


def _without_words(lost: Mapping[int, tuple[str, ...]], folds: int) -> str:
    each = "; ".join(f"fold {k}: {quoted(names)}" for k, names in lost.items())
    return (
        f"cross_validate: the rows learned from do not determine every column in "
        f"{plural(len(lost), 'fold')} of {folds}, and the columns are left out there, as if their "
        f"weights were zero ({each}). Give strata=, so that every level is in every fold, or learn "
        "with a proper prior, such as the default with Exact() or MAP()."
    )
