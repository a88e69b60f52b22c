"""Linear predictors side by side of three columns, each with a likelihood that reads them."""

from typing import Any, NamedTuple

import bayesml as bm
from bayesml.data.roles import LinearPart
from bayesml.likelihoods import Distributional
from bayesml.predictors import KnownColumns, LinearPredictors

WIDTH = 3
CLASSES = ("b", "c")


class Several(NamedTuple):
    """A predictor, and a likelihood of as many outputs."""

    predictor: LinearPredictors
    likelihood: Any


def eta(end: int, intercept: bool = True, classes: tuple[str, ...] | None = None) -> LinearPart:
    return LinearPart("", (0, end), ("x", "z")[:end], intercept, classes)


def sigma(start: int, intercept: bool = True) -> LinearPart:
    return LinearPart("sigma", (start, start + 1), ("z",), intercept)


OF_SCALE = Distributional(bm.Gaussian(), ("sigma",))
SEVERAL = {
    "a scale and an offset": Several(
        LinearPredictors((eta(1), sigma(1)), KnownColumns(2, ())), OF_SCALE
    ),
    "a scale, no intercepts": Several(
        LinearPredictors((eta(2, False), sigma(2, False)), KnownColumns(None, ())), OF_SCALE
    ),
    "an offset": Several(LinearPredictors((eta(2),), KnownColumns(2, ())), bm.Poisson()),
    "classes and an offset": Several(
        LinearPredictors((eta(2, classes=CLASSES),), KnownColumns(2, ())),
        bm.Categorical(("a", *CLASSES)),
    ),
    "classes, no intercept": Several(
        LinearPredictors((eta(2, False, CLASSES),), KnownColumns(2, ())),
        bm.Categorical(("a", *CLASSES)),
    ),
    "trials": Several(LinearPredictors((eta(2),), KnownColumns(None, (2,))), bm.Binomial()),
}
