"""Every function of ArviZ takes the DataTree of every method to which it applies."""

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesml as bm
from tests.agreement.problems import made
from tests.contracts.arviz_table import (
    FUNCTIONS,
    METHODS,
    NETWORK,
    PAGE,
    applies,
    fitted,
    page,
    tree,
)

CELLS = [(m, f) for m in METHODS for f in FUNCTIONS if applies(m, f)]


@pytest.fixture(autouse=True)
def figures_are_closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.mark.parametrize(("method", "function"), CELLS)
def test_arviz_takes_it(method: str, function: str) -> None:
    assert FUNCTIONS[function](method) is not None


@pytest.mark.parametrize("method", [m for m in METHODS if METHODS[m][0] is not NETWORK])
def test_arviz_summary_has_our_means(method: str) -> None:
    """In the same order, within the Monte Carlo error of the draws that ArviZ reads."""
    import arviz as az

    ours = fitted(method).summary()
    theirs = az.summary(tree(method), round_to="none")
    draws = tree(method)["posterior"].sizes
    error = ours.iloc[:, 1] / np.sqrt(min(draws["chain"] * draws["draw"], 400))
    for name in ours.index:
        assert abs(theirs.loc[name, "mean"] - ours.loc[name, "mean"]) <= 5 * error[name]


@pytest.mark.parametrize("curvature", [bm.FullCurvature(), bm.KroneckerFactored(), bm.LastLayer()])
def test_what_has_no_distribution_is_constant_data(curvature: Any) -> None:
    """Under warnings as errors: R̂ of a constant is NaN, with a warning."""
    import arviz as az

    model = bm.Model(bm.MLP((3,)), bm.Gaussian())
    fit = bm.fit(model, made(m=40, n=2), bm.Laplace(curvature=curvature), rng=1)
    found = fit.to_datatree(draws=100, log_likelihood=True)
    assert az.summary(found).notna().all(axis=None)
    constants = {"sigma", "weights_1", "biases_1"} if curvature == bm.LastLayer() else {"sigma"}
    draws = fit.draws(draws=100)
    assert set(found["posterior"].data_vars) == set(draws) - constants
    for name in constants:
        np.testing.assert_array_equal(found["constant_data"][name], draws[name][0, 0])
    predictive = fit.posterior_predictive(draws=5)
    assert set(predictive["posterior"].data_vars) == set(draws) - constants
    assert predictive["posterior_predictive"]["y"].shape == (4, 5, 40)


@pytest.mark.parametrize("group", ["log_prior", "prior"])
def test_a_network_says_that_it_has_no_such_group(group: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=f"no group '{group}'"):
        fitted("Laplace").to_datatree(**{group: True})


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.contracts.arviz_table"
