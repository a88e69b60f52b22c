"""Leave-one-out in closed form against refits without the row, and against PSIS."""

import numpy as np
import pytest

import bayesml as bm
from tests.agreement.problems import made

PRIOR = bm.Independent(bm.Normal(1.0, 2.0), bm.Normal(5.0, 20.0))
MODELS = [
    bm.Model(bm.Linear(), bm.Gaussian(bm.HalfCauchy(2.0)), PRIOR),
    bm.Model(bm.Linear(), bm.Gaussian(1.5), PRIOR),
    bm.Model(bm.Linear(), bm.Gaussian(bm.Exponential(0.5)), bm.Flat()),
    bm.Model(bm.Linear(intercept=False), bm.Gaussian(bm.Flat()), bm.Flat()),
]


def without(data: bm.Data, row: int) -> bm.Data:
    w = data.observation_weights
    return bm.Data(
        np.delete(data.X, row, axis=0),
        np.delete(data.y, row),
        observation_weights=None if w is None else np.delete(w, row),
    )


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_what_refits_give(model: bm.Model, weighted: bool) -> None:
    """The centred intercept's prior stands at the mean of all rows, so its origin is fixed."""
    data = made(m=15, n=2)
    X = np.asarray(data.X) - np.asarray(data.X).mean(axis=0)
    w = np.linspace(0.5, 2.0, 15) if weighted else None
    if isinstance(model.prior, bm.Independent):
        prior = bm.Independent(model.prior.weights, model.prior.intercept, "original")
        model = bm.Model(model.predictor, model.likelihood, prior)
    data = bm.Data(X, np.asarray(data.y), observation_weights=w)
    found = bm.fit(model, data).leave_one_out()
    for row in range(15):
        refit = bm.fit(model, without(data, row)).predict(X[row : row + 1])
        assert found.log_density[row] == pytest.approx(refit.log_prob(data.y[row])[0], abs=1e-8)
        assert found.mean[row] == pytest.approx(refit.mean[0], rel=1e-8)


def test_conjugate_is_what_refits_give() -> None:
    data = made(m=12, n=2)
    X = np.asarray(data.X) - np.asarray(data.X).mean(axis=0)
    prior = bm.NormalInverseGamma(0.0, 2.0, 2.0, 3.0)
    model = bm.Model(bm.Linear(intercept=False), bm.Gaussian(), prior)
    data = bm.Data(X, np.asarray(data.y))
    found = bm.fit(model, data).leave_one_out()
    for row in range(12):
        refit = bm.fit(model, without(data, row)).predict(X[row : row + 1])
        assert found.log_density[row] == pytest.approx(refit.log_prob(data.y[row])[0], abs=1e-9)


def test_psis_agrees() -> None:
    az = pytest.importorskip("arviz")
    fit = bm.fit(bm.Model(), made(m=60), rng=1)
    loo = az.loo(fit.to_datatree(log_likelihood=True, draws=4000))
    assert loo.elpd == pytest.approx(fit.leave_one_out().elpd, abs=0.1)


def test_leverages_are_the_hat_matrix() -> None:
    data = made(m=30, n=3)
    A = np.column_stack([np.ones(30), data.X])
    hat = np.einsum("ij,ji->i", A, np.linalg.pinv(A))
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.HalfNormal(5)), bm.Flat())
    np.testing.assert_allclose(bm.fit(model, data).leave_one_out().leverage, hat, rtol=1e-9)


def test_a_row_that_alone_determines_a_coefficient_is_named() -> None:
    X = np.zeros((8, 1))
    X[3] = 1.0
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.HalfNormal(5)), bm.Flat())
    fit = bm.fit(model, bm.Data(X, np.arange(8.0)))
    with pytest.raises(bm.ImproperPosteriorError, match="Row 3"):
        fit.leave_one_out()


def test_points_have_none() -> None:
    with pytest.raises(bm.IncompatibleModelError, match=r"az\.loo"):
        bm.fit(bm.Model(), made(), bm.MLE()).leave_one_out()
