"""The risk: the average loss of the best action. Described in docs/guides/calibration.md."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.arguments import shown
from bayesml.data.messages import plural
from bayesml.errors import IncompatibleModelError
from bayesml.losses import KnownAction, Loss
from bayesml.posteriors.decisions import losses
from bayesml.results.cross_validation import CrossValidation
from bayesml.results.fit import Fit
from bayesml.results.new_rows import rows_of, whose
from bayesml.typing import Array


@dataclass(frozen=True)
class Risk:
    """An average loss and its standard error over rows.

    Attributes
    ----------
    value, standard_error : float
        In the unit of the loss.
    how : str
        On which rows.

    Examples
    --------
    >>> print(Risk(0.25, 0.05, "each of 100 rows left out once"))
    0.25 ± 0.05 (each of 100 rows left out once)
    """

    value: float
    standard_error: float
    how: str

    def __str__(self) -> str:
        """Say both."""
        return f"{self.value:.6g} ± {self.standard_error:.2g} ({self.how})"


def risk(subject: Fit | CrossValidation, data: Any = None, loss: Loss | None = None) -> Risk:
    r"""Return the average loss of the best action for it: :math:`\frac1m\sum_i \ell(y_i, a^*_i)`.

    Parameters
    ----------
    subject : Fit or CrossValidation
    data : Data or data frame, optional
        For a fit: rows with their target. On the rows that it learned from the risk is empirical,
        and flatters it. Without data it is leave-one-out, by ArviZ's importance sampling.
    loss : callable, optional
        ℓ(y, a); see `bayesml.losses`. By default the likelihood's own: the squared error of a
        Gaussian, the cross entropy of zeros and ones, the pinball loss of a quantile.

    Returns
    -------
    Risk

    Raises
    ------
    IncompatibleModelError
        Leave-one-out knows losses whose best action is the mean or a quantile, and needs a
        posterior.

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
    loss = _own_loss(subject) if loss is None else loss
    if isinstance(subject, CrossValidation):
        actions: Array = np.empty(subject.data.m)
        for fold in subject.folds:
            actions[fold.rows] = fold.prediction.decide(loss)
        how = f"each row left out once, in {len(subject.folds)} folds"
        return _average(loss, subject.data.y, actions, subject.data.row_weights, how)
    if data is None:
        actions = _leave_one_out_actions(subject, loss)
        how = "leave-one-out by importance sampling"
        weights = subject.data.row_weights
        there = weights > 0  # ArviZ is given no others
        return _average(loss, subject.data.y[there], actions, weights[there], how)
    rows = rows_of(subject, data)
    X = np.asarray(rows.X, dtype=np.float64)
    actions = subject.learned.posterior.predict(X).decide(loss)
    how = f"{plural(rows.m, 'row')}, {whose(subject, rows)}"
    return _average(loss, rows.y, actions, rows.row_weights, how)


def _own_loss(subject: Fit | CrossValidation) -> Loss:
    answer = subject.folds[0].fit if isinstance(subject, CrossValidation) else subject
    return answer.model.likelihood.loss


def _average(loss: Loss, y: Array, actions: Array, weights: Array, how: str) -> Risk:
    costs, total = losses(loss, y, actions), float(weights.sum())
    value = float(weights @ costs / total)
    spread = float(weights @ (costs - value) ** 2 / max(total - 1.0, 1.0))
    return Risk(value, float(np.sqrt(spread / total)), how)


def _leave_one_out_actions(subject: Fit, loss: Loss) -> Array:
    if subject.kind == "point":
        raise IncompatibleModelError(
            "risk: leave-one-out by importance sampling needs a posterior, not a point estimate. "
            "Use cross_validate(model, data, method, folds=data.m)."
        )
    if isinstance(loss, type) or not isinstance(loss, KnownAction):
        raise IncompatibleModelError(
            f"risk: leave-one-out knows losses whose best action is the mean or a quantile, got "
            f"{shown(loss)}. Use cross_validate, whose result takes any loss."
        )
    return loss.best_action(
        _LeftOut(subject.to_datatree(log_likelihood=True, posterior_predictive=True))
    )


@dataclass(frozen=True, eq=False)
class _LeftOut:
    """What is said of every row by the others, by importance sampling of draws."""

    tree: Any

    @property
    def mean(self) -> Array:
        """Means."""
        return self._expected(kind="mean")

    def quantile(self, q: float) -> Array:
        """Quantiles."""
        return self._expected(kind="quantile", probs=q)

    def _expected(self, **asked: Any) -> Array:
        import arviz as az

        return np.asarray(az.loo_expectations(self.tree, **asked)[0], dtype=np.float64)
