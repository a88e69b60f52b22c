"""Supports: bijections that invert, Jacobians that are derivatives, and who is inside."""

import numpy as np
import pytest

from bayesml.distributions import (
    Above,
    Binary,
    ContinuousSupport,
    Counts,
    Positive,
    Real,
    Support,
    UnitInterval,
)

mpmath = pytest.importorskip("mpmath")

EPSILON = np.finfo(float).eps
U = np.array([-700.0, -40.0, -3.0, -0.2, -1e-9, 0.0, 1e-12, 0.7, 5.0, 30.0, 700.0])
INTERVALS = [Real(), Positive(), Above(1.5), UnitInterval()]
EXACT = {
    Real(): lambda u: u,
    Positive(): mpmath.exp,
    Above(1.5): lambda u: mpmath.mpf(1.5) + mpmath.exp(u),
    UnitInterval(): lambda u: 1 / (1 + mpmath.exp(-u)),
}


def exactly(f, u):
    """Evaluate a function of mpmath at every u, with digits enough for its derivatives."""
    with mpmath.workdps(700):
        return np.array([float(f(mpmath.mpf(float(v)))) for v in u])


@pytest.mark.parametrize("support", INTERVALS, ids=repr)
def test_the_bijection_and_its_derivatives_are_those_of_many_digits(
    support: ContinuousSupport,
) -> None:
    T = EXACT[support]
    log_slope = {
        Real(): lambda u: u * 0,
        Positive(): lambda u: u,
        Above(1.5): lambda u: u,
        UnitInterval(): lambda u: mpmath.log(T(u)) + mpmath.log(1 - T(u)),
    }[support]
    bend = {
        Real(): lambda u: u * 0,
        Positive(): lambda u: u * 0 + 1,
        Above(1.5): lambda u: u * 0 + 1,
        UnitInterval(): lambda u: 1 - 2 * T(u),
    }[support]
    for ours, exact in (
        (support.constrain, T),
        (support.slope, lambda u: mpmath.exp(log_slope(u))),
        (support.log_jacobian, log_slope),
        (support.log_jacobian_slope, bend),
    ):
        # Four units in the last place: numpy's exp and tanh are not correctly rounded.
        np.testing.assert_allclose(ours(U), exactly(exact, U), rtol=4 * EPSILON, atol=0)


@pytest.mark.parametrize("support", INTERVALS, ids=repr)
def test_derivatives_are_derivatives(support: ContinuousSupport) -> None:
    u, h = np.linspace(-4.0, 4.0, 9), 1e-5
    rise = (support.constrain(u + h) - support.constrain(u - h)) / (2 * h)
    np.testing.assert_allclose(support.slope(u), rise, rtol=1e-8)
    np.testing.assert_allclose(support.log_jacobian(u), np.log(support.slope(u)), atol=1e-14)
    bend = (support.log_jacobian(u + h) - support.log_jacobian(u - h)) / (2 * h)
    np.testing.assert_allclose(support.log_jacobian_slope(u), bend, atol=1e-9)


@pytest.mark.parametrize("support", INTERVALS, ids=repr)
def test_it_inverts_as_far_as_values_can_tell(support: ContinuousSupport) -> None:
    """An error of ε φ in φ is one of ε φ/(dφ/du) in u: close to an end digits are lost."""
    ends = {UnitInterval(): (-np.inf, 30.0), Above(1.5): (-30.0, np.inf)}
    low, high = ends.get(support, (-np.inf, np.inf))
    u = U[(low <= U) & (high >= U)]
    value = support.constrain(u)
    assert np.all(support.contains(value))
    allowed = 2 * EPSILON * (np.abs(value) / support.slope(u) + np.abs(u))
    assert np.all(np.abs(support.unconstrain(value) - u) <= allowed)


def test_far_out_the_unit_interval_rounds_to_its_end() -> None:
    """Where u > 37 there is no number between φ and 1; the Jacobian still tells them apart."""
    support = UnitInterval()
    assert support.constrain(700.0) == 1.0
    assert not support.contains(support.constrain(700.0))
    assert support.log_jacobian(700.0) == -700.0
    assert 0 < support.constrain(-700.0) < 1e-300


@pytest.mark.parametrize(
    ("support", "inside", "outside"),
    [
        (Real(), [-1e300, 0.0, 5e-324], [np.inf, -np.inf, np.nan]),
        (Positive(), [5e-324, 1.0, 1e300], [0.0, -0.0, -1.0, np.inf, np.nan]),
        (Above(1.5), [1.5 + 2 * EPSILON, 1e300], [1.5, 0.0, np.inf, np.nan]),
        (UnitInterval(), [5e-324, 0.5, 1 - EPSILON], [0.0, 1.0, -0.1, 1.1, np.inf, np.nan]),
        (Counts(), [0, 1, 7.0, 1e15], [-1, 0.5, np.inf, np.nan]),
        (Binary(), [0, 1, 1.0, True], [-1, 0.5, 2, np.inf, np.nan]),
    ],
    ids=lambda value: repr(value) if not isinstance(value, list) else "",
)
def test_who_is_inside(support: Support, inside: list[float], outside: list[float]) -> None:
    assert support.contains(inside).all()
    assert not support.contains(outside).any()
    assert [bool(support.contains(value)) for value in inside] == [True] * len(inside)
    assert support.discrete == (support in (Counts(), Binary()))
    assert support.words
