"""Parts that the package has never heard of, through everything that a fit can do.

The parts are in `tests.parts.strangers`. The formulas here are written again, so that a method
which evaluates something else than a stranger's own `eta` is seen.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import arviz as az
import numpy as np
import pytest
from scipy import optimize, special, stats

import bayesml as bm
from bayesml.likelihoods import Likelihood
from bayesml.log_joint import log_joint
from bayesml.predictors import HasJacobian, Predictor
from bayesml.pymc import to_pymc
from tests.parts.strangers import Bootstrap, Curve, GammaMean, Logistic, Quadratic, Shrinkage

Matrix = np.ndarray[Any, Any]
Formula = Callable[[dict[str, Matrix], Matrix], Matrix]
NUTS = bm.NUTS(draws=500, tune=300, chains=2, progress=False)
NEW = np.array([[3.0], [0.4]])


def squares(at: dict[str, Matrix], X: Matrix) -> Matrix:
    return at["intercept"][..., None] + at["weights"] @ (X**2).T


def bump(at: dict[str, Matrix], X: Matrix) -> Matrix:
    return at["intercept"][..., None] + at["height"] * np.exp(-((at["rate"] * X[:, 0]) ** 2))


def line(at: dict[str, Matrix], X: Matrix) -> Matrix:
    return at["intercept"][..., None] + at["weights"] @ X.T


def data_of(mean: Callable[[Matrix], Matrix], noise: str = "normal", m: int = 60) -> bm.Data:
    rng = np.random.default_rng(7)
    X = rng.uniform(0.0, 2.5, (m, 1))
    eta = mean(X[:, 0])
    y = eta + 0.1 * rng.standard_normal(m) if noise == "normal" else rng.gamma(5, np.exp(eta) / 5)
    return bm.Data(X, y)


@dataclass(frozen=True)
class Case:
    """A model with a stranger's part, data of it, and its formulas: η, E[y], log p(y | η, φ)."""

    model: bm.Model
    data: bm.Data
    eta: Formula
    log: bool = False

    def mean(self, at: dict[str, Matrix], X: Matrix) -> Matrix:
        return np.exp(self.eta(at, X)) if self.log else self.eta(at, X)


CASES = {
    "predictor": Case(bm.Model(Quadratic()), data_of(lambda x: 1.0 + 2.0 * x**2), squares),
    "predictor without jacobian": Case(
        bm.Model(Curve(), prior=Logistic(2.0)),
        data_of(lambda x: 0.5 + 1.5 * np.exp(-((0.7 * x) ** 2))),
        bump,
    ),
    "likelihood": Case(
        bm.Model(likelihood=GammaMean()), data_of(lambda x: 0.5 + 0.6 * x, "gamma"), line, log=True
    ),
    "prior": Case(bm.Model(prior=Logistic(2.0)), data_of(lambda x: 0.3 - x), line),
    "hierarchical prior": Case(bm.Model(prior=Shrinkage()), data_of(lambda x: 0.3 - x), line),
    "predictor and likelihood": Case(
        bm.Model(Quadratic(), GammaMean()),
        data_of(lambda x: 0.5 + 0.3 * x**2, "gamma"),
        squares,
        log=True,
    ),
    "method": Case(bm.Model(), data_of(lambda x: 0.3 - x, m=30), line),
}
METHODS = {"MLE": bm.MLE(), "MAP": bm.MAP(), "Laplace": bm.Laplace(), "NUTS": NUTS}
FITS = [
    *((name, "MLE") for name in ("predictor", "predictor without jacobian", "likelihood")),
    *((name, "MAP") for name in CASES if name != "method"),
    *((name, "Laplace") for name in ("predictor", "likelihood", "predictor and likelihood")),
    *((name, "NUTS") for name in ("predictor", "predictor without jacobian", "likelihood")),
    *((name, "NUTS") for name in ("prior", "hierarchical prior")),
    ("method", "Bootstrap"),
]
each = pytest.mark.parametrize(("name", "how"), FITS, ids=[f"{n}, {h}" for n, h in FITS])


@cache
def learned(name: str, how: str) -> bm.Fit:
    method = Bootstrap(draws=300, chains=2) if how == "Bootstrap" else METHODS[how]
    return bm.fit(CASES[name].model, CASES[name].data, method, rng=4)


def estimates(fit: bm.Fit) -> dict[str, Matrix]:
    """Every parameter by name, of the only draw of a point estimate."""
    return {name: draws[0, 0] for name, draws in fit.draws().items()}


