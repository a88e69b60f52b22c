"""One type of result from every method, its table, its groups, its file; and mistakes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from tests.agreement.problems import made, penguins

NUTS = bm.NUTS(draws=400, tune=300, progress=False)
CASES = {
    "exact": (bm.Model(), bm.Exact()),
    "known": (bm.Model(bm.Linear(), bm.Gaussian(2.0)), bm.Exact()),
    "conjugate": (bm.Model(prior=bm.NormalInverseGamma(0, 5, 2, 2)), bm.Exact()),
    "mle": (bm.Model(), bm.MLE()),
    "gradient": (bm.Model(), bm.MLE(bm.GradientDescent())),
    "map": (bm.Model(), bm.MAP()),
    "student": (bm.Model(bm.Linear(), bm.StudentT(df=4.0)), bm.MAP()),
    "nuts": (bm.Model(), NUTS),
    "robust": (bm.Model(bm.Linear(), bm.StudentT()), bm.NUTS(draws=400, tune=700, progress=False)),
}


@pytest.fixture(scope="module", params=CASES)
def fit(request: pytest.FixtureRequest) -> bm.Fit:
    model, method = CASES[request.param]
    return bm.fit(model, made(m=40, n=2), method, rng=5)


def test_the_same_type_and_table(fit: bm.Fit) -> None:
    assert type(fit) is bm.Fit
    table = fit.summary(0.9)
    spread = "std_error" if fit.kind == "point" else "sd"
    assert list(table.columns[:4]) == ["mean", spread, "5%", "95%"]
    assert list(table.index[:3]) == ["intercept", "weights[x0]", "weights[x1]"]
    assert np.all(np.isfinite(table))
    assert np.all((table["5%"] < table["mean"]) & (table["mean"] < table["95%"]))
    assert fit.explanation in repr(fit)
    assert "weights[x0]" in repr(fit)
    assert "<table>" in fit._repr_html_()


def test_the_tree_is_in_arvizs_schema(fit: bm.Fit) -> None:
    posterior = fit.idata["posterior"]
    assert posterior["weights"].dims == ("chain", "draw", "feature")
    assert posterior["intercept"].dims == ("chain", "draw")
    assert list(posterior["feature"].values) == ["x0", "x1"]
    assert fit.idata["observed_data"]["y"].dims == ("observation",)
    assert fit.idata["constant_data"]["X"].shape == (40, 2)
    assert fit.idata["sample_stats"]["diverging"].shape == posterior["intercept"].shape


def test_groups_on_request(fit: bm.Fit) -> None:
    tree = fit.to_datatree(log_likelihood=True, posterior_predictive=True, draws=50)
    draws = {k: v.values for k, v in tree["posterior"].data_vars.items()}
    eta = draws["intercept"][..., None] + draws["weights"] @ np.asarray(fit.data.X).T
    noise = {
        k: draws[k][..., None] if k in draws else v
        for k, v in fit.resolved.likelihood.parameters.items()
    }
    expected = fit.model.likelihood.log_density(fit.data.y, eta, noise)
    np.testing.assert_allclose(tree["log_likelihood"]["y"], expected, rtol=1e-12)
    assert tree["posterior_predictive"]["y"].shape == eta.shape


def test_predictions_add_up(fit: bm.Fit) -> None:
    p = fit.predict(np.asarray(fit.data.X[:6]))
    np.testing.assert_allclose(p.sd**2, p.epistemic_sd**2 + p.aleatoric_sd**2, rtol=1e-9)
    np.testing.assert_allclose(p.cdf(p.quantile(0.3)), 0.3, atol=1e-9)
    interval = p.interval(0.8)
    np.testing.assert_allclose(interval.lower, p.quantile(0.1), rtol=1e-12)
    assert p.quantile([0.1, 0.5, 0.9]).shape == (3, 6)
    y, h = p.quantile(0.6), 1e-5 * (p.quantile(0.75) - p.quantile(0.25))
    slope = (p.cdf(y + h) - p.cdf(y - h)) / (2 * h)
    np.testing.assert_allclose(np.exp(p.log_prob(y)), slope, rtol=1e-5)
    assert p.sample(7, rng=1).shape == (7, 6)
    np.testing.assert_array_equal(p.sample(3, rng=1), p.sample(3, rng=1))
    assert len(p) == 6
    assert p.expectation.mean == pytest.approx(p.mean, rel=1e-9)


def test_the_same_after_saving(fit: bm.Fit, tmp_path: Path) -> None:
    for name in ("fit.nc", "fit.zarr"):
        fit.save(tmp_path / name)
        again = bm.load(tmp_path / name)
        X = np.asarray(fit.data.X[:3])
        np.testing.assert_array_equal(again.predict(X).quantile(0.9), fit.predict(X).quantile(0.9))
        np.testing.assert_array_equal(again.draws()["weights"], fit.draws()["weights"])
        assert (again.model, again.method, again.seed) == (fit.model, fit.method, fit.seed)
        pd.testing.assert_frame_equal(again.summary(), fit.summary())


@pytest.mark.filterwarnings("ignore::bayesml.errors.CollinearityWarning")  # slopes by level
def test_a_fresh_process_predicts_the_same_to_the_last_bit(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.linspace(1, 9, 30), "g": list("abc") * 10})
    frame["y"] = frame["x"] ** 2 + np.sin(np.arange(30.0))
    data = bm.Data.from_formula("y ~ poly(x, 2) + center(x):g + C(g)", frame)
    fit = bm.fit(bm.Model(), data, rng=1)
    fit.save(tmp_path / "fit.nc")
    frame.head(4).to_csv(tmp_path / "new.csv", index=False)
    code = (
        "import sys, pandas as pd, bayesml as bm\n"
        "fit = bm.load(sys.argv[1]); p = fit.predict(pd.read_csv(sys.argv[2]))\n"
        "print(*(v.hex() for v in [*p.mean, *p.interval(0.9).lower]))"
    )
    paths = [str(tmp_path / name) for name in ("fit.nc", "new.csv")]
    out = subprocess.run(
        [sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True
    ).stdout.split()
    p = fit.predict(pd.read_csv(tmp_path / "new.csv"))
    assert out == [float(v).hex() for v in [*p.mean, *p.interval(0.9).lower]]


def test_what_is_not_a_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(bm.StorageError, match="no file"):
        bm.load(tmp_path / "absent.nc")
    (tmp_path / "text.nc").write_text("not a fit")
    with pytest.raises(bm.StorageError, match="does not hold"):
        bm.load(tmp_path / "text.nc")


def test_resolved_priors_are_in_original_units() -> None:
    data = penguins()
    resolved = bm.fit(bm.Model(), data).resolved
    sd_y, inverse = np.std(data.y, ddof=1), np.linalg.inv(np.cov(np.asarray(data.X).T))
    expected = 2.5 * sd_y * np.sqrt(np.append(1.0, np.diag(inverse)))
    np.testing.assert_allclose(resolved.prior.sd, expected)
    assert resolved.likelihood.sigma.rate == pytest.approx(1 / sd_y)
    assert "weights[flipper_length_mm] ~ Normal" in str(resolved)


def fitted(method: Any = None) -> bm.Fit:
    return bm.fit(bm.Model(), made(), method)


MISTAKES: list[tuple[Any, type[Exception], str]] = [
    (lambda: bm.fit(bm.Linear(), made()), bm.IncompatibleModelError, "model must be a Model"),
    (lambda: bm.fit(bm.Model(), ([[1.0]], [1.0])), bm.DataError, "must be a Data"),
    (lambda: fitted("exact"), bm.IncompatibleModelError, "got 'exact'"),
    (lambda: fitted(bm.Exact), bm.IncompatibleModelError, "with parentheses"),
    (lambda: bm.fit(bm.Model(), made(), rng=-1), bm.IncompatibleModelError, "rng must be"),
    (lambda: bm.Model(bm.Linear), bm.IncompatibleModelError, r"write Linear\(\)"),
    (lambda: bm.Model(bm.Gaussian()), bm.IncompatibleModelError, "not a predictor"),
    (lambda: bm.Model(prior=bm.Normal(0, 1)), bm.IncompatibleModelError, "not a prior"),
    (lambda: fitted().predict([[1.0]]), bm.DataError, "3 features"),
    (lambda: fitted().predict([[1.0, np.nan, 0.0]]), bm.DataError, "nan in row 0"),
    (lambda: fitted().predict([[1.0] * 3]).interval(90), bm.DataError, "strictly between"),
    (lambda: fitted().predict([[1.0] * 3]).sample(0), bm.DataError, "positive whole"),
    (lambda: fitted().predict([[1.0] * 3]).cdf([1, 2]), bm.DataError, "1 rows"),
    (lambda: fitted().loss_curve, bm.IncompatibleModelError, "no loss curve"),
    (lambda: fitted(bm.MLE()).log_evidence, bm.ImproperPosteriorError, "point estimate"),
]


@pytest.mark.parametrize(("mistake", "error", "message"), MISTAKES)
def test_mistakes_get_an_answer(mistake: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mistake()


def collinear() -> bm.Data:
    X = np.asarray(made().X)
    return bm.Data(np.column_stack([X, X[:, 0] - X[:, 1]]), np.asarray(made().y))


def test_collinear_columns_are_named_and_a_proper_prior_handles_them() -> None:
    for method in (bm.MLE(), bm.Exact(), bm.MAP()):
        with pytest.raises(bm.RankDeficientError, match=r"'x0', 'x1', 'x3'.*rank 4 but 5"):
            bm.fit(bm.Model(prior=bm.Flat()), collinear(), method)
    with pytest.warns(bm.CollinearityWarning, match=r"exactly collinear: weights\[x0\]"):
        assert bm.fit(bm.Model(), collinear()).check().computed


def test_fewer_rows_than_columns() -> None:
    data = bm.Data(np.eye(3, 6), [1.0, 2.0, 4.0])
    with pytest.raises(bm.RankDeficientError, match="only 3 rows"):
        bm.fit(bm.Model(prior=bm.Flat()), data)
    prior = bm.Independent(bm.Normal(0, 1), bm.Normal(0, 1))
    with pytest.warns(bm.DesignWarning, match="rows for 7 coefficients: 3"):
        fit = bm.fit(bm.Model(prior=prior), data)
    assert np.isfinite(fit.log_evidence)


def test_constants_are_named() -> None:
    X = np.column_stack([np.asarray(made().X), np.full(60, 0.1)])
    with pytest.warns(bm.DataWarning, match=r"\['x3'\] are constant"):
        fit = bm.fit(bm.Model(), bm.Data(X, np.asarray(made().y)))
    without = bm.fit(bm.Model(), made()).predict(made().X)
    np.testing.assert_allclose(fit.predict(X).mean, without.mean, rtol=1e-12)
    np.testing.assert_allclose(fit.predict(X).sd, without.sd, rtol=1e-12)
    with pytest.raises(bm.RankDeficientError, match="'x3' is constant"):
        bm.fit(bm.Model(), bm.Data(X, np.asarray(made().y)), bm.MLE())
    with pytest.raises(bm.DataError, match="target is constant"):
        bm.fit(bm.Model(), bm.Data(np.asarray(made().X), np.ones(60)))


def test_moments_that_do_not_exist_are_infinite() -> None:
    """Flat priors and m = p + 2: σ has one degree of freedom left."""
    rng = np.random.default_rng(0)
    data = bm.Data(rng.normal(size=(5, 2)), rng.normal(size=5))
    flat = bm.Model(bm.Linear(), bm.Gaussian(bm.Flat()), bm.Flat())
    table = bm.fit(flat, data).summary()
    assert np.all(np.isinf(table["sd"]))
    assert np.all(np.isfinite(table[["5%", "95%"]]))
    with pytest.raises(bm.ImproperPosteriorError, match="towards infinity"):
        bm.fit(flat, bm.Data(np.asarray(data.X[:4]), np.asarray(data.y[:4])))


def test_an_optimizer_that_stops_early_warns() -> None:
    with pytest.warns(bm.ConvergenceWarning, match="stopped after 2 iterations"):
        fit = fitted(bm.MLE(bm.GradientDescent(max_iterations=2)))
    assert not fit.check().passed
    with pytest.raises(bm.ConvergenceError, match="stable only for learning_rate"):
        fitted(bm.MLE(bm.GradientDescent(learning_rate=10.0)))


def test_a_model_without_features_or_priors_says_so() -> None:
    y = [1.0, 2.0, 4.0, 3.0]
    alone = bm.fit(bm.Model(), bm.Data.from_formula("y ~ 1", {"y": y}))
    assert "η = intercept\n" in str(alone.resolved)
    least_squares = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0], [4.0]], y), bm.MLE())
    assert "σ ~ flat (improper)" in str(least_squares.resolved)
    assert "Flat()" not in str(least_squares.resolved)


def test_the_datatree_of_many_parameters_has_fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]), rng=1)
    assert fit.to_datatree()["posterior"].sizes["draw"] == 1000
    monkeypatch.setattr("bayesml.results.datatree.MOST_BYTES", 8 * 2 * 4 * 50)
    tree = fit.to_datatree()
    assert tree["posterior"].sizes["draw"] == 50
    assert tree["posterior"].attrs["draws"].startswith("50 a chain")
    assert fit.to_datatree(draws=70)["posterior"].sizes["draw"] == 70
