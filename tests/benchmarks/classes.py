"""The default network of classes against what else is at hand on the same splits, in one command.

Run as ``python -m tests.benchmarks.classes``, with ``--sets`` and ``--splits``: log loss and
calibration error of the rows held out, a fifth of each set of scikit-learn, and CPU seconds; and
paired differences of the log loss to the network, negative where the peer is better, with their
standard errors over the splits. Peers are those of scikit-learn, untuned but for the network, whose
temperature is learned from a fifth of the rows.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bayesml.sklearn import BayesianMLPClassifier

BINS = 10
LEAST = 1e-15

SETS: dict[str, Callable[[], Any]] = {
    "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "moons": lambda: datasets.make_moons(400, noise=0.3, random_state=0),
}


def network(X: Any, y: Any, new: Any, k: int) -> Any:
    """Learn by the default of the package."""
    return BayesianMLPClassifier(random_state=k).fit(X, y).predict_proba(new)


def logistic(X: Any, y: Any, new: Any, k: int) -> Any:
    """Learn by logistic regression on standardised features."""
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y).predict_proba(new)


def trees(X: Any, y: Any, new: Any, k: int) -> Any:
    """Boost trees."""
    return HistGradientBoostingClassifier(random_state=k).fit(X, y).predict_proba(new)


def tempered(X: Any, y: Any, new: Any, k: int) -> Any:
    """Train scikit-learn's network, and its temperature on a fifth of the rows."""
    some, held, own, y_held = train_test_split(X, y, test_size=0.2, random_state=k, stratify=y)
    net = make_pipeline(StandardScaler(), MLPClassifier((50,), max_iter=2000, random_state=k))
    net.fit(some, own)

    def at(log_temperature: float, rows: Any) -> Any:
        p = np.maximum(net.predict_proba(rows), LEAST) ** np.exp(-log_temperature)
        return p / p.sum(axis=1, keepdims=True)

    found = minimize_scalar(lambda t: log_loss(at(t, held), y_held), bounds=(-3, 3))
    return at(found.x, new)


PEERS = {"network": network, "logistic": logistic, "trees": trees, "tempered": tempered}


def log_loss(p: Any, y: Any) -> float:
    """Return the mean of −log p of the class that was seen."""
    return -float(np.mean(np.log(np.maximum(p[np.arange(len(y)), y], LEAST))))


def calibration_error(p: Any, y: Any) -> float:
    """Return how far accuracy is from confidence, over bins of the largest probability."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [np.sum(confidence[which == b] - right[which == b]) for b in range(BINS)]
    return float(np.sum(np.abs(gaps)) / len(y))


def main() -> None:
    """Print a line a set and method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--splits", type=int, default=5)
    settings = parser.parse_args()
    for name in settings.sets:
        X, y = SETS[name]()
        table: dict[str, list[tuple[float, float, float]]] = {label: [] for label in PEERS}
        for k in range(settings.splits):
            A, new, own, y_new = train_test_split(X, y, test_size=0.2, random_state=k, stratify=y)
            for label, learned in PEERS.items():
                start = time.process_time()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    p = learned(A, own, new, k)
                seconds = time.process_time() - start
                table[label].append((log_loss(p, y_new), calibration_error(p, y_new), seconds))
        ours = np.array(table["network"])[:, 0]
        for label, rows in table.items():
            found = np.array(rows)
            gap = found[:, 0] - ours
            error = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else np.nan
            loss, off, seconds = found.mean(axis=0)
            print(
                f"{name:14} {label:9} log loss {loss:.3f}  calibration error {off:.3f}  "
                f"{seconds:5.1f} CPU s  against the network {gap.mean():+.3f} ± {error:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
