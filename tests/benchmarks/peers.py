"""What a network is compared with on the same splits by ``tests.benchmarks.uci``.

Peers are those of scikit-learn, untuned: boosted trees with a second booster for the scale, a
Gaussian process, a network with the spread of its residuals on rows held out; and natural gradient
boosting where NGBoost is installed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from tests.reference.refdata import Split

LEAST_SCALE = 1e-3
"""Standard deviations of the target that a peer's predicted scale is at the least."""


def scored(log_prob: Any, mean: Any, y: Any) -> tuple[float, float]:
    """Return negative log likelihood and RMSE."""
    return -float(np.mean(log_prob)), float(np.sqrt(np.mean((mean - y) ** 2)))


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


def natural(rows: Split, k: int) -> tuple[float, float]:
    """Boost mean and scale of a normal distribution by natural gradients."""
    from ngboost import NGBRegressor

    found = NGBRegressor(random_state=k, verbose=False).fit(rows.X_train, rows.y_train)
    p = found.pred_dist(rows.X_test)
    return scored(p.logpdf(rows.y_test), p.mean(), rows.y_test)


PEERS: dict[str, Callable[[Split, int], tuple[float, float]]] = {
    "trees": trees,
    "process": process,
    "perceptron": perceptron,
    "natural": natural,
}
