"""What NUTS runs on, at data that are hard for it."""

import numpy as np

from bayesml.inference.engines import whitening
from bayesml.log_joint import log_joint
from tests.calibration.simulation import MODEL, draw


def test_a_search_that_tries_vanishing_noise_finds_the_mode_all_the_same() -> None:
    """Five rows, nearly on a plane: a step of the line search takes σ below what floats hold."""
    rng = np.random.default_rng([11, 5, 0])
    made = [draw(5, rng) for _ in range(198)][-1]
    joint = log_joint(MODEL.resolve(made.data)).unconstrained()
    found = whitening(joint, np.zeros(joint.size))
    gradient = joint.log_density_and_gradient(found.mode)[1] / joint.weight
    assert np.linalg.norm(gradient) < 1e-3
    far = found.mode.copy()
    far[-1] = -800.0
    with np.errstate(all="ignore"):
        value, gradient = joint.log_density_and_gradient(far)
    assert not np.isfinite(value)
    assert not np.isfinite(gradient).all()
