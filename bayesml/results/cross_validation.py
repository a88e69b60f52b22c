"""Cross-validation. Described in docs/guides/calibration.md."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesml.arguments import seed_of, whole_number
from bayesml.data import Data
from bayesml.inference import Method
from bayesml.model import Model, require_model
from bayesml.posteriors import Prediction
from bayesml.results.calibrate import compared, pooled, quantile_of
from bayesml.results.calibration import Calibration
from bayesml.results.fit import Fit
from bayesml.results.fitting import fit
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
    return CrossValidation(
        data, tuple(_fold(resolved, data, method, rows, generator) for rows in parts)
    )


def _fold(
    model: Model, data: Data, method: Method | None, rows: Integers, rng: np.random.Generator
) -> Fold:
    others = np.setdiff1d(np.arange(data.m), rows)
    learned = fit(model, _subset(data, others), method, rng=rng)
    X = np.asarray(data.X[rows], dtype=np.float64)
    return Fold(rows, learned, learned.learned.posterior.predict(X))


def _subset(data: Data, rows: Integers) -> Data:
    weights, labels = data.observation_weights, data.row_labels
    return Data.from_checked_arrays(
        data.X[rows],
        data.y[rows],
        None if weights is None else weights[rows],
        data.design,
        None if labels is None else labels[rows],
    )
