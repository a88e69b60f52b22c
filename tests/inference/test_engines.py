"""What NUTS runs on, at data that are hard for it."""

import numpy as np

from bayesml.inference.engines import whitening
from bayesml.inference.objectives import Unconstrained, negative_log_density
from tests.calibration.simulation import MODEL, draw


def test_a_search_that_tries_vanishing_noise_finds_the_mode_all_the_same() -> None:
    """Five rows, nearly on a plane: a step of the line search takes σ below what floats hold."""
    rng = np.random.default_rng([11, 5, 0])
    made = [draw(5, rng) for _ in range(198)][-1]
    objective = Unconstrained(negative_log_density(MODEL.resolve(made.data), with_prior=True))
    found = whitening(objective)
    assert np.linalg.norm(objective.value_and_gradient(found.mode)[1]) < 1e-3
    far = found.mode.copy()
    far[-1] = -800.0
    value, gradient = objective.value_and_gradient(far)
    assert not np.isfinite(value)
    assert not np.isfinite(gradient).all()