# The fault that began it


@pytest.mark.parametrize("how", METHODS)
def test_a_predictor_is_learned_by_its_own_eta(how: str) -> None:
    """η = b + X²θ was learned as b + Xθ: 42.5 where 19 is right, and the checks passed."""
    fit = learned("predictor", how)
    assert fit.check().passed
    assert fit.predict([[3.0]]).mean == pytest.approx(19.0, abs=0.3)
    assert fit.summary().loc["weights[x0]", "mean"] == pytest.approx(2.0, abs=0.05)


def test_its_likelihood_and_its_names_do_not_matter() -> None:
    """The same numbers as `Linear` on the squares, whatever the likelihood."""
    data = CASES["predictor"].data
    squared = bm.Data(data.X**2, data.y)
    flat = bm.Model(prior=bm.Flat())
    ours = bm.fit(replace(flat, predictor=Quadratic()), data, bm.MLE()).summary()
    theirs = bm.fit(flat, squared, bm.MLE()).summary()
    np.testing.assert_allclose(ours["mean"], theirs["mean"], rtol=1e-7)


# Every method, against formulas written here


@each
def test_the_prediction_is_the_formula_at_what_was_learned(name: str, how: str) -> None:
    case, fit = CASES[name], learned(name, how)
    found = fit.predict(NEW).mean
    if fit.kind == "approximate":  # an integral of its own: the formula, at draws
        drawn = case.mean(fit.draws(4, 10_000), NEW)
        np.testing.assert_allclose(found, drawn.mean(axis=(0, 1)), rtol=0.02)
        return
    np.testing.assert_allclose(found, case.mean(fit.draws(), NEW).mean(axis=(0, 1)), rtol=1e-10)


def normal(case: Case, at: dict[str, Matrix]) -> float:
    eta = case.eta(at, case.data.X)
    return float(stats.norm(eta, at["sigma"]).logpdf(case.data.y).sum())


def gamma(case: Case, at: dict[str, Matrix]) -> float:
    scale = np.exp(case.eta(at, case.data.X)) / at["alpha"]
    return float(stats.gamma(at["alpha"], scale=scale).logpdf(case.data.y).sum())


def maximised(case: Case, names: list[str], log_density: Callable[[Any], float]) -> dict[str, Any]:
    """Nelder and Mead, then BFGS, positive parameters by their logarithm."""

    def at(x: Matrix) -> dict[str, Matrix]:
        return {
            name: np.exp(v) if name in ("sigma", "alpha") else np.reshape(v, (1,) * (k > 0))
            for k, (name, v) in enumerate(zip(names, x, strict=True))
        }

    def cost(x: Matrix) -> float:
        return -log_density(at(x))

    start = np.append(np.full(len(names) - 1, 0.5), 0.0)
    rough = optimize.minimize(cost, start, method="Nelder-Mead", options={"maxiter": 4000})
    found = optimize.minimize(cost, rough.x, method="BFGS", options={"gtol": 1e-7})
    return at(found.x)


@pytest.mark.parametrize(
    ("name", "density", "parameters"),
    [
        ("predictor", normal, ["intercept", "weights", "sigma"]),
        ("predictor without jacobian", normal, ["intercept", "height", "rate", "sigma"]),
        ("likelihood", gamma, ["intercept", "weights", "alpha"]),
    ],
)
def test_maximum_likelihood_is_an_independent_optimizers(
    name: str, density: Any, parameters: list[str]
) -> None:
    case, ours = CASES[name], estimates(learned(name, "MLE"))
    theirs = maximised(case, parameters, lambda at: density(case, at))
    for parameter in parameters:
        assert np.ravel(ours[parameter]) == pytest.approx(np.ravel(theirs[parameter]), rel=2e-4)
    assert density(case, ours) >= density(case, theirs) - 1e-9


def test_the_posterior_mode_is_an_independent_optimizers() -> None:
    """With a prior that is neither Normal nor the package's, of the predictor with `eta` alone."""
    name = "predictor without jacobian"
    case, fit = CASES[name], learned(name, "MAP")
    rate = 1.0 / np.std(case.data.y)

    def density(at: dict[str, Matrix]) -> float:
        beta = np.concatenate([np.ravel(at[k]) for k in ("intercept", "height", "rate")])
        prior = stats.logistic(0.0, 2.0).logpdf(beta).sum() - rate * at["sigma"]
        return normal(case, at) + float(prior)

    theirs = maximised(case, ["intercept", "height", "rate", "sigma"], density)
    for parameter, value in estimates(fit).items():
        assert np.ravel(value) == pytest.approx(np.ravel(theirs[parameter]), rel=2e-4)


