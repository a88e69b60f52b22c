"""Functions that a network should learn without being told: what is known of them is exact.

Run as ``python -m tests.benchmarks.toys``, with ``--seeds`` and ``--method``; ``--pictures DIR``
also draws the first seed's. Of every function it prints the distance to the truth, the noise over
the true one, how often intervals of nine tenths of the mean hold the truth, whether the checks
passed, how many times as uncertain the mean is off the data (in their gap, or beyond their ends) as
at the rows, and CPU seconds, for every seed.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import bayesml as bm


class Toy(NamedTuple):
    """A function, its noise, how many rows, and where they lie."""

    truth: Callable[[Any], Any]
    sd: float
    rows: int
    features: int = 1
    gap: bool = False


TOYS = {
    "sin 5x": Toy(lambda X: np.sin(5 * X[:, 0]), 0.1, 200),
    "sin 2x, gap": Toy(lambda X: np.sin(2 * X[:, 0]), 0.1, 120, gap=True),
    "step": Toy(lambda X: 1.0 * (X[:, 0] > 0), 0.1, 200),
    "|x|": Toy(lambda X: np.abs(X[:, 0]), 0.1, 200),
    "bump": Toy(lambda X: np.exp(-np.sum(X**2, axis=1)), 0.1, 400, features=2),
    "noise": Toy(lambda X: np.zeros(len(X)), 1.0, 200),
    "line": Toy(lambda X: X[:, 0], 0.5, 200),
    "30 rows": Toy(lambda X: np.sin(X[:, 0]), 0.1, 30),
}
METHODS: dict[str, Any] = {"laplace": bm.Laplace(), "default": None}
"""How a network of 50 units with Gaussian noise is learned; None is the default network."""


def data_of(toy: Toy, seed: int) -> bm.Data:
    """Draw rows of a toy."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-3, 3, (toy.rows, toy.features))
    if toy.gap:
        X = np.sign(X) * rng.uniform(1, 3, X.shape)
    return bm.Data(X, toy.truth(X) + toy.sd * rng.normal(size=toy.rows))


def off(toy: Toy) -> Any:
    """Return points where there are no data."""
    at = np.linspace(-0.6, 0.6, 25) if toy.gap else np.concatenate([[-3.75], [3.75]])
    return np.repeat(at[:, None], toy.features, axis=1)


def one(toy: Toy, seed: int, method: Any) -> tuple[bm.Fit, tuple[float, ...]]:
    """Fit a toy, and compare it with the truth at its own rows."""
    data, start = data_of(toy, seed), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = bm.Model(bm.MLP((50,)), bm.Gaussian())
        model, method = (model, method) if method else bm.default_network(data, rng=seed)
        fit = bm.fit(model, data, method, rng=seed)
        p = fit.predict(data.X)
    seconds, truth = time.process_time() - start, toy.truth(data.X)
    low, high = (p.expectation.quantile(q) for q in (0.05, 0.95))
    rmse = float(np.sqrt(np.mean((p.mean - truth) ** 2)))
    noise, held = float(p.aleatoric_sd.mean() / toy.sd), np.mean((low < truth) & (truth < high))
    passed = float(fit.check().without(bm.ModelWarning).passed)
    wider = float(fit.predict(off(toy)).epistemic_sd.mean() / p.epistemic_sd.mean())
    return fit, (rmse, noise, float(held), passed, wider, seconds)


def draw(fit: bm.Fit, toy: Toy, path: Path) -> None:
    """Draw the fit, two standard deviations of its mean and of a new row, and the truth."""
    from matplotlib.figure import Figure

    grid = np.linspace(-5, 5, 300)
    p = fit.predict(grid[:, None])
    figure = Figure(figsize=(6, 4), layout="constrained")
    panel = figure.subplots()
    for sd, colour in ((p.sd, "tab:blue"), (p.epistemic_sd, "tab:orange")):
        panel.fill_between(grid, p.mean - 2 * sd, p.mean + 2 * sd, color=colour, alpha=0.3, lw=0)
    panel.plot(fit.data.X[:, 0], fit.data.y, "k.", ms=3)
    panel.plot(grid, p.mean, "k", lw=1)
    panel.plot(grid, toy.truth(grid[:, None]), "r--", lw=1)
    panel.set_ylim(np.min(fit.data.y) - 2, np.max(fit.data.y) + 2)
    figure.savefig(path)


def draw_surface(fit: bm.Fit, toy: Toy, path: Path) -> None:
    """Draw the mean, its error and its uncertainty over the plane of two features, and the rows."""
    from matplotlib.figure import Figure

    axis = np.linspace(-5, 5, 80)
    plane = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    p = fit.predict(plane)
    shown = {
        "mean": p.mean,
        "mean less truth": p.mean - toy.truth(plane),
        "epistemic standard deviation": p.epistemic_sd,
    }
    figure = Figure(figsize=(13, 4), layout="constrained")
    for panel, (title, values) in zip(figure.subplots(1, 3), shown.items(), strict=True):
        mesh = panel.pcolormesh(axis, axis, values.reshape(80, 80), shading="nearest")
        figure.colorbar(mesh, ax=panel)
        panel.plot(*fit.data.X.T, "k.", ms=1)
        panel.set(title=title, xlabel="x0", ylabel="x1")
    figure.savefig(path)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--method", choices=list(METHODS), default="default")
    parser.add_argument("--toys", nargs="+", choices=list(TOYS), default=list(TOYS))
    parser.add_argument("--pictures", type=Path)
    settings = parser.parse_args()
    if settings.pictures is not None:
        settings.pictures.mkdir(parents=True, exist_ok=True)
    for name in settings.toys:
        toy, table = TOYS[name], []
        for seed in range(settings.seeds):
            fit, row = one(toy, seed, METHODS[settings.method])
            table.append(row)
            if settings.pictures is not None and seed == 0:
                picture = draw if toy.features == 1 else draw_surface
                picture(fit, toy, settings.pictures / f"{name.replace(' ', '_')}.png")
        columns = np.array(table, dtype=float).T
        words = ("rmse", "noise", "coverage", "passed", "off data", "CPU s")
        cells = (" ".join(f"{value:.3g}" for value in column) for column in columns)
        said = (f"{word} {cell}" for word, cell in zip(words, cells, strict=True))
        print(f"{name:12} " + " | ".join(said), flush=True)


if __name__ == "__main__":
    main()
