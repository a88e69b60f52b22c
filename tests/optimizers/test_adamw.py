"""AdamW against algorithm 2 of Loshchilov & Hutter, and where it comes to rest (O26, O27)."""

import numpy as np
import pytest

import bayesml as bm
from bayesml.errors import IncompatibleModelError
from bayesml.inference.networks.mode import joint_objective
from bayesml.inference.networks.starts import setting_of
from bayesml.log_joint import Members
from bayesml.optimizers import Adam, AdamW, Constant, minimize
from tests.optimizers.problems import Quadratic


def algorithm_2(gradient, theta, alpha, beta1, beta2, epsilon, decay):
    m = v = np.zeros_like(theta)
    t = 0
    while True:
        yield theta
        t += 1
        g = gradient(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - (alpha * m_hat / (np.sqrt(v_hat) + epsilon) + alpha * decay * theta)


def test_it_is_algorithm_2():
    problem = Quadratic(30.0)
    adam = Adam(learning_rate=0.05, beta1=0.8, beta2=0.95, epsilon=1e-3, schedule=Constant())
    by_hand = algorithm_2(
        lambda x: problem.value_and_gradient(x)[1], problem.start, 0.05, 0.8, 0.95, 1e-3, 0.3
    )
    states = AdamW(0.3, adam).steps(problem, problem.start)
    for _, state, theta in zip(range(60), states, by_hand, strict=False):
        np.testing.assert_allclose(state.x, theta, rtol=1e-9)


class Away:
    """½‖x − c‖², some of whose coordinates are no weights."""

    centre = np.array([3.0, -3.0, 0.5, 3.0])
    decays = np.array([True, True, True, False])

    def value(self, x):
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x):
        return 0.5 * float((x - self.centre) @ (x - self.centre)), x - self.centre


def test_in_full_batch_it_is_a_bound_on_the_weights_alone():
    """The minimiser subject to |θ| ≤ 1/λ: within the bound there is no shrinkage."""
    x = minimize(AdamW(0.5), Away(), np.zeros(4)).x
    np.testing.assert_allclose(x, [2.0, -2.0, 0.5, 3.0], atol=2e-3)


def test_it_does_not_pass_for_an_optimum():
    optimum = minimize(AdamW(0.5), Away(), np.zeros(4))
    assert not optimum.converged
    assert optimum.gradient_norm > 1


def test_no_mode_is_claimed():
    data = bm.Data([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.5])
    network = bm.Model(bm.MLP((2,)), bm.Gaussian(sigma=1.0))
    with pytest.raises(IncompatibleModelError, match=r"decay is no prior.*Layered\(sd"):
        bm.fit(network, data, bm.MAP(AdamW()))
    with pytest.raises(IncompatibleModelError, match="a network's"):
        bm.fit(bm.Model(), data, bm.MLE(AdamW()))
    with pytest.raises(IncompatibleModelError, match="weight_decay"):
        AdamW(weight_decay=0.0)


def test_a_batched_ensemble_decays_its_weights_and_not_its_noise(rng):
    X = rng.normal(size=(30, 2))
    data = bm.Data(X, X[:, 0] + 0.1 * rng.normal(size=30))
    model = bm.Model(bm.MLP((4,)), bm.Gaussian())
    setting = setting_of(model.resolve(data))
    single = joint_objective(setting, setting.rows)
    np.testing.assert_array_equal(np.flatnonzero(~Members(single, 2).decays), [17, 35])
    strong = bm.Ensemble(3, bm.MLE(AdamW(20.0, Adam(max_iterations=800))))
    with pytest.warns(bm.ConvergenceWarning):
        fit = bm.fit(model, data, strong, rng=1)
    weights = fit.idata["posterior"]["weights_1"]
    assert np.abs(weights).max() < 0.1  # 1/λ, and the momentum beyond it
