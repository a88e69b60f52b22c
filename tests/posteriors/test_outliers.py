"""Exact densities of rows far out, against evidences of all rows and of all but one (Q6, Q7).

The oracle integrates σ on a dense grid of log σ, from the singular values of the design.
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import log_ndtr, logsumexp

import bayesml as bm
from bayesml.posteriors.tilted import summed
from bayesml.typing import Array

GRID = np.linspace(-12.0, 28.0, 20_001)
SD, NOISE, ROW = 10.0, 0.5, 3
PRIOR = bm.Independent(bm.Normal(0.0, SD), bm.Normal(0.0, SD), "original")
PRIORS = [
    bm.HalfNormal(1.0),
    bm.Exponential(0.5),
    bm.InverseGamma(3.0, 1.0),
    bm.HalfCauchy(1.0),
    bm.HalfStudentT(3.0, 2.0),
]
FAR = [0.0, 2.5, 4.0, 6.0, 10.0, 30.0, 100.0]


def made(m: int, out: float) -> tuple[Array, Array]:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(m, 2))
    y = 1.0 + X @ [1.0, -1.0] + NOISE * rng.normal(size=m)
    y[ROW] += NOISE * out
    return X, y


def joint(X: Array, y: Array, prior: bm.distributions.Distribution) -> Array:
    """Evaluate log p(y | σ) + log p(σ) + log σ on the grid."""
    A = SD * np.column_stack([np.ones(len(y)), X])
    U, s, _ = np.linalg.svd(A, full_matrices=False)
    along = U.T @ y
    rest = y - U @ along
    variance = np.exp(2.0 * GRID)[:, None] + s**2
    seen = -0.5 * np.sum(np.log(variance) + along**2 / variance, axis=1)
    unseen = -(len(y) - len(s)) * GRID - 0.5 * (rest @ rest) * np.exp(-2.0 * GRID)
    constant = -0.5 * len(y) * np.log(2.0 * np.pi)
    return np.asarray(constant + seen + unseen + prior.log_density(np.exp(GRID)) + GRID)


def without(X: Array, y: Array) -> tuple[Array, Array]:
    return np.delete(X, ROW, axis=0), np.delete(y, ROW)


def fitted(X: Array, y: Array, prior: bm.distributions.Distribution | float) -> bm.Fit:
    return bm.fit(bm.Model(bm.Linear(), bm.Gaussian(prior), PRIOR), bm.Data(X, y), bm.Exact())


def error(got: float, true: float) -> float:
    return abs(got - true) / max(1.0, abs(true))


@pytest.mark.parametrize("prior", PRIORS, ids=repr)
@pytest.mark.parametrize("m", [15, 50, 200])
def test_density_of_an_outlier_is_a_ratio_of_evidences(
    m: int, prior: bm.distributions.Distribution
) -> None:
    for out in FAR:
        X, y = made(m, out)
        true = logsumexp(joint(X, y, prior)) - logsumexp(joint(*without(X, y), prior))
        left_out = fitted(X, y, prior).leave_one_out().log_density[ROW]
        predicted = fitted(*without(X, y), prior).predict(X[ROW : ROW + 1]).log_prob(y[ROW])[0]
        assert error(left_out, true) < 1e-11, out
        assert error(predicted, true) < 1e-12, out


@pytest.mark.parametrize("prior", PRIORS, ids=repr)
@pytest.mark.parametrize("out", [1e3, 1e4])
def test_a_row_a_thousand_standard_deviations_off(
    out: float, prior: bm.distributions.Distribution
) -> None:
    """What is left out is a difference of squares: one of 10⁸ keeps eight digits (V6)."""
    X, y = made(15, out)
    true = logsumexp(joint(X, y, prior)) - logsumexp(joint(*without(X, y), prior))
    left_out = fitted(X, y, prior).leave_one_out()
    predicted = fitted(*without(X, y), prior).predict(X[ROW : ROW + 1])
    assert left_out.log_density[ROW] == pytest.approx(true, abs=2e-16 * out**2)
    assert error(predicted.log_prob(y[ROW])[0], true) < 1e-12
    assert left_out.mean[ROW] == pytest.approx(predicted.mean[0], abs=1e-9)


@pytest.mark.parametrize("weight", [0.05, 0.5])
@pytest.mark.parametrize("out", [6.0, 15.0, 100.0])
def test_part_of_a_row_is_left_out_and_one_is_predicted(out: float, weight: float) -> None:
    """σ lies beyond the nodes on either side: with no copy of the outlier, and with a whole one."""
    X, y = made(200, out)
    w = np.ones(200)
    w[ROW] = weight
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.HalfCauchy(1.0)), PRIOR)
    found = bm.fit(model, bm.Data(X, y, observation_weights=w)).leave_one_out()
    true = logsumexp(joint(X, y, bm.HalfCauchy(1.0)))
    true -= logsumexp(joint(*without(X, y), bm.HalfCauchy(1.0)))
    assert error(found.log_density[ROW], true) < 1e-11


@pytest.mark.parametrize(
    ("logs", "held"),
    [
        (lambda x: -0.5 * x**2, True),
        (lambda x: -0.5 * (x - 4.0) ** 2, False),
        (lambda x: np.where(x > 9.0, 3.0 * (x - 20.0), -0.5 * x**2), False),
        (lambda x: np.where(x < -9.0, -3.0 * (x + 20.0), -0.5 * x**2), False),
        (lambda x: -0.5 * (x / 0.2) ** 2, False),
        (lambda x: np.full_like(x, -np.inf), True),
    ],
    ids=["inside", "at the end", "rising above", "rising below", "narrow", "nothing"],
)
def test_sums_say_whether_they_are_integrals(logs: Callable[[Array], Array], held: bool) -> None:
    nodes = np.linspace(-9.9, 9.9, 67)
    assert summed(logs(nodes)[None, :])[2].tolist() == [held]


@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_a_row_whose_digits_are_lost_is_refused_by_name(weight: float) -> None:
    X, y = made(15, 1e6)
    w = np.full(15, 1.0)
    w[ROW] = weight
    for model in (
        bm.Model(bm.Linear(), bm.Gaussian(bm.HalfCauchy(1.0)), PRIOR),
        bm.Model(bm.Linear(), bm.Gaussian(), bm.NormalInverseGamma(0.0, 10.0, 2.0, 1.0)),
    ):
        fit = bm.fit(model, bm.Data(X, y, observation_weights=w))
        with pytest.raises(bm.ConvergenceError, match="Row 3, y = "):
            fit.leave_one_out()


@pytest.mark.parametrize("prior", PRIORS, ids=repr)
@pytest.mark.parametrize("m", [15, 200])
def test_small_probabilities_keep_their_digits(
    m: int, prior: bm.distributions.Distribution
) -> None:
    """At the origin the row is the intercept; its mean and variance given σ are solved directly."""
    X, y = made(m, 0.0)
    fit = fitted(X, y, prior)
    A, variance = np.column_stack([np.ones(m), X]), np.exp(2.0 * GRID)
    inside = np.abs(GRID) < 9.0
    precision = A.T @ A / variance[inside, None, None] + np.eye(3) / SD**2
    covariance = np.linalg.inv(precision)
    mean = (covariance @ (A.T @ y))[:, 0] / variance[inside]
    of_mean = covariance[:, 0, 0]
    log_p = joint(X, y, prior)[inside] - logsumexp(joint(X, y, prior))
    origin = fit.predict(np.zeros((1, 2)))
    for away in (-40.0, -8.0, -2.0, 0.3, 5.0, 60.0):
        at = float(origin.mean[0]) + away * NOISE
        for prediction, sd in (
            (origin, np.sqrt(of_mean + variance[inside])),
            (origin.expectation, np.sqrt(of_mean)),
        ):
            z = (at - mean) / sd
            density = logsumexp(log_p - 0.5 * z**2 - np.log(sd)) - 0.5 * np.log(2.0 * np.pi)
            assert error(prediction.log_prob(at)[0], density) < 1e-10
            for got, logs in (
                (prediction.cdf(at), log_ndtr(z)),
                (prediction.exceedance(at), log_ndtr(-z)),
            ):
                true = np.exp(logsumexp(log_p + logs))
                assert got[0] == pytest.approx(true, rel=1e-9, abs=1e-300)


def test_closed_forms_are_exact_far_out() -> None:
    """Of σ that is known, and of the conjugate prior: refits say the same."""
    X, y = made(15, 100.0)
    conjugate = bm.Model(bm.Linear(), bm.Gaussian(), bm.NormalInverseGamma(0.0, 10.0, 2.0, 1.0))
    centred = X - X.mean(axis=0)
    for model, rows in (
        (bm.Model(bm.Linear(), bm.Gaussian(0.5), PRIOR), X),
        (bm.Model(bm.Linear(intercept=False), bm.Gaussian(), conjugate.prior), centred),
    ):
        found = bm.fit(model, bm.Data(rows, y)).leave_one_out()
        refit = bm.fit(model, bm.Data(*without(rows, y))).predict(rows[ROW : ROW + 1])
        assert error(found.log_density[ROW], refit.log_prob(y[ROW])[0]) < 1e-11


def test_absurd_values_are_refused_and_their_tails_are_zero() -> None:
    origin = fitted(*made(50, 0.0), bm.Exponential(1.0)).predict(np.zeros((1, 2)))
    with pytest.raises(bm.ConvergenceError, match="y = 1e\\+25 in row 0"):
        origin.log_prob(1e25)
    assert origin.exceedance(1e25)[0] == 0.0
    assert origin.cdf(1e25)[0] == 1.0
    assert origin.log_prob(np.inf)[0] == -np.inf


def test_stored_fits_know_the_tails(tmp_path_factory: pytest.TempPathFactory) -> None:
    fit = fitted(*made(15, 0.0), bm.HalfNormal(1.0))
    path = tmp_path_factory.mktemp("fits") / "fit.nc"
    fit.save(path)
    again: Callable[..., Array] = bm.load(path).predict(np.zeros((1, 2))).log_prob
    assert again(50.0) == fit.predict(np.zeros((1, 2))).log_prob(50.0)
