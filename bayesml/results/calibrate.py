"""Predictions beside what was observed. Described in docs/guides/calibration.md."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bayesml.arguments import generator_of
from bayesml.likelihoods import OfOneQuantile
from bayesml.posteriors import Prediction
from bayesml.results.calibration import BY_ROW, SCORED, Calibration
from bayesml.results.fit import Fit, require_fit
from bayesml.results.new_rows import class_names, observed_of, rows_of, whose
from bayesml.results.reliability import numbered
from bayesml.results.scores import class_probabilities, crps, pit
from bayesml.typing import Array

PIT_STREAM = 4
"""Of the seed of a fit, for what is drawn of the PIT values of counts."""


def calibration(
    subject: Fit | Prediction, observed: Any, *, rng: int | np.random.Generator | None = None
) -> Calibration:
    r"""Compare predictions with what was observed.

    Parameters
    ----------
    subject : Fit or Prediction
    observed : Data, data frame, or ndarray of shape (rows,)
        For a fit, rows with their target, best ones that it has not seen: of rows in memory the
        result says whether it has. For a prediction, the observed y of its rows.
    rng : int, Generator or None
        For counts, whose PIT values are partly drawn. None takes the seed of the fit.

    Returns
    -------
    Calibration
        With ``coverage()``, ``histogram()``, ``scores()``, ``by_group(groups)``, a ``check()``
        that says what is wrong; `bayesml.plots.calibration` draws it.

    Raises
    ------
    DataError
        If there is no target to compare with, or the observed y of a prediction are not one finite
        number a row, of classes theirs.

    References
    ----------
    Gneiting, Balabdaoui & Raftery (2007), Probabilistic forecasts, calibration and sharpness, §3.

    Examples
    --------
    >>> import numpy as np, bayesml as bm
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 1))
    >>> y = X[:, 0] + rng.normal(size=200)
    >>> fit = bm.fit(bm.Model(), bm.Data(X[:100], y[:100]))
    >>> bm.calibration(fit, bm.Data(X[100:], y[100:])).passed
    True
    """
    if isinstance(subject, Prediction):
        y = observed_of(subject, observed, "calibration")
        generator = generator_of(0 if rng is None else rng)
        words = "given with their prediction"
        return compared(subject, y, np.ones(len(y)), (), words, generator)
    rows = rows_of(require_fit(subject, "calibration"), observed)
    prediction = subject.learned.posterior.predict(np.asarray(rows.X, dtype=np.float64))
    own = np.random.default_rng([subject.seed, PIT_STREAM])
    generator = own if rng is None else generator_of(rng)
    return replace(
        compared(
            prediction,
            rows.y,
            rows.row_weights,
            class_names(subject),
            whose(subject, rows),
            generator,
        ),
        quantile=quantile_of(subject),
    )


def quantile_of(fit: Fit) -> float | None:
    """Return the one quantile that predictions of a fit are of; None where they are of a law."""
    likelihood = fit.learned.resolved.likelihood
    return likelihood.quantile if isinstance(likelihood, OfOneQuantile) else None


def compared(
    prediction: Prediction,
    y: Array,
    weights: Array,
    classes: tuple[str, ...],
    rows: str,
    rng: np.random.Generator,
) -> Calibration:
    """Evaluate everything that a calibration needs, once; classes may have numbers for names."""
    probabilities = class_probabilities(prediction)
    intervals = [prediction.interval(level) for level in SCORED]
    return Calibration(
        y,
        prediction.mean,
        prediction.sd,
        pit(prediction, y, rng),
        prediction.log_prob(y),
        crps(prediction, y),
        np.stack([interval.lower for interval in intervals]),
        np.stack([interval.upper for interval in intervals]),
        weights,
        probabilities,
        classes or numbered(len(probabilities)),
        rows,
    )


def pooled(parts: Sequence[Calibration], rows: str) -> Calibration:
    """Put rows that were compared separately together."""
    columns: dict[str, Any] = {
        k: np.concatenate([getattr(p, k) for p in parts], axis=-1) for k in BY_ROW
    }
    return replace(parts[0], **columns, rows=rows)
