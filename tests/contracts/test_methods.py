"""Every method, every model and every kind of data: a right answer, or the documented refusal.

The oracles are apart from the package: log densities written with scipy.stats, whose modes are
found by scipy.optimize and whose moments by importance sampling from a wide Student-t around them.
"""

import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from scipy.special import gammaln

import bayesml as bm
from tests.contracts.methods_table import (
    CASES,
    CONJUGATE,
    HEAVY,
    KINDS,
    METHODS,
    NOISE,
    NUTS,
    PAGE,
    SGD,
    Case,
    M,
    columns,
    kind_of,
    page,
    refusal,
)
from tests.parts.every_model import EveryModel

Vector = np.ndarray[Any, Any]
PROPOSALS = 20_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("methods")


@cache
def data_of(target: str, kind: str, folder: Path) -> bm.Data:
    frame = pd.DataFrame({name: columns()[name] for name in ("a", "b", target)})
    formula = f"{target} ~ a + b"
    if kind == "Parquet":
        paths = [folder / f"{target}_{k}.parquet" for k in range(3)]
        for k, path in enumerate(paths):  # of unequal lengths
            frame[[0, 25, 37][k] : [25, 37, M][k]].to_parquet(path)
        return bm.Data.from_parquet(paths, formula)
    if kind == "Dask":
        dask = pytest.importorskip("dask.dataframe")
        return bm.Data.from_formula(formula, dask.from_pandas(frame, npartitions=3))
    data = bm.Data.from_formula(formula, frame)
    return data.summarised() if kind == "summarised" else data


@cache
def fitted(name: str, method: str, kind: str, folder: Path) -> bm.Fit:
    """Fit once a module. Short runs and small data may fail their checks, and say so."""
    case = CASES[name]
    how = bm.MLE(bm.LBFGS(max_iterations=60)) if _endless(case, method) else METHODS[method]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        return bm.fit(case.model, data_of(case.target, kind, folder), how, rng=1)


def _endless(case: Case, method: str) -> bool:
    """Say whether L-BFGS would walk for minutes: a network without a prior may have no optimum."""
    return case.network and METHODS[method] == bm.MLE(bm.LBFGS())


def spread_of(table: pd.DataFrame) -> pd.Series:
    """Return standard deviations, or the standard errors of a point."""
    return table["sd"] if "sd" in table else table["std_error"]


# The oracle: log densities of (b, θ₁, θ₂[, log σ]), rows of a table of points.


class Oracle(NamedTuple):
    """Modes of the likelihood and of the posterior, and its moments with their errors."""

    mle: Vector
    mode: Vector
    mean: Vector
    sd: Vector
    ess: float


def log_likelihood(case: Case, x: Vector) -> Vector:
    table = columns()
    X = np.column_stack([table["a"], table["b"]])
    if case.target == "squares":
        X = X**2
    y, eta = table[case.target], x[:, :1] + x[:, 1:3] @ X.T
    sigma = np.exp(x[:, 3:]) if x.shape[1] > 3 else NOISE
    match case.target:
        case "counts":
            rows = stats.poisson(np.exp(eta)).logpmf(y)
        case "binary":
            rows = stats.bernoulli(1.0 / (1.0 + np.exp(-eta))).logpmf(y)
        case "heavy":
            rows = stats.t(4, eta, sigma).logpdf(y)
        case _:
            rows = stats.norm(eta, sigma).logpdf(y)
    return np.asarray(rows.sum(axis=1))


