"""NUTS against the exact posterior, and the package's density against the PyMC model's."""

import numpy as np
import pytest

import bayesml as bm
from bayesml.graphs.model import build
from bayesml.inference.engines import whitening
from bayesml.log_joint import log_joint
from tests.agreement.problems import CASES, made

QUIET = bm.NUTS(progress=False)


@pytest.fixture(scope="module", params=CASES.keys())
def pair(request: pytest.FixtureRequest) -> tuple[bm.Fit, bm.Fit]:
    data = CASES[request.param]
    return bm.fit(bm.Model(), data, bm.Exact()), bm.fit(bm.Model(), data, QUIET, rng=11)


def test_nuts_is_within_its_own_error_of_exact(pair: tuple[bm.Fit, bm.Fit]) -> None:
    exact, sampled = (fit.summary() for fit in pair)
    distance = np.abs(sampled["mean"] - exact["mean"]) / sampled["mcse_mean"]
    np.testing.assert_array_less(distance, 4.0)
    # The sd of an sd from N near-normal draws is sd/√(2N); ESS is at least the bulk's.
    relative = np.abs(sampled["sd"] / exact["sd"] - 1) * np.sqrt(2 * 1000)
    np.testing.assert_array_less(relative, 5.0)


def test_its_predictions_agree_with_exact(pair: tuple[bm.Fit, bm.Fit]) -> None:
    X = np.asarray(pair[0].data.X[:20])
    exact, sampled = (fit.predict(X) for fit in pair)
    # 1000 effective draws: the mean has error epistemic sd/√1000, a quantile about twice that.
    tolerance = 5 * exact.epistemic_sd / np.sqrt(1000)
    np.testing.assert_array_less(np.abs(sampled.mean - exact.mean), tolerance)
    difference = np.abs(sampled.quantile(0.95) - exact.quantile(0.95))
    np.testing.assert_array_less(difference, 2 * tolerance + 5 * exact.sd / np.sqrt(2 * 1000))


def test_checks_pass_and_the_same_seed_gives_the_same_draws(pair: tuple[bm.Fit, bm.Fit]) -> None:
    assert pair[1].check().passed
    short = bm.NUTS(draws=150, tune=150, chains=2, progress=False)
    with pytest.warns(bm.ConvergenceWarning, match="effective sample size"):
        twice = [bm.fit(bm.Model(), made(m=20), short, rng=3).draws() for _ in range(2)]
    np.testing.assert_array_equal(twice[0]["weights"], twice[1]["weights"])


MODELS = [
    bm.Model(),
    bm.Model(bm.Linear(), bm.StudentT()),
    bm.Model(
        bm.Linear(),
        bm.StudentT(df=4.0, sigma=bm.HalfCauchy(2.0)),
        bm.Independent(bm.distributions.StudentT(3, 0, 2), bm.Normal(1, 5), "original"),
    ),
    bm.Model(
        bm.Linear(),
        bm.Gaussian(bm.InverseGamma(3, 2)),
        bm.Independent({"x0": bm.Normal(0, 2), "x1": bm.distributions.Laplace(0, 1)}),
    ),
    bm.Model(bm.Linear(intercept=False), bm.Gaussian(2.0), bm.Independent(bm.Normal(0, 3))),
]


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_density_is_the_pymc_models(model: bm.Model, weighted: bool) -> None:
    """Log densities differ by one constant everywhere, through different code and algebra."""
    data = made(m=25, n=2)
    w = np.linspace(0.5, 2.0, data.m) if weighted else None
    data = bm.Data(np.asarray(data.X), np.asarray(data.y), observation_weights=w)
    problem = model.resolve(data)
    joint = log_joint(problem).unconstrained()
    theirs = build(problem)
    log_density = theirs.compile_logp(mode="FAST_COMPILE")
    rng = np.random.default_rng(8)
    differences = []
    for _ in range(4):
        x = 0.3 * rng.standard_normal(joint.size)
        at = joint.coordinates
        point = {k: np.asarray(v) for k, v in _named(problem, at.beta(x)).items()}
        values, free = at.values(x), [f for f in at.free if f.name in problem.inferred]
        unbounded = {
            f"{f.name}_{way}__": f.support.unconstrain(values[f.name])
            for f in free
            for way in ("log", "interval")  # of what is above zero, and above another limit
        }
        inputs = {v.name: (point | unbounded)[v.name] for v in theirs.value_vars}
        ours = joint.log_density(x)
        differences.append(ours - float(log_density(inputs)))
    np.testing.assert_allclose(differences, differences[0], atol=1e-8)


def _named(problem: bm.model.Problem, beta: np.ndarray) -> dict[str, np.ndarray]:
    theta = beta[int(problem.has_intercept) :]
    names = problem.data.feature_names
    point = {"weights": theta} | {f"weights_{n}": t for n, t in zip(names, theta, strict=True)}
    if problem.has_intercept:
        at_zero = beta[0] - theta @ problem.statistics.mean_X
        point |= {"intercept_centred": beta[0], "intercept": at_zero}
    if isinstance(problem.prior, bm.NormalByPrecision):
        point["coefficients_whitened"] = problem.prior.factor @ (beta - problem.prior.mean)
    return point


def test_gradient_is_the_derivative() -> None:
    joint = log_joint(MODELS[2].resolve(made(m=25, n=2))).unconstrained()
    frame, v, h = whitening(joint, np.zeros(joint.size)), np.array([0.3, -0.4, 0.5, 0.2]), 1e-5
    gradient = frame.log_density(v)[1]
    for k, direction in enumerate(np.eye(4)):
        up, down = (frame.log_density(v + s * h * direction)[0] for s in (1, -1))
        assert gradient[k] == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayesml.ConvergenceWarning")  # few draws
def test_pm_sample_gives_the_same_posterior() -> None:
    data = made(m=40, n=2)
    settings = {"draws": 200, "tune": 200, "chains": 2, "progress": False}
    ours, theirs = (
        bm.fit(MODELS[1], data, bm.NUTS(engine=engine, **settings), rng=4)
        for engine in (bm.Direct(), bm.PyMC())
    )
    a, b = ours.summary(), theirs.summary()
    error = np.hypot(a["mcse_mean"], b["mcse_mean"])
    np.testing.assert_array_less(np.abs(a["mean"] - b["mean"]) / error, 4.0)


def test_one_chain_cannot_show_agreement() -> None:
    with pytest.warns(bm.ConvergenceWarning, match="R̂"):
        fit = bm.fit(bm.Model(), made(m=20), bm.NUTS(chains=1, progress=False), rng=1)
    assert not fit.check().passed
    with pytest.warns(bm.ConvergenceWarning, match="checks failed"):
        fit.predict(np.asarray(fit.data.X[:2]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"draws": 0}, "draws must be a whole number"),
        ({"chains": 2.5}, "chains must be a whole number"),
        ({"target_accept": 1.0}, "target_accept must be a number between"),
    ],
)
def test_settings_are_checked(settings: dict[str, float], message: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=message):
        bm.NUTS(**settings)


def test_collinear_columns_are_refused_before_sampling() -> None:
    X = np.arange(12.0).reshape(-1, 1) @ np.array([[1.0, 2.0]])
    model = bm.Model(bm.Linear(), bm.StudentT(), bm.Flat())
    with pytest.raises(bm.RankDeficientError, match="x0"):
        bm.fit(model, bm.Data(X, np.sin(np.arange(12.0))), QUIET)
