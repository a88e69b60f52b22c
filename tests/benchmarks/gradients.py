"""Time of a gradient of the mean squared error, n = 10, two hidden layers of 50.

Run as ``python -m tests.benchmarks.gradients``. scikit-learn's `MLPRegressor` is timed by its own
backpropagation, PyTorch if it is installed.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import bayesml as bm
from bayesml.inference.networks.mode import joint_objective
from bayesml.inference.networks.starts import setting_of
from bayesml.predictors import flat


def best(function: Callable[[], Any], seconds: float = 2.0) -> float:
    """Return the least time of a call, in milliseconds."""
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def ours(X: Any, y: Any) -> Callable[[], Any]:
    """Return the package's gradient."""
    model = bm.Model(bm.MLP((50, 50)), bm.Gaussian(sigma=1.0), bm.Layered(sd=1.0))
    setting = setting_of(model.resolve(bm.Data(X, y)))
    start = setting.network.start(X.shape[1], np.random.default_rng(0))
    objective = joint_objective(setting, setting.rows)
    x = flat.join(start, setting.shapes)
    return lambda: objective.value_and_gradient(x)


def sklearns(X: Any, y: Any) -> Callable[[], Any]:
    """Return scikit-learn's gradient."""
    from sklearn.neural_network import MLPRegressor

    net = MLPRegressor(hidden_layer_sizes=(50, 50), activation="tanh", batch_size=len(X))
    net.partial_fit(X, y)
    activations = [X, *[np.empty((len(X), k)) for k in (50, 50, 1)]]
    deltas = [np.empty_like(a) for a in activations[1:]]
    weights = [np.empty_like(c) for c in net.coefs_]
    biases = [np.empty_like(c) for c in net.intercepts_]
    target = y[:, None]
    backprop = net._backprop
    return lambda: backprop(X, target, None, activations, deltas, weights, biases)


def torchs(X: Any, y: Any, precision: str) -> Callable[[], Any] | None:
    """Return PyTorch's gradient, or nothing where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    kind = getattr(torch, precision)
    A, b = torch.tensor(X, dtype=kind), torch.tensor(y[:, None], dtype=kind)
    layers = torch.nn.Linear(X.shape[1], 50), torch.nn.Linear(50, 50), torch.nn.Linear(50, 1)
    tanh = torch.nn.Tanh()
    net = torch.nn.Sequential(layers[0], tanh, layers[1], tanh, layers[2]).to(kind)
    parameters = list(net.parameters())
    return lambda: torch.autograd.grad(((net(A) - b) ** 2).mean(), parameters)


def main() -> None:
    """Print a table."""
    rng = np.random.default_rng(0)
    for m in (1_000, 10_000, 100_000):
        X = rng.normal(size=(m, 10))
        y = np.sin(X[:, 0]) + 0.1 * rng.normal(size=m)
        row = {"bayesml": best(ours(X, y)), "scikit-learn": best(sklearns(X, y))}
        for precision in ("float64", "float32"):
            if (peer := torchs(X, y, precision)) is not None:
                row[f"PyTorch {precision}"] = best(peer)
        print(f"m = {m:>7}  " + "  ".join(f"{k} {v:.2f} ms" for k, v in row.items()))


if __name__ == "__main__":
    main()