def log_prior(case: Case, x: Vector) -> Vector:
    """log p(b, θ) + log p(σ), the density of σ itself; defaults as the theory pages state them."""
    table, y = columns(), columns()[case.target]
    X = np.column_stack([table["a"], table["b"]])
    centred, sigma = x[:, 0] + x[:, 1:3] @ X.mean(axis=0), np.exp(x[:, 3:])
    if case.model.prior == bm.Flat():
        return np.zeros(len(x))
    if case.model.prior == CONJUGATE:
        of_beta = stats.norm(0, 10.0 * sigma[:, 0]).logpdf(centred)
        of_beta = of_beta + stats.norm(0, 3.0 * sigma).logpdf(x[:, 1:3]).sum(axis=1)
        # σ² ~ InverseGamma(2, ½), and dσ² = 2σ dσ
        of_sigma = stats.invgamma(2.0, scale=0.5).logpdf(sigma[:, 0] ** 2)
        return np.asarray(of_beta + of_sigma + np.log(2.0 * sigma[:, 0]))
    if case.target == "squares":
        of_beta = stats.norm(0, 5).logpdf(x[:, :3]).sum(axis=1)
    elif case.exact or not case.linear_gaussian:
        level, scale = y.mean(), y.std(ddof=1)
        if case.target == "counts":
            level, scale = np.log(level), 1.0
        elif case.target == "binary":
            level, scale = np.log(level / (1.0 - level)), 1.0
        of_beta = stats.norm(level, 2.5 * scale).logpdf(centred)
        spread = (2.5 * scale) ** 2 * np.linalg.inv(np.cov(X.T))
        of_beta = of_beta + stats.multivariate_normal(np.zeros(2), spread).logpdf(x[:, 1:3])
    else:
        of_beta = stats.norm(0, 10).logpdf(centred)
        law = stats.t(3, 0, 0.3) if case.model.prior == HEAVY else stats.laplace(0, 0.1)
        of_beta = of_beta + law.logpdf(x[:, 1:3]).sum(axis=1)
    if x.shape[1] == 3:
        return np.asarray(of_beta)
    return np.asarray(of_beta + stats.expon(scale=y.std(ddof=1)).logpdf(sigma[:, 0]))


@cache
def oracle(name: str) -> Oracle:
    case = CASES[name]
    size = 3 if case.target in ("counts", "binary") or case.model.prior == bm.Flat() else 4
    start = np.zeros(size)

    def mode(log_density: Any, begin: Vector) -> Vector:
        def objective(x: Vector) -> float:
            return -float(log_density(case, x[None])[0])

        rough = optimize.minimize(objective, begin, method="Nelder-Mead", options={"maxiter": 4000})
        fine = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
        return np.asarray(
            optimize.minimize(objective, rough.x, method="Nelder-Mead", options=fine).x
        )

    def posterior(case: Case, x: Vector) -> Vector:
        return log_likelihood(case, x) + log_prior(case, x)

    mle = mode(log_likelihood, start)
    if case.over_models:
        return over_models(in_units(mle))
    best = mode(posterior, mle)
    # Draws from a Student-t, its scale a tenth wider than the likelihood's curvature makes it.
    H = np.empty((size, size))
    h = 1e-3
    for i, j in np.ndindex(size, size):
        e, f = h * np.eye(size)[i], h * np.eye(size)[j]
        corners = np.array([mle + e + f, mle + e - f, mle - e + f, mle - e - f])
        H[i, j] = -np.array([1, -1, -1, 1]) @ log_likelihood(case, corners) / (4 * h * h)
    law = stats.multivariate_t(best, 1.2 * np.linalg.inv(H), df=5, seed=3)
    x = law.rvs(PROPOSALS)
    # With σ drawn on the log scale: dσ = σ d log σ.
    log_w = posterior(case, x) - law.logpdf(x) + x[:, 3:].sum(axis=1)
    w = np.exp(log_w - log_w.max())
    w /= w.sum()
    values = in_units(x)
    mean = w @ values
    sd = np.sqrt(w @ (values - mean) ** 2)
    return Oracle(in_units(mle), in_units(best), mean, sd, float(1.0 / np.sum(w**2)))


