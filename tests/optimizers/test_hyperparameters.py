"""Hyperparameters are checked at the door, and a repr is the code that makes the optimizer."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from bayesml import optimizers
from bayesml.errors import IncompatibleModelError
from bayesml.optimizers import (
    LBFGS,
    SGD,
    Adam,
    Constant,
    Cosine,
    GradientDescent,
    InverseTime,
    Momentum,
    Newton,
)

EXAMPLES = [
    GradientDescent(),
    GradientDescent(learning_rate=0.1, max_iterations=7, tolerance=1e-3),
    Momentum(),
    Momentum(learning_rate=0.1, momentum=0.5, nesterov=True),
    SGD(),
    SGD(learning_rate=0.1, batch_size=7, schedule=InverseTime(rate=1.0, power=1.0)),
    Adam(),
    Adam(batch_size=8, schedule=Constant()),
    LBFGS(),
    LBFGS(memory=3),
    Newton(),
]


@pytest.mark.parametrize("optimizer", EXAMPLES, ids=repr)
def test_the_repr_is_the_code(optimizer):
    assert eval(repr(optimizer), vars(optimizers)) == optimizer


@pytest.mark.parametrize("optimizer", EXAMPLES, ids=repr)
def test_optimizers_are_values(optimizer):
    assert hash(optimizer) == hash(eval(repr(optimizer), vars(optimizers)))
    with pytest.raises(FrozenInstanceError):
        optimizer.tolerance = 1.0


POSITIVE = [0, -1.0, np.nan, np.inf, "0.1", True, [0.1]]
RATES = [
    (kind, "learning_rate", bad) for kind in (GradientDescent, Momentum, SGD) for bad in POSITIVE
]
NUMBERS = [
    (kind, name, bad)
    for kind, names in (
        (GradientDescent, ["tolerance"]),
        (Momentum, ["tolerance"]),
        (SGD, ["tolerance"]),
        (Adam, ["learning_rate", "epsilon", "tolerance"]),
        (LBFGS, ["tolerance"]),
        (Newton, ["tolerance"]),
        (InverseTime, ["rate", "power"]),
    )
    for name in names
    for bad in [*POSITIVE, None]
]
COUNTS = [
    (kind, name, bad)
    for kind, names in (
        (GradientDescent, ["max_iterations"]),
        (Momentum, ["max_iterations"]),
        (SGD, ["epochs", "batch_size"]),
        (Adam, ["max_iterations", "batch_size"]),
        (LBFGS, ["max_iterations", "memory"]),
        (Newton, ["max_iterations"]),
    )
    for name in names
    for bad in [0, -1, 1.5, 10.0, np.nan, "5", True]
]
FRACTIONS = [
    (kind, name, bad)
    for kind, names in ((Momentum, ["momentum"]), (SGD, ["momentum"]), (Adam, ["beta1", "beta2"]))
    for name in names
    for bad in [-0.1, 1.0, 2, np.nan, "0.9", None, False]
]


@pytest.mark.parametrize(("kind", "name", "bad"), RATES + NUMBERS + COUNTS + FRACTIONS)
def test_a_bad_value_is_named_with_what_is_needed(kind, name, bad):
    with pytest.raises(IncompatibleModelError) as error:
        kind(**{name: bad})
    message = str(error.value)
    assert message.startswith(f"{kind.__name__}: {name} must be ")
    assert message.endswith(f"got {bad!r}.")


def test_none_is_explained_where_it_is_allowed():
    with pytest.raises(IncompatibleModelError, match="or None for a line search"):
        GradientDescent(learning_rate=0)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_schedule_is_callable(kind):
    with pytest.raises(IncompatibleModelError, match=r"schedule must be callable.*got 'cosine'"):
        kind(schedule="cosine")


def test_numbers_of_numpy_are_numbers():
    assert SGD(batch_size=np.int64(8), learning_rate=np.float32(0.5)).batch_size == 8


def test_schedules_are_their_formulas():
    assert [Constant()(t, 100) for t in (0, 50.5)] == [1, 1]
    assert InverseTime(0.5, 0.75)(6, 100) == pytest.approx(4**-0.75)
    assert [Cosine()(t, 8) for t in (0, 2, 4, 8, 99)] == pytest.approx(
        [1, (1 + np.sqrt(0.5)) / 2, 0.5, 0, 0]
    )


@pytest.mark.parametrize("power", [0.6, 0.75, 1.0])
def test_inverse_time_falls_as_the_power_that_robbins_and_monro_need(power):
    # In (½, 1]: the sum of the rates diverges, that of their squares converges.
    early, late = (InverseTime(0.1, power)(t, 1) for t in (1e8, 1e10))
    assert np.log(early / late) / np.log(100) == pytest.approx(power, abs=1e-6)
