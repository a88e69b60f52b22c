"""How often a right model is doubted: the share of false alarms of every check, by setting.

    python -m tests.benchmarks.false_alarms [--sets 200] [--only WORD]

Every data set is made by the model that is then fitted to it, so that every doubt is a false one.
A line a check that fired at all, with the binomial standard error of its share; a check that is
not listed never fired. The limit is 5 % for every check, and 8 % for a fit with any doubt.

Right models of which a check says something true are left out: columns so collinear that weights
are unclear one by one, and a level that one row has.
"""

import argparse
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import bayesml as bm

Array = np.ndarray[Any, Any]
Rng = np.random.Generator
Features = Callable[[Rng, int, int], Array]

SHORT = bm.NUTS(draws=600, tune=500, chains=2, progress=False)


@dataclass(frozen=True)
class Setting:
    """One way of making data, with the model that made them.

    Attributes
    ----------
    make : callable
        From a generator to a model, data and a method.
    share : float
        Of the data sets that are asked for; less where learning is slow.
    """

    make: Callable[[Rng], tuple[bm.Model, bm.Data, bm.inference.Method | None]]
    share: float = 1.0


def normal(rng: Rng, m: int, n: int) -> Array:
    return rng.normal(size=(m, n))


def heavy_tails(rng: Rng, m: int, n: int) -> Array:
    return rng.standard_t(3, size=(m, n))


def correlated(rng: Rng, m: int, n: int) -> Array:
    return rng.normal(size=(m, 1)) + 0.7 * rng.normal(size=(m, n))


def in_order(rng: Rng, m: int, n: int) -> Array:
    X = rng.normal(size=(m, n))
    X[:, 0] = np.arange(m)
    return X


def indicators(rng: Rng, m: int, n: int) -> Array:
    X = (rng.random((m, n)) < 0.2).astype(float)
    X[:3] = 1.0
    return X


def gaussian(features: Features, m: int, n: int, rng: Rng) -> Any:
    X = features(rng, m, n)
    y = 1.0 + X @ rng.normal(size=n) + rng.normal(size=m)
    return bm.Model(), bm.Data(X, y), None


def factor(m: int, rng: Rng) -> Any:
    frame: dict[str, Any] = {
        "x": rng.normal(size=m),
        "g": rng.permutation([*"abcd" * 2, *rng.choice(list("abcd"), m - 8)]),
    }
    shift = dict(zip("abcd", rng.normal(size=4), strict=True))
    frame["y"] = frame["x"] + [shift[g] for g in frame["g"]] + rng.normal(size=m)
    return bm.Model(), bm.Data.from_formula("y ~ x + g", frame), None


def from_priors(sd: float, m: int, n: int, rng: Rng) -> Any:
    b, theta, sigma = rng.normal(0, 2), rng.normal(0.5, sd, n), abs(rng.normal())
    X = rng.normal(size=(m, n))
    priors = bm.Independent(bm.Normal(0.5, sd), bm.Normal(0, 2), "original")
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.HalfNormal(1.0)), priors)
    return model, bm.Data(X, b + X @ theta + sigma * rng.normal(size=m)), None


def conjugate(m: int, n: int, rng: Rng) -> Any:
    sigma = 1.0 / np.sqrt(rng.gamma(3.0, 1.0 / 2.0))
    at_mean, theta = sigma * rng.normal(0, 0.5), sigma * rng.normal(0, 0.5, n)
    X = rng.normal(size=(m, n))
    prior = bm.NormalInverseGamma(0.0, 0.5, 3.0, 2.0, intercept_mean=0.0, intercept_scale=0.5)
    eta = at_mean + (X - X.mean(axis=0)) @ theta
    return (
        bm.Model(bm.Linear(), bm.Gaussian(), prior),
        bm.Data(X, eta + sigma * rng.normal(size=m)),
        None,
    )


def student(method: Any, m: int, n: int, rng: Rng) -> Any:
    X = rng.normal(size=(m, n))
    y = 1.0 + X @ rng.normal(size=n) + rng.standard_t(4, size=m)
    return bm.Model(bm.Linear(), bm.StudentT(df=4.0)), bm.Data(X, y), method


def counts(method: Any, m: int, n: int, rng: Rng) -> Any:
    X = rng.normal(size=(m, n))
    y = rng.poisson(np.exp(1.0 + X @ rng.normal(0, 0.4, size=n))).astype(float)
    return bm.Model(bm.Linear(), bm.Poisson()), bm.Data(X, y), method


def binary(method: Any, m: int, n: int, rng: Rng) -> Any:
    X = rng.normal(size=(m, n))
    eta = 0.3 + X @ rng.normal(0, 0.7, size=n)
    y = (rng.random(m) < 1 / (1 + np.exp(-eta))).astype(float)
    y[:2] = 0.0, 1.0  # of one kind alone there is no estimate
    return bm.Model(bm.Linear(), bm.Bernoulli()), bm.Data(X, y), method


SETTINGS = (
    {
        f"Gaussian {name}, {m} × {n}": Setting(partial(gaussian, features, m, n))
        for name, features in {"normal": normal, "t3": heavy_tails}.items()
        for m in (12, 30, 100, 1000)
        for n in (1, 3, 8)
    }
    | {
        f"Gaussian {f.__name__}, {m} × 3": Setting(partial(gaussian, f, m, 3))
        for f in (correlated, in_order, indicators)
        for m in (30, 300)
    }
    | {f"Gaussian factor of 4, {m}": Setting(partial(factor, m)) for m in (20, 200)}
    | {
        f"priors true, sd {sd}, {m} × 3": Setting(partial(from_priors, sd, m, 3))
        for sd in (0.05, 0.5)
        for m in (12, 100)
    }
    | {f"NormalInverseGamma true, {m} × 3": Setting(partial(conjugate, m, 3)) for m in (12, 100)}
    | {
        f"{made.__name__} {name}, {m} × 3": Setting(partial(made, method, m, 3), share)
        for made in (student, counts, binary)
        for name, method, share in (
            ("MAP", bm.MAP(), 1.0),
            ("Laplace", bm.Laplace(), 0.5),
            ("NUTS", SHORT, 0.1),
        )
        for m in (40, 400)
    }
)


def kind(name: str) -> str:
    """Return a finding's name without what it says of this fit alone."""
    return re.sub(r" (weights\[.*?\]|intercept)|:.*| for \d+ \w+", "", name)


def doubts(setting: Setting, sets: int, seed: int = 1) -> Iterator[list[str]]:
    """Yield, for each data set, the checks of the model that fired."""
    for k in range(sets):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = bm.fit(*setting.make(np.random.default_rng([seed, k])), rng=k)
        yield [kind(f.name) for f in fit.check().findings if f.doubts and not f.passed]


def share(count: int, sets: int) -> str:
    p = count / sets
    return f"{100 * p:5.1f} % ± {100 * np.sqrt(p * (1 - p) / sets):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    for name, setting in SETTINGS.items():
        if asked.only not in name:
            continue
        sets = max(int(asked.sets * setting.share), 10)
        start = time.process_time()
        found = list(doubts(setting, sets))
        spent = time.process_time() - start
        print(f"{name}: any doubt {share(sum(map(bool, found)), sets)}   ({spent:.0f} s)")
        for check, count in Counter(c for one in found for c in set(one)).most_common():
            print(f"    {check:64s} {share(count, sets)}", flush=True)


if __name__ == "__main__":
    main()