def over_models(mle: Vector) -> Oracle:
    """Intercept, weights, σ and inclusion, averaged over the four models by brute force."""
    X, y = np.column_stack([columns()["a"], columns()["b"]]), columns()["weak"]
    slab = replace(CONJUGATE, scale=(CONJUGATE.scale, CONJUGATE.scale))
    truth = EveryModel(X - X.mean(axis=0), y, slab, np.full(4, np.log(0.25)))
    w, rate, a = truth.probabilities, truth.rate, truth.shape
    mean, covariance = truth.weights()
    weight, origin = truth.predictive(-X.mean(axis=0))
    level = weight @ origin.mean()
    noise = w @ rate / (a - 1.0)
    spread = weight @ (origin.var() + (origin.mean() - level) ** 2) - noise
    sigma = w @ np.sqrt(rate) * np.exp(gammaln(a - 0.5) - gammaln(a))
    inclusion = w @ truth.models
    variances = [spread, *np.diag(covariance), noise - sigma**2, *inclusion * (1.0 - inclusion)]
    means = np.array([level, *mean, sigma, *inclusion])
    return Oracle(mle, mle, means, np.sqrt(variances), np.inf)


def in_units(x: Vector) -> Vector:
    """Return σ itself."""
    return np.concatenate([x[..., :3], np.exp(x[..., 3:])], axis=-1)


# What is asked of an answer.


def check_point(fit: bm.Fit, method: str, truth: Oracle) -> None:
    """The mode, to a small part of a standard deviation; by minibatches O17's part of it."""
    expected = truth.mle if isinstance(METHODS[method], bm.MLE) else truth.mode
    within = 1.5 / np.sqrt(SGD.epochs) if METHODS[method] == bm.MLE(SGD) else 1e-4
    sd = truth.sd[: len(expected)]  # no estimate of whether a feature is in
    np.testing.assert_array_less(np.abs(fit.summary()["mean"] - expected) / sd, within)


def check_exact(fit: bm.Fit, truth: Oracle) -> None:
    """Five errors of the importance sampling, whose effective draws are thousands."""
    table, within = fit.summary(), tail(truth.ess) + 1e-9
    np.testing.assert_array_less(np.abs(table["mean"] - truth.mean) / truth.sd, within)
    np.testing.assert_array_less(np.abs(spread_of(table) / truth.sd - 1), within)


def tail(*draws: Any) -> Any:
    """Five errors of a mean in sds; those of an sd are smaller by √2, heavy tails apart."""
    return 5.0 * np.sqrt(sum(1.0 / np.asarray(n) for n in draws))


def check_sampled(fit: bm.Fit, truth: Oracle) -> None:
    """Five Monte Carlo errors; Langevin's step size leaves a bias of its own, below a tenth."""
    table = fit.summary()
    bias = 0.1 * isinstance(fit.method, bm.Langevin)
    # chains over models: 2,000 draws, of which some hundreds count
    draws = table.get("ess_bulk", 400.0)
    within = tail(truth.ess, draws) + bias
    np.testing.assert_array_less(np.abs(table["mean"] - truth.mean) / truth.sd, within)
    np.testing.assert_array_less(np.abs(spread_of(table) / truth.sd - 1), within)


def check_approximate(fit: bm.Fit, truth: Oracle) -> None:
    """Laplace's error: O(1/√m) of an sd in a mean, O(1/m) in an sd, both with a constant of 4.

    Four is the number of coordinates: the third derivatives of the log density add up over them.
    """
    table = fit.summary()
    error = np.abs(table["mean"] - truth.mean) / truth.sd
    np.testing.assert_array_less(error, 4 / np.sqrt(M))
    np.testing.assert_array_less(np.abs(spread_of(table) / truth.sd - 1), 2 * 4 / M + 0.02)


def check_network(fit: bm.Fit) -> None:
    """The function itself: p parameters cost about σ√(p/m) of it, and we allow for twice that."""
    table = columns()
    with warnings.catch_warnings():  # of short runs, as at the fit
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        eta = fit.predict(pd.DataFrame({name: table[name] for name in ("a", "b")})).mean
    error = np.sqrt(np.mean((eta - table["eta"]) ** 2))
    assert error < 2 * NOISE * np.sqrt(13 / M)


