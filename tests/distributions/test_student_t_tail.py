"""The fast distribution function of Student's t, against incomplete beta functions."""

import mpmath
import numpy as np
import pytest
from scipy.special import ndtr, stdtr

from bayesml.distributions.student_t_polynomials import cdf_by_columns
from bayesml.distributions.student_t_tail import student_t_cdf

DF = np.array([1e-2, 0.4, 1.0, 1.3, 2.0, 3.7, 9.0, 40.0, 200.0])
Z = -np.concatenate([[0.0, 1e-3], np.geomspace(0.1, 25.0, 14)])


def lower_tail(df: float, z: float) -> mpmath.mpf:
    with mpmath.workdps(50):
        nu, square, half = mpmath.mpf(df), mpmath.mpf(z) ** 2, mpmath.mpf(0.5)
        x = nu / (nu + square)
        if x > half:  # by the other end, where the series converges
            inside = mpmath.betainc(half, nu / 2, 0, square / (nu + square), regularized=True)
            return (1 - inside) / 2
        return mpmath.betainc(nu / 2, half, 0, x, regularized=True) / 2


def test_every_tail_is_right_to_its_twelfth_digit() -> None:
    truth = np.array([[float(lower_tail(df, z)) for df in DF] for z in Z])
    z = np.repeat(Z[:, None], len(DF), axis=1)
    np.testing.assert_allclose(cdf_by_columns(DF, z), truth, rtol=1e-12)
    np.testing.assert_allclose(cdf_by_columns(DF, -z), 1.0 - truth, rtol=1e-12)


@pytest.mark.parametrize("df", [1e16, 1e160, np.inf])
def test_it_is_normal_at_infinity(df: float) -> None:
    z = np.linspace(-30.0, 8.0, 64)[:, None]
    np.testing.assert_allclose(cdf_by_columns(np.array([df]), z), ndtr(z), rtol=1e-9)


def test_it_is_the_same_function_by_either_way(rng: np.random.Generator) -> None:
    df = rng.uniform(1.0, 30.0, size=70)  # more than a tile, and no multiple of one
    z = rng.standard_t(2.0, size=(9, 3, 70))
    both = student_t_cdf(df, z)
    np.testing.assert_allclose(both, stdtr(df, z), rtol=1e-11)
    np.testing.assert_allclose(both, student_t_cdf(np.broadcast_to(df, z.shape), z), rtol=1e-11)
    one = student_t_cdf(np.array(3.0), np.resize(z, 60_000))
    np.testing.assert_allclose(one, stdtr(3.0, np.resize(z, 60_000)), rtol=1e-11)


def test_ends_of_the_line(rng: np.random.Generator) -> None:
    z = rng.standard_t(2.0, size=(100, 50))
    z[0, 0], z[1, 1], z[2, 2] = np.inf, -np.inf, 1e200
    found = student_t_cdf(np.full(50, 1.5), z)
    assert (found[0, 0], found[1, 1], found[2, 2]) == (1.0, 0.0, 1.0)
    z[3, 3] = np.nan
    assert np.isnan(student_t_cdf(np.full(50, 1.5), z)[3, 3])
