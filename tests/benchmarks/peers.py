"""The default network against what else is at hand on the same splits, in one command.

Run as ``python -m tests.benchmarks.peers``, with ``--sets`` and ``--splits``: negative log
likelihood and RMSE of every method, CPU seconds of a fit, and paired differences to the network,
negative where the peer is better, with their standard errors over the splits. Peers are those of
scikit-learn, untuned: boosted trees with a second booster for the scale, a Gaussian process, a
network with the spread of its residuals on rows held out.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

import bayesml as bm
from tests.benchmarks.uci import SETS
from tests.reference.refdata import Split, split, split_count

LEAST_SCALE = 1e-3
"""Standard deviations of the target that a peer's predicted scale is at the least."""


class Score(NamedTuple):
    """Negative log likelihood and RMSE of the test rows, and CPU seconds of fit and prediction."""

    nll: float
    rmse: float
    seconds: float


def scored(log_prob: Any, mean: Any, y: Any) -> tuple[float, float]:
    """Return negative log likelihood and RMSE."""
    return -float(np.mean(log_prob)), float(np.sqrt(np.mean((mean - y) ** 2)))


def network(rows: Split, k: int) -> tuple[float, float]:
    """Learn by the default of the package, the choice of the noise included."""
    data = bm.Data(rows.X_train, rows.y_train)
    model, method = bm.default_network(data, rng=k)
    fit = bm.fit(model, data, method, rng=k)
    p = fit.predict(rows.X_test)
    return scored(p.log_prob(rows.y_test), p.mean, rows.y_test)


def trees(rows: Split, k: int) -> tuple[float, float]:
    """Boost trees, and others for the logarithm of their out-of-fold residuals; t tails."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import cross_val_predict

    X, y = rows.X_train, rows.y_train
    booster = HistGradientBoostingRegressor(random_state=k)
    residual = np.abs(y - cross_val_predict(booster, X, y, cv=5))
    least = LEAST_SCALE * np.std(y)
    log_scale = HistGradientBoostingRegressor(random_state=k, max_iter=50, learning_rate=0.05)
    log_scale.fit(X, np.log(np.maximum(residual, least)))
    z = residual / np.exp(log_scale.predict(X))
    df, _, scale = stats.t.fit(np.concatenate([z, -z]), floc=0.0)
    mean = booster.fit(X, y).predict(rows.X_test)
    spread = np.maximum(scale * np.exp(log_scale.predict(rows.X_test)), least)
    return scored(stats.t(df, mean, spread).logpdf(rows.y_test), mean, rows.y_test)


def process(rows: Split, k: int) -> tuple[float, float]:
    """Learn a Gaussian process with a length for every feature and noise."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    centre, unit = rows.X_train.mean(axis=0), rows.X_train.std(axis=0)
    unit = np.where(unit > 0, unit, 1.0)
    lengths = RBF(np.ones(rows.X_train.shape[1]), (1e-2, 1e3))
    kernel = ConstantKernel(1.0) * lengths + WhiteKernel(0.1, (1e-6, 1e1))
    found = GaussianProcessRegressor(kernel, normalize_y=True, random_state=k)
    found.fit((rows.X_train - centre) / unit, rows.y_train)
    mean, sd = found.predict((rows.X_test - centre) / unit, return_std=True)
    return scored(stats.norm(mean, sd).logpdf(rows.y_test), mean, rows.y_test)


def perceptron(rows: Split, k: int) -> tuple[float, float]:
    """Train scikit-learn's network, and take the spread of a fifth of the rows held out."""
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    centre, unit = rows.y_train.mean(), rows.y_train.std()
    some, held, y, y_held = train_test_split(
        rows.X_train, (rows.y_train - centre) / unit, test_size=0.2, random_state=k
    )
    net = make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(50,), max_iter=2000, random_state=k)
    )
    net.fit(some, y)
    sd = unit * float(np.std(y_held - net.predict(held)))
    mean = centre + unit * net.predict(rows.X_test)
    return scored(stats.norm(mean, sd).logpdf(rows.y_test), mean, rows.y_test)


PEERS: dict[str, Callable[[Split, int], tuple[float, float]]] = {
    "network": network,
    "trees": trees,
    "process": process,
    "perceptron": perceptron,
}


def timed(run: Callable[[Split, int], tuple[float, float]], rows: Split, k: int) -> Score:
    """Score a method, its warnings aside, and say what it took."""
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nll, rmse = run(rows, k)
    return Score(nll, rmse, time.process_time() - start)


def table(name: str, scores: dict[str, list[Score]]) -> None:
    """Print means, and differences to the network over the same splits."""
    ours = np.array(scores["network"])
    for label, own in scores.items():
        found = np.array(own)
        nll, rmse, seconds = found.mean(axis=0)
        gap = (found - ours)[:, :2]
        error = gap.std(axis=0, ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else [np.nan, np.nan]
        against = "" if label == "network" else (
            f"  against the network {gap[:, 0].mean():+.3f} ± {error[0]:.3f}, "
            f"{gap[:, 1].mean():+.3f} ± {error[1]:.3f}"
        )  # fmt: skip
        print(
            f"{name:18} {label:11} nll {nll:7.3f}  rmse {rmse:7.3f}  {seconds:6.1f} CPU s{against}",
            flush=True,
        )


def main() -> None:
    """Run every method on every split, in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    settings = parser.parse_args()
    labels = list(dict.fromkeys(["network", *settings.peers]))
    for name in settings.sets:
        scores: dict[str, list[Score]] = {label: [] for label in labels}
        for k in range(min(settings.splits, split_count(name))):
            for label in labels:
                scores[label].append(timed(PEERS[label], split(name, k), k))
        table(name, scores)


if __name__ == "__main__":
    main()
