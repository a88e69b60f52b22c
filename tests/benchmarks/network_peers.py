"""Networks against their peers: time to the same training loss, ensembles, Laplace.

Run as ``python -m tests.benchmarks.network_peers loss``, ``ensemble`` or ``laplace``, with
``--rows`` to choose sizes. PyTorch and laplace-torch are taken if they are installed; everything
runs on as many threads as ``OMP_NUM_THREADS`` allows. Time of one gradient is in
``tests.benchmarks.gradients``.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import bayesml as bm
from bayesml.inference.networks.mode import joint_objective
from bayesml.inference.networks.starts import setting_of
from bayesml.predictors import flat
from tests.reference.refdata import split

HIDDEN = (50, 50)
FEATURES = 10


def rows(m: int) -> tuple[Any, Any]:
    """Draw m rows of a smooth function with noise, standardised."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(m, FEATURES))
    y = np.sin(X[:, 0]) + 0.5 * X[:, 1] * X[:, 2] + 0.1 * rng.normal(size=m)
    return X, (y - y.mean()) / y.std()


def sklearn_run(X: Any, y: Any, epochs: int) -> tuple[float, float]:
    """Return scikit-learn's seconds and mean squared error by Adam, minibatches of 200."""
    from sklearn.neural_network import MLPRegressor

    net = MLPRegressor(
        hidden_layer_sizes=HIDDEN, activation="tanh", alpha=0.0, batch_size=200,
        learning_rate_init=3e-3, max_iter=epochs, tol=0.0, n_iter_no_change=epochs, random_state=0,
    )  # fmt: skip
    start = time.perf_counter()
    net.fit(X, y)
    return time.perf_counter() - start, float(np.mean((net.predict(X) - y) ** 2))


def torch_network(inputs: int, seed: int) -> Any:
    """Return the same network in PyTorch."""
    import torch

    torch.manual_seed(seed)
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])  # imports more than torch itself does
    sizes, parts = (inputs, *HIDDEN), []
    for size, wide in zip(sizes, HIDDEN, strict=False):
        parts += [torch.nn.Linear(size, wide), torch.nn.Tanh()]
    return torch.nn.Sequential(*parts, torch.nn.Linear(HIDDEN[-1], 1))


def torch_until(X: Any, y: Any, target: float, seed: int = 0, most: int = 200) -> float:
    """Return PyTorch's seconds to a mean squared error, by Adam, minibatches of 200."""
    import torch

    A, b = torch.tensor(X, dtype=torch.float32), torch.tensor(y[:, None], dtype=torch.float32)
    net = torch_network(X.shape[1], seed)
    steps = torch.optim.Adam(net.parameters(), 3e-3)
    start = time.perf_counter()
    for _ in range(most):
        for part in torch.randperm(len(A)).split(200):
            steps.zero_grad()
            ((net(A[part]) - b[part]) ** 2).mean().backward()
            steps.step()
        with torch.no_grad():
            if float(((net(A) - b) ** 2).mean()) <= target:
                return time.perf_counter() - start
    return float("inf")


def ours_until(X: Any, y: Any, target: float, optimizer: bm.optimizers.Optimizer) -> float:
    """Return the package's seconds to a mean squared error."""
    model = bm.Model(bm.MLP(HIDDEN), bm.Gaussian(sigma=1.0), bm.Layered(sd=1e4))
    setting = setting_of(model.resolve(bm.Data(X, y)))
    start = setting.network.start(X.shape[1], np.random.default_rng(0))
    objective: Any = joint_objective(setting, setting.rows)
    if isinstance(optimizer, bm.LevenbergMarquardt):
        objective = setting.hyperprior.objective(setting.rows, setting.near, setting.scales)
    x = flat.join(start, setting.shapes)
    clock = time.perf_counter()
    for state in optimizer.steps(objective, x, rng=np.random.default_rng(0)):
        if 2.0 * state.value - np.log(2.0 * np.pi) <= target:
            return time.perf_counter() - clock
    return float("inf")


def if_installed(name: str, run: Callable[[], float]) -> float:
    """Run a peer, or say NaN where it is not installed."""
    try:
        __import__(name)
    except ImportError:
        return float("nan")
    return run()


