"""What NUTS runs on, at data that are hard for it."""

from typing import Any

import numpy as np

from bayesml.inference.engines import Whitening, whitening
from bayesml.log_joint import log_joint
from tests.calibration.simulation import MODEL, draw

Vector = np.ndarray[Any, Any]


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


def test_an_infinite_slope_is_no_warning() -> None:
    """As of ordered classes whose gap vanishes: a divergence, which the sampler counts."""

    class Steep:
        def log_density_and_gradient(self, x: Vector) -> tuple[float, Vector]:
            return -np.inf, np.array([np.inf, 1.0])

    steep: Any = Steep()
    value, gradient = Whitening(steep, np.zeros(2), np.eye(2)).log_density(np.ones(2))
    assert value == -np.inf
    assert not np.isfinite(gradient).all()