def test_the_log_joint_of_a_hierarchical_prior_is_its_formula() -> None:
    """Σ log Normal(y) + Σ log Normal(β; 0, 10 τ) + Σ log Gamma(τ; 4, 4) + log p(σ)."""
    case = CASES["hierarchical prior"]
    problem = case.model.resolve(case.data)
    joint = log_joint(problem)
    beta, tau, sigma = np.array([0.2, -0.8]), np.array([0.5, 2.0]), 0.3
    x = joint.coordinates.x(beta, {"tau": tau, "sigma": np.asarray(sigma)})
    eta = beta[0] + beta[1] * (case.data.X[:, 0] - case.data.X.mean())
    expected = (
        stats.norm(eta, sigma).logpdf(case.data.y).sum()
        + stats.norm(0.0, 10.0 * tau).logpdf(beta).sum()
        + stats.gamma(4.0, scale=0.25).logpdf(tau).sum()
        + problem.inferred["sigma"].log_density(sigma)
    )
    assert float(joint.log_density(x)) == pytest.approx(float(expected), rel=1e-10)


@pytest.mark.parametrize("name", ["predictor", "likelihood"])
def test_sampling_and_laplace_agree(name: str) -> None:
    ours, theirs = (learned(name, how).summary() for how in ("NUTS", "Laplace"))
    assert np.max(np.abs(ours["mean"] - theirs["mean"]) / theirs["sd"]) < 0.3


def test_the_bootstrap_has_the_standard_errors_of_least_squares() -> None:
    sd = learned("method", "Bootstrap").summary()["sd"].iloc[:2]
    classical = bm.fit(bm.Model(), CASES["method"].data, bm.MLE())
    np.testing.assert_allclose(sd, classical.summary().iloc[:2, 1], rtol=0.35)


# What does not apply is refused by name


@pytest.mark.parametrize("method", [bm.Laplace(), bm.MLE(bm.LevenbergMarquardt())], ids=repr)
def test_what_needs_a_jacobian_names_the_predictor_without(method: Any) -> None:
    case = CASES["predictor without jacobian"]
    assert not isinstance(case.model.predictor, HasJacobian)
    with pytest.raises(bm.IncompatibleModelError, match=r"Curve\(\) has no jacobian"):
        bm.fit(case.model, case.data, method, rng=1)


@pytest.mark.parametrize("name", [n for n in CASES if n != "method"])
def test_exact_refuses_with_the_reason(name: str) -> None:
    case = CASES[name]
    with pytest.raises(bm.IncompatibleModelError, match=r"Exact\(\) does not apply"):
        bm.fit(case.model, case.data, bm.Exact())


def test_a_prior_without_an_expression_is_refused_by_pymc_alone() -> None:
    case = CASES["prior"]
    with pytest.raises(bm.IncompatibleModelError, match=r"Logistic.*has no pymc"):
        to_pymc(case.model, case.data)


def test_default_priors_of_unknown_parameters_are_asked_for() -> None:
    case = CASES["predictor without jacobian"]
    with pytest.raises(bm.IncompatibleModelError, match=r"no scale for \['height', 'rate'\]"):
        bm.fit(bm.Model(Curve()), case.data, bm.MAP())


def test_a_prior_of_weights_that_the_predictor_does_not_have_is_refused() -> None:
    """It was dropped without a word, and the parameters were flat."""
    case = CASES["predictor without jacobian"]
    model = bm.Model(Curve(), prior=bm.Independent(bm.Normal(0, 1)))
    with pytest.raises(bm.IncompatibleModelError, match=r"no weights.*others="):
        bm.fit(model, case.data, bm.MAP())


@pytest.mark.parametrize("origin", ["centred", "original"])
def test_a_prior_of_an_intercept_is_on_what_the_predictor_calls_so(origin: Any) -> None:
    """b + X²θ knows no mean of X: a sharp prior on b holds b, and not b ± x̄θ."""
    prior = bm.Independent(bm.Normal(0, 10), bm.Normal(5.0, 1e-4), origin)
    fit = bm.fit(bm.Model(Quadratic(), prior=prior), CASES["predictor"].data, bm.MAP())
    assert fit.summary().loc["intercept", "mean"] == pytest.approx(5.0, abs=1e-3)
    assert "intercept at X = 0 ~" in str(fit.resolved)


