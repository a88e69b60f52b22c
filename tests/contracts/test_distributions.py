"""Every distribution: integrates to one, score and curvature are derivatives, samples fit."""

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

import bayesml as bm
from bayesml import distributions as d
from bayesml.distributions import stack
from bayesml.graphs.model import variable

REAL = [
    d.Normal(1.0, 2.0),
    d.StudentT(3.0, -1.0, 0.5),
    d.StudentT(1e8, 0.0, 1.0),
    d.Laplace(0.5, 2),
    d.ElasticNet(0.5, 2.0, 0.7),
    d.ElasticNet(0.0, 0.2, 5.0),
]
POSITIVE = [
    d.HalfNormal(2.0),
    d.HalfCauchy(0.5),
    d.HalfStudentT(4.0, 3.0),
    d.Exponential(0.2),
    d.Gamma(2.0, 0.1),
    d.Gamma(1.0, 3.0),
    d.InverseGamma(3.0, 2.0),
    d.RootGamma(0.7, 2.0),
    d.RootInverseGamma(3.0, 2.0),
]
ABOVE = [d.Shifted(d.Gamma(2.0, 0.1), 1.0), d.Shifted(d.HalfNormal(2.0), 0.2)]
UNIT = [d.Beta(1.0, 1.0), d.Beta(2.0, 3.5)]
ALL = [*REAL, *POSITIVE, *ABOVE, *UNIT]


def points(distribution: d.Distribution) -> np.ndarray[Any, Any]:
    if distribution.support == d.UnitInterval():
        return np.array([0.1, 0.4, 0.95])
    if distribution in ABOVE:
        return np.array([1.1, 1.7, 4.0])
    return (
        np.array([0.3, 1.7, 4.0])
        if distribution.support == d.Positive()
        else np.array([-2.2, 0.1, 3])
    )


@pytest.mark.parametrize("distribution", ALL, ids=repr)
def test_density_integrates_to_one(distribution: d.Distribution) -> None:
    """Over x = sinh(t), so that heavy tails end."""
    low = -30.0 if distribution.support == d.Real() else 0.0
    ends = [np.arcsinh(distribution.limit)] if isinstance(distribution, d.Shifted) else []
    total, _ = integrate.quad(
        lambda t: np.exp(distribution.log_density(np.sinh(t))) * np.cosh(t),
        low,
        float(np.arcsinh(1.0)) if distribution.support == d.UnitInterval() else 30.0,
        points=[-1, 0.5, 0.8, 2, *ends],
        limit=400,
    )
    assert total == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("distribution", [*ALL, d.Flat()], ids=repr)
