"""Every prior: derivatives, batches, its Gaussian rows, draws, PyMC's density, and its words."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytest
from scipy import integrate, stats
from scipy.special import logit

import bayesml as bm
from bayesml.data.roles import LinearPart
from bayesml.distributions import ElasticNet, Laplace, StudentT
from bayesml.model import Problem
from bayesml.predictors import flat, labels_of
from bayesml.priors import Jointly, NonCentred, PartlyImproper, normal_terms
from bayesml.priors.by_predictor import PriorPart
from bayesml.priors.part_of import PartOf
from tests.parts.squares import Squares

Vector = np.ndarray[Any, Any]

LINEAR, KNOWN = bm.Linear(), bm.Gaussian(0.7)


@cache
def _data() -> bm.Data:
    X, y = _rows()
    return bm.Data(X, y, feature_names=["a", "b"])


@cache
def _with_scale() -> bm.Data:
    X, y = _rows()
    return bm.Data(X, y, feature_names=["a", "b"], predictors={"sigma": {"z": X[:, 0] ** 2}})


@cache
def _of_classes() -> bm.Data:
    X, y = _rows()
    return bm.Data(X, np.array(["u", "v", "w"])[np.argsort(y) % 3], feature_names=["a", "b"])


def _rows() -> tuple[Vector, Vector]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 2)) * [0.5, 4.0] + [2.0, -7.0]
    return X, 1.0 + X @ [1.0, -0.2] + rng.normal(size=30)


@dataclass(frozen=True)
class Case:
    """A declared prior of a model on two features whose means are far from zero."""

    prior: Any
    predictor: Any = LINEAR
    likelihood: Any = KNOWN
    data: Callable[[], bm.Data] = _data

    def problem(self) -> Problem:
        return _problem(self)


CACHE: dict[int, Problem] = {}


def _problem(case: Case) -> Problem:
    if id(case) not in CACHE:
        model = bm.Model(case.predictor, case.likelihood, case.prior)
        CACHE[id(case)] = model.resolve(case.data())
    return CACHE[id(case)]


MIXED = {"a": StudentT(4.0, 0.5, 2.0), "b": Laplace(-0.5, 0.3)}
TWO = bm.HeteroscedasticGaussian()
OF_SCALE = bm.Independent(Laplace(-0.5, 0.3), bm.Normal(-1.0, 2.0))
OF_UNKNOWN_SCALE = bm.Independent(bm.Normal(0.5, bm.HalfNormal(2)), bm.Normal(1, 3))
CASES = {
    "Normal": Case(bm.Independent(bm.Normal((0.5, -1.0), (2.0, 0.3)), bm.Normal(1.0, 3.0))),
    "Normal at zero": Case(bm.Independent(bm.Normal(0.5, 2.0), bm.Normal(1.0, 3.0), "original")),
    "StudentT": Case(bm.Independent(StudentT(4.0, 0.5, 2.0), StudentT(3.0, 1.0, 3.0))),
    "Laplace at zero": Case(bm.Independent(Laplace(0.0, 2.0), Laplace(1.0, 3.0), "original")),
    "Flat": Case(bm.Flat()),
    "partly flat": Case(bm.Independent({"a": bm.Normal(0, 2), "b": bm.Flat()})),
    "mixed": Case(bm.Independent(MIXED, bm.Normal(1.0, 3.0))),
    "mixed at zero": Case(bm.Independent(MIXED, bm.Normal(1.0, 3.0), "original")),
    "no intercept": Case(bm.Independent(bm.Normal(0.5, 2.0)), bm.Linear(intercept=False)),
    "others": Case(
        bm.Independent(intercept=bm.Normal(1.0, 3.0), others={"theta": Laplace(0.2, 2.0)}),
        Squares(),
    ),
    "others at zero": Case(
        bm.Independent(bm.Flat(), bm.Normal(1, 3), "original", {"theta": bm.Normal(0.2, 2)}),
        Squares(),
    ),
    "WeaklyInformative": Case(bm.WeaklyInformative()),
    "scale inferred": Case(bm.Independent(bm.Normal(0.5, bm.HalfNormal(2)), bm.Normal(1, 3))),
    "scales inferred": Case(
        bm.Independent(
            {
                "a": StudentT(4.0, 0.5, bm.HalfNormal(2)),
                "b": Laplace(-0.5, bm.HalfStudentT(3, 1)),
            },
            bm.Normal(1, 3),
        )
    ),
    "scale flat": Case(bm.Independent(bm.Normal(0.5, bm.Flat()), bm.Normal(1, 3))),
    "Ridge": Case(bm.Ridge(1.7)),
    "Ridge, scale inferred": Case(bm.Ridge(bm.HalfNormal(2), bm.Normal(1, 3))),
    "elastic net": Case(bm.Independent(ElasticNet(0.3, 1.0, 2.0), bm.Normal(1, 3))),
    "ZellnerG": Case(bm.ZellnerG(7.0, None, 3.0, 2.0, 4.0), likelihood=bm.Gaussian()),
    "ZellnerG, σ known": Case(bm.ZellnerG(7.0, 0.7)),
    "Horseshoe": Case(bm.Horseshoe(scale=0.5, intercept=bm.Normal(1, 3))),
    "Horseshoe, slab": Case(bm.Horseshoe(scale=0.5, slab_scale=1.5, intercept=bm.Normal(1, 3))),
    "R2D2": Case(bm.R2D2(0.3, 5.0, 0.8, intercept=bm.Normal(1, 3))),
    "R2D2, noise stated": Case(bm.R2D2(noise=2.0), likelihood=bm.Gaussian()),
    "R2D2, no noise": Case(
        bm.R2D2(intercept=bm.Normal(1, 3)), likelihood=bm.Categorical(), data=_of_classes
    ),
    "ByTerm": Case(bm.ByTerm({"b": StudentT(4.0, 0.5, 2.0)})),
    "NormalInverseGamma": Case(
        bm.NormalInverseGamma((0.5, -1.0), (2.0, 0.3), 3.0, 2.0, 1.0, 4.0),
        likelihood=bm.Gaussian(),
    ),
    "by predictor": Case(
        bm.ByPredictor(
            bm.Independent(bm.Normal(0.5, 2.0), bm.Normal(1.0, 3.0)), {"sigma": OF_SCALE}
        ),
        likelihood=bm.Gaussian(),
        data=_with_scale,
    ),
    "by predictor, default": Case(
        bm.WeaklyInformative(), likelihood=bm.Gaussian(), data=_with_scale
    ),
    "by predictor, scale inferred": Case(
        bm.ByPredictor(bm.Flat(), {"sigma": OF_UNKNOWN_SCALE}),
        likelihood=bm.Gaussian(),
        data=_with_scale,
    ),
    "classes": Case(OF_UNKNOWN_SCALE, likelihood=bm.Categorical(), data=_of_classes),
    "classes, default": Case(bm.WeaklyInformative(), likelihood=bm.Categorical(), data=_of_classes),
    "Layered, known": Case(bm.Layered(sd=1.7), bm.MLP((3,))),
    "Layered, flat": Case(bm.Layered(sd=np.inf), bm.MLP((3,))),
    "Layered, learned": Case(bm.Layered(shape=3.0, rate=2.0), bm.MLP((3,))),
    "Layered, by layer": Case(bm.Layered(relevance=False, shape=3.0, rate=2.0), bm.MLP((3, 2))),
    "Layered, two outputs": Case(bm.Layered(shape=3.0, rate=2.0), bm.MLP((3,)), TWO),
}
SHARED = [case.prior for case in CASES.values() if isinstance(case.prior, bm.R2D2)]
each = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def values_of(problem: Problem, rng: np.random.Generator, *batch: int) -> dict[str, Any]:
    """Draw what the prior is scaled by, and known values of what else there is."""
    return {
        name: unknown.support.constrain(0.3 * rng.standard_normal((*batch, *unknown.shape)))
        for name, unknown in problem.hyperparameters.items()
    }


def terms(problem: Problem, beta: Vector, values: dict[str, Any]) -> Any:
    return problem.prior.log_density_and_score(problem, beta, values)


def somewhere(problem: Problem, *batch: int) -> tuple[Vector, dict[str, Any]]:
    rng = np.random.default_rng(5)
    p = flat.size(problem.shapes)
    return rng.standard_normal((*batch, p)), values_of(problem, rng, *batch)


def textbook(case: Case, problem: Problem, beta: Vector, values: dict[str, Any]) -> float:
    """log p(β | values) by scipy, written from the declaration."""
    prior, names = case.prior, problem.feature_names
    if case.data is not _data:
        return _by_predictor(case, beta, values)
    if isinstance(prior, bm.Layered):
        groups = prior.groups(problem.shapes, names).members
        sd = values["prior_sd"][groups] if prior.learned else np.full(len(beta), prior.sd)
        return float(stats.norm(0, sd).logpdf(beta).sum()) if prior.sd != np.inf else 0.0
    if isinstance(prior, bm.NormalInverseGamma):
        mean, sd = np.array([1.0, 0.5, -1.0]), values["sigma"] * np.array([4.0, 2.0, 0.3])
        return float(stats.norm(mean, sd).logpdf(beta).sum())
    if isinstance(prior, bm.WeaklyInformative):
        y, X = _data().y, _data().X
        unit = 2.5 * y.std(ddof=1)
        weights = stats.multivariate_normal(np.zeros(2), unit**2 * np.linalg.inv(np.cov(X.T)))
        return float(stats.norm(y.mean(), unit).logpdf(beta[0]) + weights.logpdf(beta[1:]))
    if isinstance(prior, bm.Flat):
        return 0.0
    if isinstance(prior, bm.ZellnerG):
        X, sigma = _data().X - _data().X.mean(axis=0), values.get("sigma", 0.7)
        of_weights = stats.multivariate_normal(np.zeros(2), 7.0 * sigma**2 * np.linalg.inv(X.T @ X))
        level = stats.norm(_data().y.mean(), prior.intercept_scale * sigma)
        return float(level.logpdf(beta[0]) + of_weights.logpdf(beta[1:]))
    if isinstance(prior, bm.Horseshoe):
        t = values["global_scale"] * values["local_scale"]
        c2 = values["slab"] ** 2 if prior.slab_scale else np.inf
        sd = t / np.sqrt(1.0 + t**2 / c2) / _data().X.std(axis=0, ddof=1)
        return float(stats.norm(0, sd).logpdf(beta[1:]).sum() + stats.norm(1, 3).logpdf(beta[0]))
    if isinstance(prior, bm.R2D2):
        noise, level = 0.7, prior.intercept
        if prior.noise is not None:
            noise, level = prior.noise, bm.Normal(_data().y.mean(), 2.5 * _data().y.std(ddof=1))
        return _shared(noise, level, beta, values)
    return _of_scales(case, problem, beta, values)


def _shared(noise: float, level: Any, beta: Vector, values: dict[str, Any]) -> float:
    """R2D2: the explained variance is R²/(1 − R²) times that of the noise, and φ its shares."""
    r2, square = values["r_squared"], values["local_scale"] ** 2
    variance = noise**2 * r2 / (1 - r2) * square / square.sum()
    sd = np.sqrt(variance) / _data().X.std(axis=0, ddof=1)
    return float(stats.norm(0, sd).logpdf(beta[1:]).sum()) + _scipy(level, beta[0])


def _of_scales(case: Case, problem: Problem, beta: Vector, values: dict[str, Any]) -> float:
    """Of priors stated term by term, or whose scales are inferred."""
    prior = case.prior
    if isinstance(prior, bm.ByTerm):
        return _by_term(prior, beta)
    if isinstance(prior, bm.Ridge):
        y, tau = _data().y, values.get("prior_scale[weights]", 1.7)
        level = prior.intercept or bm.Normal(y.mean(), 2.5 * y.std(ddof=1))
        weights = bm.Normal(0, tuple(tau / _data().X.std(axis=0, ddof=1)))
        return _scipy(level, beta[0]) + _scipy(weights, beta[1:])
    if isinstance(problem.prior, bm.Scaled):
        return _scaled(prior, beta, values)
    return _independent(case, problem, beta)


def _independent(case: Case, problem: Problem, beta: Vector) -> float:
    prior, names = case.prior, problem.feature_names
    at = beta.copy()
    if prior.intercept_origin == "original" and isinstance(case.predictor, bm.Linear):
        at[0] -= beta[1:] @ _data().X.mean(axis=0)
    total = 0.0
    if "intercept" in problem.shapes:
        total, at = _scipy(prior.intercept, at[0]), at[1:]
    if "theta" in problem.shapes:
        return total + sum(_scipy(prior.others["theta"], v) for v in at)
    if isinstance(prior.weights, dict):
        return total + sum(_scipy(prior.weights[n], v) for n, v in zip(names, at, strict=True))
    return total + _scipy(prior.weights, at)


def _by_predictor(case: Case, beta: Vector, values: dict[str, Any]) -> float:
    """The sum over predictors, written out: β is b, θ, b_σ, θ_σ, or the b and then the θ of two."""
    X, y = _rows()
    if isinstance(case.prior, bm.R2D2):
        total = 0.0
        for name, at in (("v_", [0, 2, 3]), ("w_", [1, 4, 5])):
            own = {k.removeprefix(name): v for k, v in values.items() if k.startswith(name)}
            total += _shared(1.0, bm.Normal(1, 3), beta[at], own)
        return total
    if case.data is _of_classes:
        parts = [("v_", [0, 2, 3], X, 0.0, 1.0), ("w_", [1, 4, 5], X, 0.0, 1.0)]
        priors = [case.prior, case.prior]
    else:
        spread = y.std(ddof=1)
        of_sigma = ("sigma_", [3, 4], X[:, :1] ** 2, np.log(spread), 1.0)
        parts = [("", [0, 1, 2], X, y.mean(), spread), of_sigma]
        stated = isinstance(case.prior, bm.ByPredictor)
        priors = [case.prior.eta, case.prior.others["sigma"]] if stated else [case.prior] * 2
    total = 0.0
    for (before, at, columns, level, unit), prior in zip(parts, priors, strict=True):
        b, theta = beta[at[0]], beta[at[1:]]
        if isinstance(prior, bm.WeaklyInformative):
            n = columns.shape[1]
            spread_of = (2.5 * unit) ** 2 * np.linalg.inv(np.atleast_2d(np.cov(columns.T)))
            total += stats.norm(level, 2.5 * unit).logpdf(b)
            total += stats.multivariate_normal(np.zeros(n), spread_of).logpdf(theta)
        elif isinstance(prior, bm.Independent):
            weights = prior.weights
            if prior is OF_UNKNOWN_SCALE:
                weights = bm.Normal(0.5, values[f"{before}prior_scale[weights]"])
            total += _scipy(prior.intercept, b) + _scipy(weights, theta)
    return float(total)


def _by_term(prior: bm.ByTerm, beta: Vector) -> float:
    """b is named, a and the intercept are not."""
    y, X = _data().y, _data().X
    unit = 2.5 * y.std(ddof=1)
    total = _scipy(bm.Normal(y.mean(), unit), beta[0]) + _scipy(prior.terms["b"], beta[2])
    return total + _scipy(bm.Normal(0, unit / X[:, 0].std(ddof=1)), beta[1])


def _scaled(prior: Any, beta: Vector, values: dict[str, Any]) -> float:
    """Scales that were inferred, at their values."""
    at, total = beta[1:], _scipy(prior.intercept, beta[0])
    stated = (
        prior.weights if isinstance(prior.weights, dict) else dict.fromkeys("ab", prior.weights)
    )
    for name, v in zip("ab", at, strict=True):
        group = name if isinstance(prior.weights, dict) else "weights"
        field = "sd" if isinstance(stated[name], bm.Normal) else "scale"
        known = replace(stated[name], **{field: values[f"prior_scale[{group}]"]})
        total += _scipy(known, v)
    return total


def _scipy(prior: Any, at: Any) -> float:
    match prior:
        case bm.Flat():
            return 0.0
        case bm.Normal():
            law = stats.norm(prior.mean, prior.sd)
        case StudentT():
            law = stats.t(prior.df, prior.location, prior.scale)
        case ElasticNet():
            return _elastic_net(prior, at)
        case Laplace():
            law = stats.laplace(prior.location, prior.scale)
    return float(np.sum(law.logpdf(at)))


def _elastic_net(prior: ElasticNet, at: Any) -> float:
    def product(x: Any) -> Any:
        normal = stats.norm(prior.location, prior.sd).logpdf(x)
        return normal + stats.laplace(prior.location, prior.scale).logpdf(x)

    total, _ = integrate.quad(lambda x: np.exp(product(x)), -30, 30, points=[0.3], epsabs=1e-13)
    return float(np.sum(product(at) - np.log(total)))


@each
def test_the_density_is_the_declared_one(case: Case) -> None:
    problem = case.problem()
    beta, values = somewhere(problem)
    expected = textbook(case, problem, beta, values)
    assert float(terms(problem, beta, values).value) == pytest.approx(expected, rel=1e-10, abs=1e-9)


@each
def test_scores_are_derivatives(case: Case) -> None:
    problem, h = case.problem(), 1e-6
    beta, values = somewhere(problem)
    found = terms(problem, beta, values)
    steps = h * np.eye(len(beta))
    slopes = [
        (terms(problem, beta + s, values).value - terms(problem, beta - s, values).value) / (2 * h)
        for s in steps
    ]
    np.testing.assert_allclose(found.score, slopes, rtol=1e-6, atol=1e-7)
    assert set(found.by_value) <= set(values)
    for name, v in values.items():
        if name not in found.by_value:
            continue
        assert np.shape(found.by_value[name]) == np.shape(v)
        for k in np.ndindex(np.shape(v)):
            step = np.zeros(np.shape(v))
            step[k] = h
            up, down = (terms(problem, beta, values | {name: v + s * step}).value for s in (1, -1))
            slope = np.asarray(found.by_value[name])[k]
            assert slope == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-6)


@each
def test_what_scales_the_density_has_a_slope(case: Case) -> None:
    """A hyperparameter on which the density depends is never left out of `by_value`."""
    problem = case.problem()
    beta, values = somewhere(problem)
    for name in values:
        factors = np.linspace(1.1, 1.2, np.size(values[name])).reshape(np.shape(values[name]))
        moved = values | {name: factors * values[name]}
        depends = terms(problem, beta, moved).value != terms(problem, beta, values).value
        assert depends == (name in terms(problem, beta, values).by_value)


@each
def test_a_batch_is_its_members(case: Case) -> None:
    problem = case.problem()
    beta, values = somewhere(problem, 2, 3)
    found = terms(problem, beta, values)
    assert np.shape(found.value) == (2, 3)
    for k in np.ndindex(2, 3):
        alone = terms(problem, beta[k], {name: v[k] for name, v in values.items()})
        np.testing.assert_allclose(found.value[k], alone.value, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.score[k], alone.score, rtol=1e-12, atol=1e-12)
        for name, slope in alone.by_value.items():
            np.testing.assert_allclose(found.by_value[name][k], slope, rtol=1e-12)


GAUSSIAN = {
    name: name
    not in (
        "StudentT",
        "Laplace at zero",
        "mixed",
        "mixed at zero",
        "others",
        "ByTerm",
        "scales inferred",
        "elastic net",
        "Horseshoe",
        "Horseshoe, slab",
        "R2D2",
        "R2D2, noise stated",
        "R2D2, no noise",
        "by predictor",
        "by predictor, scale inferred",
        "classes",
    )
    for name in CASES
}


@pytest.mark.parametrize("name", CASES)
def test_gaussian_rows_are_the_density(name: str) -> None:
    """Rows are there exactly where every prior is Normal or Flat, and say all there is."""
    problem = CASES[name].problem()
    rows = problem.prior.normal_rows(problem)
    assert (rows is not None) == GAUSSIAN[name]
    if rows is None:
        return
    beta, values = somewhere(problem, 4)
    ours, theirs = terms(problem, beta, values), normal_terms(rows, beta, values)
    np.testing.assert_allclose(ours.value, theirs.value, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ours.score, theirs.score, rtol=1e-12, atol=1e-12)
    one, scaled = beta[0], {k: v[0] for k, v in values.items()}
    precision = rows.precision(scaled)
    dense = np.diag(precision) if precision.ndim == 1 else precision
    here, there = (normal_terms(rows, at, scaled).score for at in (np.zeros_like(one), one))
    np.testing.assert_allclose(there, here - dense @ one, rtol=1e-9, atol=1e-9)


def joint_of(prior: Any) -> bm.NormalByPrecision | None:
    """The joint Normal prior, in units of σ where it is in units of that."""
    prior = prior.units if isinstance(prior, bm.NormalInNoise) else prior
    return prior if isinstance(prior, bm.NormalByPrecision) else None


def functionals(case: Case, problem: Problem, beta: Vector) -> Vector:
    """What the entries of the prior are about: β, the intercept counted where it is stated."""
    at = beta.copy()
    for where, factor in roots(problem):
        at[..., where] = beta[..., where] @ factor.T
    if counted_from_zero(case):
        at[..., 0] -= beta[..., 1:] @ _data().X.mean(axis=0)
    return at


def counted_from_zero(case: Case) -> bool:
    original = isinstance(case.prior, bm.Independent) and case.prior.intercept_origin == "original"
    return original and isinstance(case.predictor, bm.Linear)


def roots(problem: Problem) -> list[tuple[list[int], Vector]]:
    """Where joint Normals stand in β, and the root of their precision."""
    prior = problem.prior
    if isinstance(prior, Jointly):
        found = [(list(part.at), part.prior) for part in prior.parts]
    else:
        found = [(list(range(flat.size(problem.shapes))), prior)]
    joint = ((at, joint_of(one)) for at, one in found)
    return [(at, one.factor) for at, one in joint if one is not None]


IMPROPER = ("Flat", "partly flat", "Layered, flat", "by predictor, scale inferred")
PROPER = [name for name in CASES if name not in IMPROPER]


@pytest.mark.parametrize("name", PROPER)
def test_draws_follow_the_density(name: str) -> None:
    """Every entry against its own marginal: Kolmogorov-Smirnov at level 1e-4, seed fixed."""
    case = CASES[name]
    problem = case.problem()
    _, values = somewhere(problem)
    beta = problem.prior.sample(problem, values, np.random.default_rng(12), (2000,))
    at = functionals(case, problem, beta)
    middle = np.median(at, axis=0)
    for k in range(at.shape[1]):
        # The marginal's distribution function, integrated from the density along one entry: the
        # entries are independent given the values.
        width = 60.0 * np.subtract(*np.quantile(at[:, k], [0.75, 0.25]))
        grid = middle[k] + width * np.sinh(np.linspace(-8, 8, 4001)) / np.sinh(8.0)
        along = np.tile(middle, (len(grid), 1))
        along[:, k] = grid
        density = np.exp(_along(case, problem, along, values))
        step = np.diff(grid)
        below = np.append(0.0, np.cumsum(0.5 * (density[1:] + density[:-1]) * step))
        below /= below[-1]
        result = stats.kstest(np.interp(at[:, k], grid, below), "uniform")
        assert result.pvalue > 1e-4, k


def _along(case: Case, problem: Problem, at: Vector, values: dict[str, Any]) -> Vector:
    """The log density at given functionals, less its largest value."""
    beta = at.copy()
    for where, factor in roots(problem):
        beta[..., where] = np.linalg.solve(factor, at[..., where].T).T
    if counted_from_zero(case):
        beta[..., 0] -= (functionals(case, problem, at) - at)[..., 0]
    value = terms(problem, beta, values).value
    return value - value.max()


@pytest.mark.parametrize("name", ["Normal at zero", "NormalInverseGamma", "Layered, learned"])
def test_draws_of_entries_are_uncorrelated(name: str) -> None:
    case = CASES[name]
    problem = case.problem()
    _, values = somewhere(problem)
    beta = problem.prior.sample(problem, values, np.random.default_rng(13), (50, 100))
    table = functionals(case, problem, beta).reshape(5000, -1)
    correlation = np.corrcoef(table.T) - np.eye(table.shape[1])
    # 4.5 errors of a correlation of 5000 draws
    assert np.abs(correlation).max() < 4.5 / np.sqrt(5000)


@each
def test_what_is_flat_is_named(case: Case) -> None:
    problem = case.problem()
    if not isinstance(problem.prior, PartlyImproper):
        return
    names, proper = problem.prior.improper_names(problem), problem.prior.proper_rows(problem)
    p = flat.size(problem.shapes)
    assert len(names) + len(proper) == p
    assert np.linalg.matrix_rank(proper) == len(proper)
    beta, values = somewhere(problem)
    shift = np.linalg.svd(np.vstack([proper, np.zeros(p)]))[2][len(proper) :]
    for direction in shift:  # along what is not among the rows the density does not change
        moved = terms(problem, beta + 3.0 * direction, values).value
        assert moved == pytest.approx(terms(problem, beta, values).value, abs=1e-9)


@each
def test_its_pymc_variables_have_its_density(case: Case) -> None:
    """PyMC's log p of the prior's variables, Jacobians included, differs by one constant."""
    problem = case.problem()
    labels = labels_of(problem.model.predictor, problem.feature_names)
    with pm.Model(coords=dict(labels)) as theirs:
        out, _ = problem.prior.pymc(pm, problem)
    assert set(out) == set(problem.shapes)
    log_density = theirs.compile_logp(mode="FAST_COMPILE")
    given = theirs.compile_fn(  # what the predictor is given
        theirs.replace_rvs_by_values(list(out.values())),
        inputs=theirs.value_vars,
        mode="FAST_COMPILE",
        on_unused_input="ignore",
    )
    rng = np.random.default_rng(14)
    differences = []
    for _ in range(4):
        beta = rng.standard_normal(flat.size(problem.shapes))
        values = values_of(problem, rng)
        ours = float(terms(problem, beta, values).value)
        for name, unknown in problem.hyperparameters.items():
            # The density of log τ: that of τ times τ; PyMC's of log τ⁻² or log τ² is half of it.
            u = unknown.support.unconstrain(values[name])
            log_prior = unknown.prior.log_density(values[name]) + unknown.support.log_jacobian(u)
            ours += float(np.sum(log_prior))
        if isinstance(problem.prior, bm.NormalInNoise):  # and in units of σ
            ours += len(beta) * float(np.log(values["sigma"]))
        for part in parts_of(problem):
            if isinstance(part.prior, NonCentred):  # PyMC's variables are in units of the scales
                spread = part.prior.spread(part.view)
                ours += float(np.log(spread.scale(part.own(values))).sum())
        point = coordinates(problem, beta, values)
        inputs = {v.name: np.asarray(point[v.name]) for v in theirs.value_vars}
        differences.append(ours - float(log_density(inputs)))
        found = dict(zip(out, given(inputs), strict=True))
        np.testing.assert_allclose(flat.join(found, problem.shapes), beta, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(differences, differences[0], atol=1e-8)


class Part(NamedTuple):
    """A prior, what it is asked about, and where its coefficients and values are among all."""

    before: str
    prior: Any
    view: Any
    at: list[int]

    def own(self, values: dict[str, Any]) -> dict[str, Any]:
        before = f"{self.before}_" if self.before else ""
        return {k.removeprefix(before): v for k, v in values.items() if k.startswith(before)}


def parts_of(problem: Problem) -> list[Part]:
    if not isinstance(problem.prior, Jointly):
        return [Part("", problem.prior, problem, list(range(flat.size(problem.shapes))))]
    return [
        Part(part.label, part.prior, PartOf(problem, part.part), list(part.at))
        for part in problem.prior.parts
    ]


def coordinates(problem: Problem, beta: Vector, values: dict[str, Any]) -> dict[str, Any]:
    """A point by the names of the exported model's value variables."""
    point: dict[str, Any] = {}
    for part in parts_of(problem):
        before = f"{part.before}::" if part.before else ""
        own = coordinates_of(part.prior, part.view, beta[part.at], part.own(values))
        point |= {before + name: value for name, value in own.items()}
    return point