def loss(sizes: list[int]) -> None:
    """Time to the training loss that scikit-learn reaches in twenty epochs."""
    for m in sizes:
        X, y = rows(m)
        seconds, target = sklearn_run(X, y, 20)
        adam = bm.Adam(3e-3, batch_size=200, max_iterations=200, schedule=bm.optimizers.Constant())
        table = {
            "scikit-learn Adam": seconds,
            "PyTorch Adam": if_installed("torch", partial(torch_until, X, y, target)),
            "bayesml Adam": ours_until(X, y, target, adam),
            "bayesml L-BFGS": ours_until(X, y, target, bm.LBFGS(max_iterations=2000)),
        }
        if m <= 2000:
            steps = bm.LevenbergMarquardt(max_iterations=200)
            table["bayesml Levenberg-Marquardt"] = ours_until(X, y, target, steps)
        print(
            f"m = {m:>7}, loss {target:.4f}  "
            + "  ".join(f"{k} {v:.2f} s" for k, v in table.items())
        )


def ensemble(sizes: list[int]) -> None:
    """Ten members by fifty full-batch Adam steps: one batched computation against ten fits."""
    for m in sizes:
        X, y = rows(m)
        model = bm.Model(bm.MLP(HIDDEN), bm.Gaussian(sigma=1.0), bm.Layered(sd=1.0))
        member = bm.MAP(bm.Adam(max_iterations=50))
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", bm.ConvergenceWarning)
            bm.fit(model, bm.Data(X, y), bm.Ensemble(10, member), rng=0)
        ours = time.perf_counter() - start
        theirs = if_installed("torch", partial(ten, X, y))
        print(f"m = {m:>7}  bayesml {ours:.2f} s  PyTorch {theirs:.2f} s")


def ten(X: Any, y: Any) -> float:
    """Return PyTorch's seconds for ten fits of fifty full-batch Adam steps."""
    import torch

    A, b = torch.tensor(X, dtype=torch.float32), torch.tensor(y[:, None], dtype=torch.float32)
    nets = [torch_network(X.shape[1], seed) for seed in range(10)]
    start = time.perf_counter()
    for net in nets:
        steps = torch.optim.Adam(net.parameters(), 1e-2)
        for _ in range(50):
            steps.zero_grad()
            ((net(A) - b) ** 2).mean().backward()
            steps.step()
    return time.perf_counter() - start


def laplace(_: list[int]) -> None:
    """Yacht and energy, split 0: one Laplace with evidence against laplace-torch's own."""
    for name in ("yacht", "energy"):
        part = split(name, 0)
        model = bm.Model(bm.MLP((50,)), bm.Gaussian(), bm.Layered(relevance=False))
        start = time.perf_counter()
        fit = bm.fit(model, bm.Data(part.X_train, part.y_train), bm.Laplace(), rng=0)
        seconds = time.perf_counter() - start
        score = float(np.mean(fit.predict(part.X_test).log_prob(part.y_test)))
        print(f"{name:8} bayesml {seconds:.2f} s, log likelihood {score:.3f}")
        theirs = if_installed("laplace", partial(laplace_torch, part))
        print(f"{name:8} laplace-torch {theirs:.2f} s")


def laplace_torch(part: Any) -> float:
    """Train by laplace-torch's online evidence, print its log likelihood, return the seconds."""
    import torch
    from laplace import marglik_training
    from torch.utils.data import DataLoader, TensorDataset

    centre, spread = part.X_train.mean(axis=0), part.X_train.std(axis=0)
    mean, sd = part.y_train.mean(), part.y_train.std()
    A = torch.tensor((part.X_train - centre) / spread, dtype=torch.float32)
    b = torch.tensor(((part.y_train - mean) / sd)[:, None], dtype=torch.float32)
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(A.shape[1], 50), torch.nn.Tanh(), torch.nn.Linear(50, 1)
    )
    start = time.perf_counter()
    posterior, *_ = marglik_training(
        net, DataLoader(TensorDataset(A, b), batch_size=len(A)), likelihood="regression",
        hessian_structure="full", n_epochs=2000, optimizer_kwargs={"lr": 1e-2},
        prior_structure="layerwise",
    )  # fmt: skip
    seconds = time.perf_counter() - start
    new = torch.tensor((part.X_test - centre) / spread, dtype=torch.float32)
    at, variance = posterior(new)
    total = variance.detach().numpy()[:, 0, 0] + float(posterior.sigma_noise.detach()) ** 2
    error = part.y_test - (at.detach().numpy()[:, 0] * sd + mean)
    log_density = -0.5 * (np.log(2 * np.pi * total * sd**2) + error**2 / (total * sd**2))
    print(f"         laplace-torch log likelihood {log_density.mean():.3f}")
    return seconds


def main() -> None:
    """Run one comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["loss", "ensemble", "laplace"])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    settings = parser.parse_args()
    {"loss": loss, "ensemble": ensemble, "laplace": laplace}[settings.what](settings.rows)


if __name__ == "__main__":
    main()