def test_the_exported_model_reports_the_same_intercept() -> None:
    """A variable called intercept, with the density of the package."""
    case = CASES["predictor and likelihood"]
    theirs = to_pymc(case.model, case.data)
    problem = case.model.resolve(case.data)
    at = {"intercept": np.array(0.4), "weights": np.array([0.2])}
    joint = log_joint(problem)
    x = joint.coordinates.x(problem.frame.unnamed(at), {"alpha": np.asarray(3.0)})
    prior, beta = problem.prior, problem.frame.unnamed(at)
    point = {
        "coefficients_whitened": prior.factor @ (beta - prior.mean),
        "alpha_log__": np.log(3.0),
    }
    value = (
        theirs.compile_logp(jacobian=False, mode="FAST_COMPILE")(point)
        + np.log(np.diag(prior.factor)).sum()
    )
    assert "intercept" in theirs.named_vars
    assert value == pytest.approx(float(joint.log_density(x)), rel=1e-10)


def test_a_known_whole_number_is_known() -> None:
    @dataclass(frozen=True)
    class Plain(GammaMean):
        alpha: Any = 3

        def __post_init__(self) -> None:
            """Take the number as it is."""

    fit = bm.fit(bm.Model(likelihood=Plain()), CASES["likelihood"].data, bm.MAP())
    assert list(fit.summary().index) == ["intercept", "weights[x0]"]


def test_a_likelihood_that_cannot_be_restated_is_refused_at_the_door() -> None:
    class Loose:
        def __init__(self) -> None:
            self.inside = GammaMean()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inside, name)

    loose: Likelihood = Loose()  # type: ignore[assignment]
    with pytest.raises(bm.IncompatibleModelError, match=r"\['alpha'\] that are no fields"):
        bm.Model(likelihood=loose)


def test_a_part_that_lacks_members_is_told_which() -> None:
    class Half:
        has_intercept = True

        def __getattr__(self, name: str) -> Any:
            if name in ("resolve", "shapes", "dims", "eta", "describe"):
                return None
            raise AttributeError(name)

    half: Predictor = Half()  # type: ignore[assignment]
    with pytest.raises(bm.IncompatibleModelError, match="it has no vjp"):
        bm.Model(half)


def test_y_outside_a_strangers_support_is_refused_at_the_door() -> None:
    data = bm.Data([[0.0], [1.0], [2.0]], [1.0, -2.0, 3.0])
    with pytest.raises(bm.DataError, match=r"GammaMean.*positive number"):
        bm.fit(bm.Model(likelihood=GammaMean()), data)


# Everything that a fit can do


@each
def test_it_is_checked_and_printed(name: str, how: str) -> None:
    fit = learned(name, how)
    report = fit.check()
    assert report.passed, str(report)
    assert fit.explanation in repr(fit)
    assert str(fit.model)
    assert "NaN" not in fit.summary().to_string()


@each
def test_it_predicts_distributions(name: str, how: str) -> None:
    prediction = learned(name, how).predict(NEW)
    lower, upper = prediction.interval(0.8)
    assert np.all((lower < prediction.mean) & (prediction.mean < upper))
    np.testing.assert_allclose(prediction.cdf(prediction.quantile(0.3)), 0.3, atol=1e-6)
    assert prediction.sample(5, rng=1).shape == (5, 2)
    assert np.all(np.isfinite(prediction.log_prob(prediction.mean)))
    assert np.all(prediction.sd >= prediction.epistemic_sd)
    if CASES[name].log:
        assert np.all(lower > 0)


@each
def test_it_is_a_datatree_for_arviz(name: str, how: str) -> None:
    fit = learned(name, how)
    tree = fit.to_datatree(draws=200, log_likelihood=True, posterior_predictive=True)
    draws = {key: value.to_numpy() for key, value in tree.posterior.data_vars.items()}
    size = draws["intercept"].shape
    case = CASES[name]
    eta = case.eta(draws, case.data.X)
    noise = "alpha" if case.log else "sigma"
    spread = draws[noise][..., None]
    density = stats.gamma(spread, scale=np.exp(eta) / spread) if case.log else None
    expected = (density or stats.norm(eta, spread)).logpdf(case.data.y)
    np.testing.assert_allclose(tree.log_likelihood["y"], expected, rtol=1e-8, atol=1e-10)
    assert tree.posterior_predictive["y"].shape == (*size, case.data.m)
    if fit.kind == "point":
        return
    assert list(az.summary(tree).index)
    with warnings.catch_warnings():  # of Pareto k̂: a bootstrap is no posterior
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto")
        assert np.isfinite(az.loo(tree).elpd)