def coordinates_of(prior: Any, view: Any, beta: Vector, values: dict[str, Any]) -> dict[str, Any]:
    point: dict[str, Any] = dict(flat.split(beta, view.shapes))
    if "weights" in point:
        names = view.feature_names
        point |= {f"weights_{n}": t for n, t in zip(names, point["weights"], strict=True)}
    if "intercept" in point:
        point["intercept_centred"] = point["intercept"]
        if view.centred:
            point["intercept"] = beta[0] - point["weights"] @ view.mean_X
    if (joint := joint_of(prior)) is not None:
        sigma = values.get("sigma", 1.0) if isinstance(prior, bm.NormalInNoise) else 1.0
        point["coefficients_whitened"] = joint.factor @ (beta - joint.mean) / sigma
    if isinstance(prior, NonCentred):
        spread = prior.spread(view)
        units = (spread.location + (beta - spread.location) / spread.scale(values))[1:]
        point |= {"weights_in_units": units}
        named = zip(view.feature_names, units, strict=True)
        point |= {f"weights_in_units_{n}": v for n, v in named}
        point |= {f"{name}_log__": np.log(v) for name, v in values.items()}
        if "r_squared" in values:
            point["r_squared_logodds__"] = logit(values["r_squared"])
    if "prior_sd" in values:
        point["precision_log__"] = -2.0 * np.log(values["prior_sd"])
    if "sigma" in values:
        point["sigma_squared_log__"] = 2.0 * np.log(values["sigma"])
    return point


