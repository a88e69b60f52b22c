"""The reference data are read as their README describes them."""

import numpy as np
import pytest

from tests.reference.refdata import (
    cases,
    load,
    log_relative_error,
    nist_features,
    split,
    split_count,
)


@pytest.mark.parametrize("name", cases("nist"))
def test_nist_problem_has_a_coefficient_for_each_column(name: str) -> None:
    problem = load("nist", name)
    X = nist_features(name)
    assert X.shape[0] == problem["y"].shape[0] == problem["n_obs"]
    assert X.shape[1] + problem["intercept"] == len(problem["certified"]["coef"])


@pytest.mark.parametrize("name", cases("posteriordb", family="gaussian"))
def test_posterior_has_exact_moments_of_every_parameter(name: str) -> None:
    posterior = load("posteriordb", name)
    m, n = posterior["X"].shape
    assert (m, n) == (posterior["n"], posterior["p"])
    assert posterior["y"].shape == (m,)
    assert len(posterior["exact"]["mean"]) == len(posterior["exact"]["sd"]) == n + 1


@pytest.mark.parametrize("name", cases("uci"))
def test_splits_part_the_rows(name: str) -> None:
    assert split_count(name) > 0
    first, last = split(name, 0), split(name, split_count(name) - 1)
    for part in (first, last):
        assert part.X_train.shape == (*part.y_train.shape, part.X_test.shape[1])
    together = [np.sort(np.concatenate([part.y_train, part.y_test])) for part in (first, last)]
    np.testing.assert_array_equal(*together)


def test_log_relative_error_counts_digits() -> None:
    found = log_relative_error([1.001, 5.0, 1e-4, 2.0], [1.0, 5.0, 0.0, 1.0])
    np.testing.assert_allclose(found, [3.0, 15.0, 4.0, 0.0], rtol=1e-9, atol=1e-9)
