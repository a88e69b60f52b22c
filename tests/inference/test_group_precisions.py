"""Rows of known precision in models with groups: scaled rows, dense matrices, eight schools."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import halfcauchy, multivariate_normal

import bayesml as bm

FORMULA = "y | precision(w) ~ x + (1 | g)"
PRIOR = bm.Hierarchical(
    bm.Independent(bm.Normal(0.0, 2.0), bm.Normal(0.0, 5.0), "original"),
    groups={"g": bm.GroupEffects(bm.HalfCauchy(2.0))},
)
GRID = np.linspace(-3.5, 2.5, 41)
"""Logarithms of the noise and of the standard deviation of effects."""


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    g, x, w = np.repeat(np.arange(6), 5), rng.normal(size=30), rng.uniform(0.1, 6.0, 30)
    y = 1.0 + 0.5 * x + rng.normal(size=6)[g] + 0.7 * rng.normal(size=30) / np.sqrt(w)
    k = np.arange(30) % 3 + 1.0
    return pd.DataFrame({"y": y, "x": x, "w": w, "k": k, "g": [f"g{v}" for v in g]})


@pytest.fixture(scope="module")
def fit(frame: pd.DataFrame) -> bm.Fit:
    likelihood = bm.Gaussian(bm.Exponential(1.0))
    return bm.fit(bm.Model(likelihood=likelihood, prior=PRIOR), read(frame), bm.Exact())


def read(frame: pd.DataFrame, **options: Any) -> bm.Data:
    return bm.Data.from_formula(FORMULA, frame, **options)


def normal(frame: pd.DataFrame, sigma: float, sd: float, *, flat: bool = False) -> Any:
    """Return the law of all rows at scales, coefficients integrated out."""
    g = frame["g"].to_numpy()
    V = np.diag(sigma**2 / frame["w"]) + sd**2 * (g[:, None] == g)
    A = np.column_stack([np.ones(len(frame)), frame["x"]])
    if not flat:
        V = V + A @ np.diag([25.0, 4.0]) @ A.T
    return multivariate_normal(np.zeros(len(frame)), V)


def test_evidence_and_scales_are_those_of_dense_matrices(fit: bm.Fit, frame: pd.DataFrame) -> None:
    sigma, sd = np.exp(GRID)[:, None], np.exp(GRID)
    density = np.array([[normal(frame, s, t).logpdf(frame["y"]) for t in sd] for s in sigma[:, 0]])
    density += -sigma + halfcauchy(0.0, 2.0).logpdf(sd) + GRID[:, None] + GRID
    weights = np.exp(density - density.max())
    log_evidence = density.max() + np.log(weights.sum() * (GRID[1] - GRID[0]) ** 2)
    weights /= weights.sum()
    assert fit.log_evidence == pytest.approx(log_evidence, abs=2e-3)
    table = fit.summary()["mean"]
    assert table["sigma"] == pytest.approx(np.sum(weights * sigma), rel=2e-3)
    assert table["sd[g, intercept]"] == pytest.approx(np.sum(weights * sd), rel=5e-3)


@pytest.mark.parametrize("restricted", [False, True])
def test_maximum_likelihood_is_that_of_scaled_rows(frame: pd.DataFrame, restricted: bool) -> None:
    """Rows times √w have noise of one σ, and a likelihood that lacks Σ log w/2."""
    regression = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    root = np.sqrt(frame["w"].to_numpy())
    X = np.column_stack([np.ones(30), frame["x"]]) * root[:, None]
    theirs = regression.MixedLM(frame["y"] * root, X, frame["g"], exog_re=root[:, None])
    theirs = theirs.fit(reml=restricted, gtol=1e-10)
    found = bm.fit(bm.Model(), read(frame), bm.MLE(restricted=restricted))
    table = found.summary()["mean"]
    np.testing.assert_allclose(table[:2], theirs.fe_params, rtol=1e-4)
    assert table["sigma"] == pytest.approx(np.sqrt(theirs.scale), rel=1e-4)
    of_effects = float(np.sqrt(theirs.cov_re.iloc[0, 0]))
    assert table["sd[g, intercept]"] == pytest.approx(of_effects, rel=1e-3)
    right = theirs.llf + np.log(root).sum()
    assert found.diagnostics["log_likelihood"] == pytest.approx(right, abs=1e-6)


def test_precisions_of_one_are_no_precisions_and_their_unit_is_that_of_sigma(
    frame: pd.DataFrame,
) -> None:
    plain = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + (1 | g)", frame)).summary()
    ones = bm.fit(bm.Model(), read(frame.assign(w=1.0))).summary()
    np.testing.assert_allclose(ones, plain, rtol=1e-9)
    one, other = (bm.fit(bm.Model(), read(frame.assign(w=c * frame["w"]))) for c in (1.0, 1e6))
    for method in (bm.Exact(), bm.MLE(), bm.MAP()):
        one, other = (bm.fit(bm.Model(), found.data, method) for found in (one, other))
        a, b = one.summary(), other.summary()
        b.loc["sigma"] /= 1e3
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_rows_that_are_elsewhere_or_come_later_are_the_same(
    fit: bm.Fit, frame: pd.DataFrame, tmp_path: Any
) -> None:
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=7)
    streamed = bm.Data.from_parquet(tmp_path / "rows.parquet", FORMULA)
    first = bm.fit(fit.resolved, fit.data.like(frame[:20]), bm.Exact())
    fit.save(tmp_path / "fit.nc")
    for other in (
        bm.fit(fit.resolved, streamed, bm.Exact()),
        bm.fit(fit.resolved, fit.data.summarised(), bm.Exact()),
        first.update(first.data.like(frame[20:])),
        bm.load(tmp_path / "fit.nc"),
    ):
        np.testing.assert_allclose(other.summary(), fit.summary(), rtol=1e-7)
        again = other.predict(frame[:4])
        np.testing.assert_allclose(again.sd, fit.predict(frame[:4]).sd, rtol=1e-7)


def test_a_row_is_predicted_with_its_own_noise(fit: bm.Fit, frame: pd.DataFrame) -> None:
    rows = frame.iloc[[0, 0]].assign(w=[1.0, 100.0])
    found = fit.predict(rows)
    variance = fit.predict(rows).epistemic_sd ** 2
    noise = found.sd**2 - variance
    assert noise[0] == pytest.approx(100.0 * noise[1], rel=1e-9)
    drawn = found.sample(20_000, rng=1)
    np.testing.assert_allclose(drawn.std(axis=0), found.sd, rtol=0.03)


def test_checks_and_shares_know_the_precisions(fit: bm.Fit, frame: pd.DataFrame) -> None:
    """The noise of a row is σ²/p: of all rows, σ² times the mean of 1/p."""
    assert fit.check().passed
    shares, table = fit.variance_shares()["mean"], fit.summary()["mean"]
    noise = table["sigma"] ** 2 * (1.0 / frame["w"]).mean()
    right = table["sd[g, intercept]"] ** 2 / (table["sd[g, intercept]"] ** 2 + noise)
    assert shares["ICC g"] == pytest.approx(right, abs=0.1)


def test_eight_schools(rng: np.random.Generator) -> None:
    """The reference posterior of posteriordb has μ 4.4 ± 3.3 and τ 3.6 ± 3.2."""
    y, se = [28.0, 8, -3, 7, -1, 1, 18, 12], np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
    schools = pd.DataFrame({"y": y, "p": se**-2, "school": list("ABCDEFGH")})
    data = bm.Data.from_formula("y | precision(p) ~ 1 + (1 | school)", schools)
    prior = bm.Hierarchical(
        bm.Independent(bm.Normal(0.0, 1.0), bm.Normal(0.0, 5.0), "original"),
        groups={"school": bm.GroupEffects(bm.HalfCauchy(5.0))},
    )
    model = bm.Model(likelihood=bm.Gaussian(sigma=1.0), prior=prior)
    exact = bm.fit(model, data)
    assert exact.kind == "exact"
    table = exact.summary()
    np.testing.assert_allclose(table["mean"], [4.3968, 3.5977], atol=2e-4)  # of a fine grid
    np.testing.assert_allclose(table["sd"], [3.3177, 3.2200], atol=2e-3)
    np.testing.assert_allclose(table.loc["sd[school, intercept]"].iloc[2:], [0.25, 9.84], rtol=0.02)
    nuts = bm.NUTS(draws=200, tune=200, chains=2, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        sampled = bm.fit(model, data, nuts, rng=1)
    assert not sampled.idata["sample_stats"]["diverging"].any()
    error = table["sd"] / np.sqrt(sampled.summary()["ess_bulk"])
    assert np.all(np.abs(sampled.summary()["mean"] - table["mean"]) < 4.5 * error)
