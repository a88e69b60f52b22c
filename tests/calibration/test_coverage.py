"""Intervals hold what they promise, over data sets whose truth was drawn from the prior."""

import warnings

import numpy as np
import pytest

import bayesml as bm
from tests.calibration.simulation import LEVELS, MODEL, band, coverage, draw, ranks

SETS = 2000


@pytest.mark.slow
@pytest.mark.parametrize("m", [5, 20, 200])
def test_exact_intervals_cover(m: int) -> None:
    rng = np.random.default_rng([8, m])
    found: dict[str, list[float]] = {}
    for _ in range(SETS):
        made = draw(m, rng)
        for name, value in ranks(made, bm.fit(MODEL, made.data, bm.Exact(), rng=0)).items():
            found.setdefault(name, []).append(value)
    low, high = band(SETS)
    for name, values in found.items():
        share = coverage(np.array(values))
        assert np.all((low <= share) & (share <= high)), (name, LEVELS, share)


def test_point_estimates_do_not_cover() -> None:
    """The same count finds what is wrong: plug-in intervals of five rows are far too narrow."""
    rng = np.random.default_rng(9)
    inside = []
    for _ in range(300):
        made = draw(5, rng)
        inside.append(bm.fit(MODEL, made.data, bm.MLE()).predict(made.x_new).cdf(made.y_new)[0])
    share = coverage(np.array(inside))
    assert np.all(share < band(300)[0])


@pytest.mark.slow
def test_nuts_ranks_are_uniform_with_the_likelihood_among_them() -> None:
    """Simulation-based calibration; the log-likelihood finds data that are ignored."""
    rng = np.random.default_rng(10)
    method = bm.NUTS(draws=100, tune=200, chains=2, progress=False)
    sets, found = 40, {"weights": [], "sigma": [], "log_likelihood": []}
    for k in range(sets):
        made = draw(20, rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", bm.ConvergenceWarning)  # so few draws
            fit = bm.fit(MODEL, made.data, method, rng=k)
        draws = {name: v.reshape(-1, *v.shape[2:]) for name, v in fit.draws().items()}
        found["weights"].append(np.mean(draws["weights"][:, 0] < made.truth["weights"][0]))
        found["sigma"].append(np.mean(draws["sigma"] < made.truth["sigma"]))
        found["log_likelihood"].append(_likelihood_rank(made.data, draws, made.truth))
    low, high = band(sets)
    for name, values in found.items():
        share = coverage(np.array(values))
        assert np.all((low <= share) & (share <= high)), (name, share)


def _likelihood_rank(data: bm.Data, draws: dict, truth: dict) -> float:
    def log_likelihood(values: dict) -> np.ndarray:
        eta = np.asarray(values["intercept"])[..., None] + values["weights"] @ data.X.T
        noise = {"sigma": np.asarray(values["sigma"])[..., None]}
        return np.sum(bm.Gaussian().log_density(data.y, eta, noise), axis=-1)

    return float(np.mean(log_likelihood(draws) < log_likelihood(truth)))