def check(name: str, method: str, kind: str, fit: bm.Fit) -> None:
    case = CASES[name]
    assert fit.kind == kind_of(case, method, kind)
    if case.network:
        check_network(fit)
        return
    truth = oracle(name)
    assert truth.ess > 5000
    match fit.kind:
        case "point" | "ensemble":  # members are learned from one optimum
            check_point(fit, method, truth)
        case "exact":
            check_exact(fit, truth)
        case "sampled":
            check_sampled(fit, truth)
        case "approximate":
            check_approximate(fit, truth)


def _slow(name: str, method: str, kind: str) -> bool:
    """Say whether a cell waits: a network by NUTS, and chains once more on statistics of files."""
    case = CASES[name]
    if refusal(case, method, kind) is not None or kind_of(case, method, kind) != "sampled":
        return False
    return kind in ("Parquet", "Dask") or (case.network and METHODS[method] == NUTS)


CELLS = [
    pytest.param(name, method, kind, marks=[pytest.mark.slow] * _slow(name, method, kind))
    for name in CASES
    for kind in KINDS
    for method in METHODS
]


@pytest.mark.parametrize(("name", "method", "kind"), CELLS)
def test_a_method_answers_or_refuses(name: str, method: str, kind: str, folder: Path) -> None:
    refused = refusal(CASES[name], method, kind)
    if refused is None:
        check(name, method, kind, fitted(name, method, kind, folder))
        return
    with pytest.raises(refused.error, match=refused.pattern) as caught:
        fitted(name, method, kind, folder)
    assert type(caught.value) is refused.error


SAME = [
    (name, method)
    for name in CASES
    for method in METHODS
    if METHODS[method] != bm.MLE(SGD)
    and not CASES[name].network
    and kind_of(CASES[name], method, "memory") != "sampled"
    and refusal(CASES[name], method, "memory") is None
]


@pytest.mark.parametrize(("name", "method"), SAME)
def test_where_rows_are_does_not_matter(name: str, method: str, folder: Path) -> None:
    """To rounding for what is computed; chains part, and only their laws agree."""
    answers = [
        fitted(name, method, kind, folder).summary()
        for kind in KINDS
        if refusal(CASES[name], method, kind) is None
    ]
    for other in answers[1:]:
        np.testing.assert_allclose(other, answers[0], rtol=1e-5, atol=1e-7)


OF_EVERY_KIND = [
    (name, method)
    for name in CASES
    for method in METHODS
    if refusal(CASES[name], method, "memory") is None
    and not _slow(name, method, "memory")
    and not (CASES[name].network and kind_of(CASES[name], method, "memory") == "ensemble")
]


@pytest.mark.parametrize(("name", "method"), OF_EVERY_KIND)
def test_the_table_is_of_the_draws(name: str, method: str, folder: Path) -> None:
    """Means and sds of four thousand draws, within five Monte Carlo errors of the table's."""
    fit = fitted(name, method, "memory", folder)
    table, draws = fit.summary(), fit.draws(4, 1000)
    flat = {k: np.asarray(v).reshape(-1, *np.shape(v)[2:]) for k, v in draws.items()}
    joined = np.column_stack([v.reshape(len(v), -1) for v in flat.values()])
    names = [*flat]
    order = [n.partition("[")[0] for n in table.index]
    assert list(dict.fromkeys(order)) == names
    mean, spread = table["mean"].to_numpy(), spread_of(table).to_numpy()
    if fit.kind in ("point", "ensemble"):  # every draw is the estimate: of members, one of theirs
        np.testing.assert_allclose(joined, np.broadcast_to(mean, joined.shape), rtol=1e-9)
        return
    # the table of draws is of these, unless they are of a mixture over models
    size = len(joined) if fit.kind != "sampled" or CASES[name].over_models else np.inf
    within = 5.0 / np.sqrt(size) + 1e-9
    np.testing.assert_array_less(np.abs(joined.mean(axis=0) - mean) / spread, within)
    np.testing.assert_array_less(np.abs(joined.std(axis=0) / spread - 1), within + 1e-6)


def test_the_page_is_what_is_tested() -> None:
    """Written by ``python -m tests.contracts.methods_table``."""
    assert PAGE.read_text(encoding="utf-8") == page()