@pytest.mark.parametrize("name", ["predictor", "likelihood", "prior", "hierarchical prior"])
def test_its_priors_are_groups_too(name: str) -> None:
    fit = learned(name, "MAP")
    tree = fit.to_datatree(log_prior=True, prior=True)
    total = sum(float(v.sum()) for v in tree.log_prior.data_vars.values())
    joint = log_joint(fit.problem)
    x = joint.coordinates.x(fit.problem.frame.unnamed(estimates(fit)), estimates(fit))
    sums = joint.rows.sums(joint.coordinates.beta(x), joint.coordinates.values(x))
    assert total == pytest.approx(float(joint.log_density(x) - sums.value), abs=1e-8)
    assert set(tree.prior.data_vars) == set(tree.posterior.data_vars)


@each
def test_it_is_drawn(name: str, how: str) -> None:
    fit = learned(name, how)
    titles = [axes.get_title() for axes in bm.plots.coefficients({"one": fit}).axes]
    assert len(titles) == len(fit.summary())
    assert bm.plots.predictions(fit).axes
    if fit.kind != "point":
        assert bm.plots.posterior(fit).axes


@pytest.mark.filterwarnings("ignore:Leave-one-out:bayesml.ApproximationWarning")  # of 600 draws
@pytest.mark.parametrize("name", list(CASES))
def test_it_is_validated_and_compared(name: str) -> None:
    case = CASES[name]
    how = "Bootstrap" if name == "method" else "MAP"
    method = Bootstrap(draws=5, chains=2, estimator=bm.MAP()) if name == "method" else bm.MAP()
    fit = learned(name, how)
    if name != "method":  # a few draws fail the checks, as they should
        result = bm.cross_validate(case.model, case.data, method, folds=3, rng=1)
        assert len(result.folds) == 3
        assert bm.risk(result).value > 0
    assert bm.risk(fit, case.data).value > 0
    contrast = fit.comparisons(bm.effects.Scenarios(NEW[:1], NEW[1:])).mean
    difference = float(np.diff(fit.predict(NEW).mean)[0])
    assert contrast == pytest.approx(difference, rel=1e-6)
    assert np.isfinite(fit.slopes("x0").mean[0])
    others = {"this": fit, "least squares": bm.fit(bm.Model(), case.data, bm.MLE())}
    assert set(bm.compare(others).table.index) == {"this", "least squares"}


def test_axes_without_names_get_arviz_s() -> None:
    tree = learned("hierarchical prior", "NUTS").idata
    assert tree.posterior["tau"].dims == ("chain", "draw", "tau_dim_0")


def test_a_likelihood_of_a_stranger_states_consistent_densities() -> None:
    """The contract in a line each: score, information, parameters, cdf."""
    gamma_mean, eta, phi, h = GammaMean(), np.array([0.3]), {"alpha": 2.5}, 1e-5
    y = np.linspace(1e-6, 40, 400_001)
    density = np.exp(gamma_mean.log_density(y, eta, phi))
    dy = y[1] - y[0]
    assert np.sum(density) * dy == pytest.approx(1.0, abs=1e-6)
    score = gamma_mean.score(y, eta, phi)
    assert np.sum(density * score**2) * dy == pytest.approx(phi["alpha"], rel=1e-5)
    assert np.sum(density * y) * dy == pytest.approx(gamma_mean.mean(eta, phi)[0], rel=1e-6)
    up, down = (gamma_mean.log_density(y, eta, {"alpha": 2.5 + s * h}) for s in (1, -1))
    by_alpha = gamma_mean.parameter_scores(y, eta, phi)["alpha"]
    np.testing.assert_allclose(by_alpha, (up - down) / (2 * h), rtol=1e-5, atol=1e-6)
    cut = gamma_mean.cdf(np.array([2.0]), eta, phi)[0]
    assert cut == pytest.approx(special.gammainc(2.5, 5.0 * np.exp(-0.3)))