@each
def test_its_repr_is_code(case: Case) -> None:
    parts = {"Jointly": Jointly, "PriorPart": PriorPart, "LinearPart": LinearPart}
    names = {**vars(bm), **vars(bm.distributions), **parts, "inf": np.inf}
    for prior in (case.prior, case.problem().prior):
        assert eval(repr(prior), names) == prior


@each
def test_it_resolves_to_itself(case: Case) -> None:
    """A resolved prior is stated: declared again it changes nothing."""
    problem = case.problem()
    again = bm.Model(case.predictor, case.likelihood, problem.prior).resolve(case.data())
    beta, values = somewhere(problem)
    assert again.prior == problem.prior
    assert terms(again, beta, values).value == terms(problem, beta, values).value


@each
def test_it_says_every_parameter(case: Case) -> None:
    """In words, as declared and as resolved: every parameter of β and every hyperparameter."""
    problem = case.problem()
    text = str(problem.model)
    if isinstance(problem.prior, bm.Layered):
        assert "weights and biases" in text
        assert ("Gamma(3, 2)" in text) == problem.prior.learned
        return
    if isinstance(problem.prior, Jointly):
        for part in problem.prior.parts:
            before = f"{part.label}: " if part.label else "\n"
            of_each = [f"weights[{n}] ~" for n in part.part.features]
            for name in ("intercept", *(["weights ~"] if case.prior in SHARED else of_each)):
                assert f"{before}{name}" in text
        return
    for name, shape in problem.shapes.items():
        if name != "weights":
            assert f"{name}" in problem.prior.describe(), name
        elif isinstance(
            problem.prior, bm.Independent | bm.NormalByPrecision | bm.NormalInNoise | bm.Scaled
        ):
            assert all(f"weights[{n}] ~" in text for n in problem.feature_names), shape
        else:
            assert "weights ~" in text
    for name, unknown in problem.hyperparameters.items():
        family = type(unknown.prior).__name__ if case.prior in SHARED else "Half"
        family = family if unknown.prior.proper else "flat"
        said = {"sigma": "σ² ~ InverseGamma(3, 2)", "slab": "slab² ~ InverseGamma(2, 4.5)"}
        assert said.get(name, f"{name} ~ {family}") in text
