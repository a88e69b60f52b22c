"""R2D2: what it says of R², its scale by the noise, PyMC, and its posterior."""

from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

import bayesml as bm
from bayesml.log_joint import log_joint
from bayesml.pymc import to_pymc


def rows(m: int = 60) -> bm.Data:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(m, 4)) * [1.0, 10.0, 0.1, 3.0]
    return bm.Data(X, 1.0 + 3.0 * X[:, 0] + rng.normal(size=m))


def test_explained_variance_and_shares_are_as_stated() -> None:
    """Of draws of the prior: R² is Beta, and every share Beta(a, 3a)."""
    data = rows()
    prior = bm.R2D2(0.3, 4.0, 0.7)
    problem = bm.Model(likelihood=bm.Gaussian(2.0), prior=prior).resolve(data)
    rng, draws = np.random.default_rng(2), 4000
    values = {
        name: unknown.prior.sample(rng, (draws, *unknown.shape))
        for name, unknown in problem.hyperparameters.items()
    }
    s = problem.prior.spread(problem).scale(values)[:, 1:]
    explained = (s * data.X.std(axis=0, ddof=1)) ** 2
    total = explained.sum(axis=1)
    assert stats.kstest(total / (total + 4.0), stats.beta(1.2, 2.8).cdf).pvalue > 0.003
    for share in (explained / total[:, None]).T:
        assert stats.kstest(share, stats.beta(0.7, 2.1).cdf).pvalue > 0.003


@pytest.mark.parametrize(
    ("likelihood", "name"),
    [
        (bm.Gaussian(), "sigma"),
        (bm.StudentT(df=4.0), "sigma"),
        (bm.LaplaceResponse(), "scale"),
        (bm.Truncated(bm.Gaussian(), upper=40.0), "sigma"),
        (bm.Bernoulli(), 1.0),
        (bm.Truncated(bm.Poisson(), upper=40.0), 1.0),
    ],
    ids=repr,
)
def test_the_noise_is_the_likelihoods(likelihood: Any, name: Any) -> None:
    data = rows()
    if isinstance(name, float):
        data = bm.Data(np.asarray(data.X), (np.asarray(data.y) > 0).astype(float))
    problem = bm.Model(likelihood=likelihood, prior=bm.R2D2()).resolve(data)
    resolved: Any = problem.prior
    assert resolved.noise == name
    joint = log_joint(problem).unconstrained()
    x = 0.3 * np.random.default_rng(3).standard_normal(joint.size)
    steps = 1e-6 * np.eye(joint.size)
    slopes = [(joint.log_density(x + h) - joint.log_density(x - h)) / 2e-6 for h in steps]
    np.testing.assert_allclose(joint.log_density_and_gradient(x)[1], slopes, rtol=1e-5, atol=1e-5)


def test_beside_an_offset_it_is_scaled_alike() -> None:
    """An offset makes several outputs of one predictor: the same density, of y less the offset."""
    data, offset = rows(), np.full(60, 0.5)
    y = np.asarray(data.y)
    with_offset = bm.Data(np.asarray(data.X), y + offset, offset=offset)
    prior = bm.R2D2(intercept=bm.Normal(0, 5))
    two = [
        bm.Model(prior=prior, likelihood=bm.Gaussian(bm.HalfNormal(3))).resolve(d)
        for d in (data, with_offset)
    ]
    one, other = (log_joint(problem).unconstrained() for problem in two)
    x = 0.3 * np.random.default_rng(3).standard_normal(one.size)
    assert other.log_density(x) == pytest.approx(one.log_density(x), rel=1e-10)
    np.testing.assert_allclose(
        other.log_density_and_gradient(x)[1], one.log_density_and_gradient(x)[1], rtol=1e-8
    )


def test_pymc_has_its_density_with_the_noise_inferred() -> None:
    problem = bm.Model(bm.Linear(), bm.Gaussian(bm.HalfNormal(3)), bm.R2D2(0.4, 3.0)).resolve(
        rows()
    )
    theirs = to_pymc(problem.declared, problem.data)
    log_density = theirs.compile_logp(mode="FAST_COMPILE")
    joint = log_joint(problem).unconstrained()
    at, rng, differences = joint.coordinates, np.random.default_rng(4), []
    for _ in range(3):
        x = 0.5 * rng.standard_normal(joint.size)
        beta, values = at.beta(x), at.values(x)
        r2 = values["r_squared"]
        point = {
            "weights_in_units": x[1:5],
            "intercept_centred": beta[0],
            "sigma_log__": np.log(values["sigma"]),
            "local_scale_log__": np.log(values["local_scale"]),
            "r_squared_logodds__": np.log(r2 / (1.0 - r2)),
        }
        inputs = {v.name: np.asarray(point[v.name]) for v in theirs.value_vars}
        differences.append(float(joint.log_density(x)) - float(log_density(inputs)))
    np.testing.assert_allclose(differences, differences[0], atol=1e-7)


