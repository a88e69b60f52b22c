"""Posteriors that do not exist are refused before they are sampled, doubtful ones noted."""

from typing import Any

import numpy as np
import pytest
from scipy import integrate

import bayesml as bm
from bayesml.inference.propriety import propriety

SHORT = bm.NUTS(draws=100, tune=100, chains=2, progress=False)
CHAINS = bm.Langevin(chains=2, steps=400, thin=10)
FLAT = bm.Model(bm.Linear(), bm.Gaussian(bm.Flat()), bm.Flat())
METHODS = [bm.Exact(), SHORT, CHAINS, bm.Laplace()]


def rows(m: int, noise: float = 1.0) -> bm.Data:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(m, 3))
    return bm.Data(X, X[:, 0] + noise * rng.normal(size=m))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize(
    ("m", "noise", "where"), [(4, 1.0, "infinity"), (5, 1.0, "infinity"), (9, 0.0, "zero")]
)
def test_flat_priors_and_few_rows_are_refused(
    method: Any, m: int, noise: float, where: str
) -> None:
    """Four coefficients: p(σ | y) falls as σ^-(m − 4), which integrates from m = 6 on."""
    with pytest.raises(bm.ImproperPosteriorError, match=f"{where}.*{m} rows for 4 coeff"):
        bm.fit(FLAT, rows(m, noise), method, rng=1)


def test_one_row_more_is_enough() -> None:
    assert bm.fit(FLAT, rows(6), bm.Exact()).check().passed
    assert propriety(FLAT.resolve(rows(6))) == ()


def test_a_mode_is_refused_only_where_there_is_none() -> None:
    """Four rows are fitted exactly; five leave a residual, and so a mode, if no posterior."""
    with pytest.raises(bm.ImproperPosteriorError, match="no mode: it grows"):
        bm.fit(FLAT, rows(4), bm.MAP())
    with pytest.warns(bm.ConvergenceWarning, match="fits every row exactly"):
        assert not bm.fit(FLAT, rows(4), bm.MLE()).check().passed
    mode = bm.fit(FLAT, rows(5), bm.MAP()).summary()["mean"]["sigma"]
    likelihood = bm.fit(FLAT, rows(5), bm.MLE()).summary()["mean"]["sigma"]
    assert mode == pytest.approx(likelihood, rel=1e-12)


@pytest.mark.parametrize("method", METHODS[1:], ids=lambda m: type(m).__name__)
def test_flat_degrees_of_freedom_have_no_posterior(method: Any) -> None:
    """(H7): the likelihood stays above a positive number, however many rows there are."""
    model = bm.Model(bm.Linear(), bm.StudentT(df=bm.Flat()))
    with pytest.raises(bm.ImproperPosteriorError, match=r"df .* towards infinity.*Gaussian\(\)"):
        bm.fit(model, rows(50), method, rng=1)


def test_the_likelihood_of_degrees_of_freedom_stays_positive() -> None:
    """The oracle of (H7): what is left beyond ν₀ grows with the end of the integral."""
    z = np.random.default_rng(1).normal(size=20)

    def likelihood(df: float) -> float:
        return float(np.exp(np.sum(bm.StudentT().log_density(z, 0.0, {"df": df, "sigma": 1.0}))))

    parts = [integrate.quad(likelihood, 10.0**k, 10.0 ** (k + 1))[0] for k in (2, 3, 4)]
    assert parts[1] > 9 * parts[0]
    assert parts[2] > 9 * parts[1]


@pytest.mark.parametrize("method", METHODS[1:], ids=lambda m: type(m).__name__)
def test_doubt_is_noted(method: Any) -> None:
    model = bm.Model(bm.Linear(), bm.StudentT(df=4.0, sigma=bm.Flat()), bm.Flat())
    with pytest.warns(bm.ConvergenceWarning, match="The prior of sigma is improper"):
        fit = bm.fit(model, rows(60), method, rng=1)
    assert any("whether the posterior is proper is not known" in n for n in fit.learned.notes)
    assert len(fit.learned.notes) == 1
    proper = bm.Model(bm.Linear(), bm.StudentT(df=4.0), bm.Flat())
    assert propriety(proper.resolve(rows(60))) == ()
