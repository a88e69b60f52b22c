"""Cross-validation, and the risk of a loss. Described in docs/guides/calibration.md."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayesml.data import Data
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.inference import Method
from bayesml.losses import AbsoluteError, Loss, PinballLoss, SquaredError
from bayesml.model import Model
from bayesml.posteriors import Prediction
from bayesml.posteriors.decisions import losses
from bayesml.posteriors.rows import whole_number
from bayesml.results.calibration import Calibration, compared, pooled, rows_of
from bayesml.results.fit import Fit
from bayesml.results.learning import fit, seed_of
from bayesml.typing import Array, Integers


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


@dataclass(frozen=True, eq=False)
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
                "",
                np.random.default_rng(k),
            )
            for k, fold in enumerate(self.folds)
        ]
        return pooled(parts, f"each left out once, in {len(self.folds)} folds")

    @property
    def rows(self) -> Integers:
        """The row of each entry of the calibration, in its order."""
        return np.concatenate([fold.rows for fold in self.folds])

    def __str__(self) -> str:
        """Show the calibration."""
        return str(self.calibration)


@dataclass(frozen=True)
class Risk:
    """An average loss and its standard error over rows.

    Attributes
    ----------
    value, standard_error : float
        In the unit of the loss.
    how : str
        On which rows.
    """

    value: float
    standard_error: float
    how: str

    def __str__(self) -> str:
        """Say both."""
        return f"{self.value:.6g} ± {self.standard_error:.2g} ({self.how})"


def cross_validate(
    model: Model,
    data: Data,
    method: Method | None = None,
    *,
    folds: int = 10,
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
    rng : int, Generator or None
        Of the division and the fits.

    Returns
    -------
    CrossValidation
        Its ``calibration`` is over all rows; give it to `risk` for any loss. What a formula has
        learned from all rows, such as levels and centres, is not learned again.

    Raises
    ------
    DataError
        If there are more folds than rows, or less than two.

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
    count = whole_number(folds, "folds")
    if not 2 <= count <= data.m:
        raise DataError(f"cross_validate: folds must be between 2 and {data.m} rows, got {folds}.")
    generator = np.random.default_rng(seed_of(rng))
    parts = np.array_split(generator.permutation(data.m), count)
    return CrossValidation(
        data, tuple(_fold(model, data, method, np.sort(rows), generator) for rows in parts)
    )


def risk(subject: Fit | CrossValidation, data: Any = None, loss: Loss = SquaredError()) -> Risk:
    r"""Return the average loss of the best action for it: :math:`\frac1m\sum_i \ell(y_i, a^*_i)`.

    Parameters
    ----------
    subject : Fit or CrossValidation
    data : Data or data frame, optional
        For a fit: rows with their target. On the rows that it learned from the risk is empirical,
        and flatters it. Without data it is leave-one-out, by ArviZ's importance sampling.
    loss : callable
        ℓ(y, a); see `bayesml.losses`.

    Returns
    -------
    Risk

    Raises
    ------
    IncompatibleModelError
        Leave-one-out knows squared, absolute and pinball errors, and needs a posterior.

    References
    ----------
    Vapnik (1998), Statistical Learning Theory, §1.2; Vehtari, Gelman & Gabry (2017), Practical
    Bayesian model evaluation using leave-one-out cross-validation and WAIC, §2.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
    >>> fit = bm.fit(bm.Model(), data, bm.MLE())
    >>> round(bm.risk(fit, data).value, 6)  # J of the least-squares solution, 1/72
    0.013889
    """
    if isinstance(subject, CrossValidation):
        actions: Array = np.empty(subject.data.m)
        for fold in subject.folds:
            actions[fold.rows] = fold.prediction.decide(loss)
        how = f"each row left out once, in {len(subject.folds)} folds"
        return _average(loss, subject.data.y, actions, subject.data.row_weights, how)
    if data is None:
        actions = _leave_one_out_actions(subject, loss)
        how = "leave-one-out by importance sampling"
        return _average(loss, subject.data.y, actions, subject.data.row_weights, how)
    X, y, weights = rows_of(subject, data)
    actions = subject.learned.posterior.predict(X).decide(loss)
    how = "the rows learned from" if data is subject.data else "rows new to the fit"
    return _average(loss, y, actions, weights, how)


def _average(loss: Loss, y: Array, actions: Array, weights: Array, how: str) -> Risk:
    costs, total = losses(loss, y, actions), float(weights.sum())
    value = float(weights @ costs / total)
    spread = float(weights @ (costs - value) ** 2 / max(total - 1.0, 1.0))
    return Risk(value, float(np.sqrt(spread / total)), how)


def _leave_one_out_actions(subject: Fit, loss: Loss) -> Array:
    import arviz as az

    if subject.kind == "point":
        raise IncompatibleModelError(
            "risk: leave-one-out by importance sampling needs a posterior, not a point estimate. "
            "Use cross_validate(model, data, method, folds=data.m)."
        )
    match loss:
        case SquaredError():
            asked: dict[str, Any] = {"kind": "mean"}
        case AbsoluteError():
            asked = {"kind": "median"}
        case PinballLoss(level):
            asked = {"kind": "quantile", "probs": level}
        case _:
            raise IncompatibleModelError(
                f"risk: leave-one-out knows squared, absolute and pinball errors, got {loss!r}. "
                "Use cross_validate, whose result takes any loss."
            )
    tree = subject.to_datatree(log_likelihood=True, posterior_predictive=True)
    expected, _ = az.loo_expectations(tree, **asked)
    return np.asarray(expected, dtype=np.float64)


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