def test_nuts_has_the_moments_of_quadrature() -> None:
    """Over R² and the share of the first of two weights; given these all is Normal."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(25, 2))
    X -= X.mean(axis=0)
    y = 0.6 * X[:, 0] + rng.normal(size=25)
    model = bm.Model(
        bm.Linear(intercept=False), bm.Gaussian(1.0), bm.R2D2(0.4, 5.0, concentration=1.5)
    )
    settings = bm.NUTS(draws=600, tune=300, chains=2, target_accept=0.9, progress=False)
    fit = bm.fit(model, bm.Data(X, y), settings, rng=1)
    z, w = np.polynomial.legendre.leggauss(24)
    nodes, w = 0.5 * (z + 1.0), 0.5 * w
    sd = X.std(axis=0, ddof=1)
    mass, means, shares = [], [], []
    for r2, w1 in zip(nodes, w, strict=True):
        for share, w2 in zip(nodes, w, strict=True):
            scale = np.sqrt(r2 / (1.0 - r2) * np.array([share, 1.0 - share])) / sd
            covariance = np.eye(25) + (X * scale**2) @ X.T
            density = stats.beta(2, 3).pdf(r2) * stats.beta(1.5, 1.5).pdf(share)
            evidence = stats.multivariate_normal(np.zeros(25), covariance).pdf(y)
            mass.append(w1 * w2 * density * evidence)
            means.append(scale**2 * (X.T @ np.linalg.solve(covariance, y)))
            shares.append(r2)
    table = fit.summary()
    truth = [*np.average(means, axis=0, weights=mass), np.average(shares, weights=mass)]
    found = table.loc[["weights[x0]", "weights[x1]", "r_squared"]]
    ess = float(fit.check().findings[1].value)
    error = found["sd"].to_numpy() / np.sqrt(ess)
    np.testing.assert_array_less(np.abs(found["mean"] - truth), 4.0 * error)


def test_the_mode_of_its_scales_is_found_where_there_is_one() -> None:
    """Of scales with the coefficients integrated out, by a search over the marginal of y."""
    data, a = rows(30), 1.5
    model = bm.Model(bm.Linear(intercept=False), bm.Gaussian(1.0), bm.R2D2(0.4, 5.0, a))
    fit = bm.fit(model, data, bm.MAP())
    X, y = np.asarray(data.X), np.asarray(data.y)
    unit = 1.0 / X.std(axis=0, ddof=1)

    def negative(x: Any) -> float:
        share, local = 1.0 / (1.0 + np.exp(-x[0])), np.exp(x[1:])
        s = unit * np.sqrt(share / (1.0 - share)) * local / np.linalg.norm(local)
        law = stats.multivariate_normal(np.zeros(30), np.eye(30) + (X * s**2) @ X.T)
        of_local = np.sum((2.0 * a - 1.0) * np.log(local) - local**2)
        return -float(law.logpdf(y) + stats.beta(2.0, 3.0).logpdf(share) + of_local)

    table = fit.summary()["mean"]
    r2, local = float(table["r_squared"]), table.iloc[-4:].to_numpy()
    ours = np.array([np.log(r2 / (1.0 - r2)), *np.log(local)])
    best = optimize.minimize(negative, np.zeros(5), method="BFGS")
    assert negative(ours) <= best.fun + 1e-6
    np.testing.assert_allclose(ours, best.x, atol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bm.R2D2(mean=1.0), "between 0 and 1"),
        (lambda: bm.R2D2(precision=-1.0), "precision must be a positive number"),
        (lambda: bm.R2D2(concentration=0.0), "concentration must be a positive number"),
        (lambda: bm.R2D2(intercept=bm.HalfNormal(1)), "intercept must be Normal or Flat"),
        (
            lambda: bm.fit(bm.Model(prior=bm.R2D2(noise="scale")), rows()),
            "noise = 'scale' is no parameter",
        ),
        (
            lambda: bm.fit(bm.Model(prior=bm.R2D2()), rows(), bm.Gibbs()),
            "R2D2.*whose scales are not those of weights. Use NUTS",
        ),
        (
            lambda: bm.fit(
                bm.Model(bm.Linear(intercept=False), bm.Gaussian(1.0), bm.R2D2()),
                bm.Data(np.asarray(rows().X)[:, :2], rows().y),
                bm.MAP(),
            ),
            r"MAP.*R2D2.*local_scale of .* at zero.* Use NUTS\(\), which averages",
        ),
        (lambda: bm.fit(bm.Model(prior=bm.R2D2()), rows(), bm.Exact()), r"Exact.* Use NUTS\(\)"),
        (
            lambda: bm.fit(bm.Model(prior=bm.R2D2()), rows(), bm.EmpiricalBayes()),
            r"the prior is R2D2\(\). Use Auto\(\)",
        ),
        (lambda: bm.fit(bm.Model(bm.MLP((2,)), prior=bm.R2D2()), rows()), "Layered"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=message):
        make()
