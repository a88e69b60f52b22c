"""Predictions where one column moves and the others are held: what `effect` draws."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.data.frames import objects
from bayesml.data.roles import TRIALS
from bayesml.errors import DataError
from bayesml.likelihoods import Log, PiecewiseLinear
from bayesml.posteriors import Prediction
from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.row_distribution import RowDistribution
from bayesml.results.columns import Columns, is_numeric, levels, levels_known, moves, rows_at
from bayesml.results.export import parameter_draws
from bayesml.results.fit import Fit
from bayesml.results.new_rows import class_names
from bayesml.results.plots.apart import MOST_CURVES, Group
from bayesml.typing import Array

GRID = 120
MOST_POINTS = 2_000
QUANTILE_DRAWS = 2_000


@dataclass(frozen=True, eq=False)
class Curve:
    """A prediction along one column.

    Attributes
    ----------
    label : str
        The level that tells curves apart; empty for a single curve.
    x : ndarray
        Values of the moving column: numbers, or levels.
    X : ndarray
        The features there.
    prediction : Prediction
        At these values.
    centre : ndarray
        What is modelled there: E[y], or a quantile of y.
    modelled : RowDistribution
        Its posterior.
    points_x, points_y : ndarray
        Rows of the data, at most 2000 taken at random, with their partial residuals; or as they
        are, where y is a class or a number of successes.
    """

    label: str
    x: Any
    X: Array
    prediction: Prediction
    centre: Array
    modelled: RowDistribution
    points_x: Any
    points_y: Array


@dataclass(frozen=True)
class Shown:
    """What is on the vertical axis.

    Attributes
    ----------
    label : str
    trials : int or None
        The column of X that is set to one trial where trials differ: shares are drawn.
    points : str
        What the points are, in words, where other columns are held.
    what : str
        What has a posterior, in words.
    classes : tuple of str
        Of the target; empty where it has none.
    quantile : float or None
        Of y, where that is modelled and not its mean.
    as_ratio : bool
        Whether effects multiply.
    """

    label: str
    points: str
    what: str = "the mean"
    trials: int | None = None
    classes: tuple[str, ...] = ()
    quantile: float | None = None
    as_ratio: bool = False

    @property
    def spread(self) -> bool:
        """Whether the predictive distribution of a row is drawn.

        That of one trial says nothing, and that of a quantile's likelihood is a device.
        """
        return self.trials is None and self.quantile is None and not self.classes


def shown(fit: Fit) -> Shown:
    """Choose what to draw: y, its share of trials, a quantile, or the probability of a class."""
    name, classes, likelihood = fit.data.target_name, class_names(fit), fit.resolved.likelihood
    if classes:
        of = f" = {classes[1]}" if len(classes) == 2 else ""
        words = "Points are the rows as they are."
        return Shown(f"probability of {name}{of}", words, "the probability", classes=classes)
    place = fit.design.roles.known_places().get(TRIALS)
    if place is not None and np.ptp(fit.data.X[:, place]) > 0:
        words = "Shares, since trials differ between rows. Points are partial residuals."
        return Shown(f"share of trials: {name}", words, "the share", trials=place)
    if isinstance(likelihood, PiecewiseLinear):
        above, below = likelihood.costs
        q = above / (above + below)
        words = f"{100 * q:g} % quantile of {name}"
        return Shown(words, "Points are partial residuals.", "the quantile", quantile=q)
    ratio = likelihood.link == Log()
    words = "Points are partial residuals, as ratios." if ratio else "Points are partial residuals."
    return Shown(name, words, as_ratio=ratio)


def default_term(fit: Fit, columns: Columns) -> str:
    """Choose the column of the axis: the first feature of more than two numbers, or the first."""
    if not columns:
        raise DataError(
            "the model reads no columns, so there is nothing to draw it against; "
            "plots.predictions(fit) compares it with the data"
        )
    several = [k for k, v in columns.items() if is_numeric(v) and len(levels(v)) > 2]
    known = list(fit.design.roles.known_places().values())
    features = [name for name in [*several, *columns] if moves(fit.design, columns, name, known)]
    return next(iter([*features, *columns]))


def curves(
    fit: Fit, columns: Columns, held: Mapping[str, Any], term: str, groups: list[Group], what: Shown
) -> Iterator[Curve]:
    """Yield a curve for every group, over the range that its rows have."""
    posterior, rng = fit.learned.posterior, np.random.default_rng(fit.seed)
    for group in groups:
        rows = group.rows
        few = np.sort(
            rng.permutation(rows)[: MOST_POINTS // (1 if len(groups) == 1 else MOST_CURVES)]
        )
        fixed = {**held, **group.fixed}
        own = columns[term][rows if len(rows) else slice(None)]
        known = levels_known(fit.design, term)
        x = (
            np.linspace(own.min(), own.max(), GRID)
            if is_numeric(own)
            else objects(levels(own, known))
        )
        X = _of_one_trial(rows_at(fit.design, fixed, {term: x}), what)
        prediction = posterior.predict(X)
        modelled = _quantile(fit, X) if what.quantile is not None else prediction.mean_function
        points = rows_at(fit.design, fixed, {term: columns[term][few]}) if len(few) else X[:0]
        yield Curve(
            group.label,
            x,
            X,
            prediction,
            prediction.mean if what.quantile is None else modelled.mean,
            modelled,
            columns[term][few],
            _points(fit, few, points, what) if len(few) else np.empty(0),
        )


def _points(fit: Fit, rows: Any, at: Array, what: Shown) -> Array:
    """Return partial residuals: the curve at a row's value plus, or times, the row's residual."""
    y, X = np.asarray(fit.data.y[rows]), np.asarray(fit.data.X[rows], dtype=np.float64)
    if what.classes:
        return y
    own, fitted = (_centre(fit, each, what) for each in (X, at))
    place = fit.design.roles.known_places().get(TRIALS)
    if place is not None:
        n = X[:, place]
        unit = n if what.trials is None else np.ones(len(n))
        return unit * _share(fit, y, n, own / unit, fitted / unit)
    return fitted * (y / own) if what.as_ratio else fitted + y - own


def _share(fit: Fit, y: Array, n: Array, own: Array, fitted: Array) -> Array:
    """Return shares moved on the scale of the link, where they stay shares.

    None and all successes are half of one away from it, as in the empirical logit (Cox 1970).
    """
    if np.array_equal(own, fitted):
        with np.errstate(invalid="ignore"):
            return np.asarray(y / n)  # of no trials there is no share, and no point
    link, share = fit.resolved.likelihood.link, (y + 0.5) / (n + 1.0)
    return link.mean(link.eta(fitted) + link.eta(share) - link.eta(own))


def _centre(fit: Fit, X: Array, what: Shown) -> Array:
    if what.quantile is not None:
        return _quantile(fit, X).mean
    return fit.learned.posterior.predict(_of_one_trial(X, what)).mean


def _quantile(fit: Fit, X: Array) -> RowDistribution:
    """Return the posterior of the first output, which is the quantile, by its draws."""
    values = parameter_draws(fit, 1, QUANTILE_DRAWS)
    eta = fit.learned.posterior.eta(values, X)
    draws = eta.reshape(-1, eta.shape[-1]) if eta.ndim == 3 else eta[0].reshape(-1, eta.shape[-1])
    return Atoms(len(X), np.full(len(draws), 1.0 / len(draws)), draws.T.__getitem__)


def _of_one_trial(X: Array, what: Shown) -> Array:
    """Return X with one trial in every row, where shares are drawn."""
    if what.trials is None:
        return X
    out = X.copy()
    out[:, what.trials] = 1.0
    return out