def test_score_and_curvature_are_derivatives(distribution: d.Distribution) -> None:
    x, h = points(distribution), 1e-5
    slope = (distribution.log_density(x + h) - distribution.log_density(x - h)) / (2 * h)
    np.testing.assert_allclose(distribution.score(x), slope, rtol=1e-7, atol=1e-9)
    bend = (distribution.score(x + h) - distribution.score(x - h)) / (2 * h)
    np.testing.assert_allclose(distribution.curvature(x), bend, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("distribution", ALL, ids=repr)
def test_samples_follow_the_density(distribution: d.Distribution) -> None:
    """A Kolmogorov-Smirnov test at level 1e-4, against the integrated density."""
    draws = np.sort(distribution.sample(np.random.default_rng(3), (2000,)))
    grid = np.sinh(np.linspace(np.arcsinh(draws[0] - 5), np.arcsinh(draws[-1] + 5), 40001))
    if distribution.support == d.UnitInterval():
        grid = np.linspace(0.0, 1.0, 40001)[1:-1]
    elif distribution.support != d.Real():
        grid = np.sinh(np.linspace(0, np.arcsinh(draws[-1] + 5), 40001))[1:]
    cdf = integrate.cumulative_trapezoid(np.exp(distribution.log_density(grid)), grid, initial=0)
    below = (
        float(
            integrate.quad(
                lambda t: np.exp(distribution.log_density(np.sinh(t))) * np.cosh(t),
                -40,
                np.arcsinh(grid[0]),
            )[0]
        )
        if distribution.support == d.Real()
        else 0.0
    )
    assert stats.kstest(draws, lambda x: np.interp(x, grid, cdf + below)).pvalue > 1e-4


SEQUENCE = d.Normal((0.0, 3.0, 1.0), (1.0, 0.1, 5.0))


@pytest.mark.parametrize("distribution", [*ALL, SEQUENCE, d.Flat()], ids=repr)
def test_pymc_has_the_same_density_and_score(distribution: d.Distribution) -> None:
    import pymc as pm
    from pytensor import function, grad

    x = points(distribution)
    value = pm.math.constant(x)
    with pm.Model(coords={"feature": range(3)}):
        theirs = pm.logp(variable("x", distribution, distribution.support, "feature"), value)
    slopes = grad(theirs.sum(), value, disconnected_inputs="ignore")
    density, slope = function([], [theirs, slopes], mode="FAST_COMPILE")()
    np.testing.assert_allclose(distribution.log_density(x), density, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(distribution.score(x), slope, rtol=1e-8, atol=1e-10)


def test_a_flat_prior_is_flat_where_its_parameter_lives() -> None:
    import pymc as pm

    with pm.Model() as model:
        for k, support in enumerate((d.Real(), d.Positive(), d.UnitInterval())):
            found = variable(f"x{k}", d.Flat(), support)
            inside = pm.logp(found, pm.math.constant([0.2, 0.9])).eval(mode="FAST_COMPILE")
            np.testing.assert_array_equal(
                np.broadcast_to(inside, 2), d.Flat().log_density([0.2, 0.9])
            )
            outside = pm.logp(found, pm.math.constant([-1.0])).eval(mode="FAST_COMPILE")
            assert np.isfinite(outside).all() == support.contains(-1.0)
    transforms = [type(t).__name__ for t in model.rvs_to_transforms.values()]
    assert transforms == ["NoneType", "LogTransform", "Interval"]


@pytest.mark.parametrize("distribution", ALL, ids=repr)
def test_repr_is_the_code_that_makes_it(distribution: d.Distribution) -> None:
    assert eval(repr(distribution), vars(d)) == distribution


@pytest.mark.parametrize("distribution", [*POSITIVE, *ABOVE, *UNIT], ids=repr)
def test_no_mass_on_negative_values(distribution: d.Distribution) -> None:
    assert distribution.log_density(-1.0) == -np.inf


def test_student_t_is_accurate_at_many_degrees_of_freedom() -> None:
    """Against 50 digits, where the difference of two log-gammas has lost eight."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(50):
        for df in (0.5, 3.0, 1e3, 1e6, 1e10, 1e14):
            nu, z = mpmath.mpf(df), mpmath.mpf("1.5")
            exact = (
                mpmath.loggamma((nu + 1) / 2)
                - mpmath.loggamma(nu / 2)
                - mpmath.log(nu * mpmath.pi) / 2
                - (nu + 1) / 2 * mpmath.log1p(z**2 / nu)
            )
            assert float(d.StudentT(df).log_density(1.5)) == pytest.approx(float(exact), rel=1e-13)


def test_stack_joins_scalars() -> None:
    joined = stack([bm.Normal(0, 1), bm.Normal(3, 2)])
    x = np.array([0.5, 0.5])
    apart = [bm.Normal(0, 1).log_density(0.5), bm.Normal(3, 2).log_density(0.5)]
    np.testing.assert_array_equal(joined.log_density(x), apart)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bm.Normal(0, 0), "sd must be positive"),
        (lambda: bm.Normal(np.nan, 1), "mean must be finite"),
        (lambda: bm.Normal("a", 1), "mean must be a number"),
        (lambda: bm.HalfNormal(-1), "scale must be positive"),
        (lambda: bm.Normal(0, bm.Normal(0, 1)), "no distribution of one positive"),
        (lambda: bm.Normal(0, bm.HalfNormal((1, 2))), "no distribution of one positive"),
        (lambda: bm.Normal(0, bm.HalfNormal(1)).log_density(1.0), "sd is inferred"),
        (lambda: bm.Normal(bm.HalfNormal(1), 1), "mean must be a number"),
        (lambda: bm.Gamma(shape=-2, rate=1), "shape must be positive"),
        (lambda: bm.Shifted(bm.Normal(0, 1), 1), "proper distribution of one positive number"),
        (lambda: bm.Shifted(bm.Gamma, 1), "got the class Gamma"),
        (lambda: bm.Shifted(bm.Gamma((2, 3)), 1), "of one positive number"),
        (lambda: bm.Shifted(bm.Gamma(2), (1, 2)), "limit must be one number"),
        (lambda: bm.Shifted(bm.Gamma(2), np.inf), "limit must be finite"),
    ],
)
def test_bad_parameters_are_named(make: Any, message: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=message):
        make()


def test_flat_cannot_be_sampled() -> None:
    with pytest.raises(bm.ImproperPosteriorError, match="improper"):
        bm.Flat().sample(np.random.default_rng(0), (2,))
