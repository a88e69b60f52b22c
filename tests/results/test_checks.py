"""Every kind of answer is judged by its own evidence, and NaN fails."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import bayesml as bm
from bayesml.inference.point import curvature_of
from bayesml.results.checks import at_once
from bayesml.results.diagnostic_limits import LIMITS
from bayesml.results.findings import CheckReport
from tests.agreement.problems import made

SHORT = bm.NUTS(draws=600, tune=500, chains=2, progress=False)


@pytest.fixture(scope="module")
def sampled() -> bm.Fit:
    return bm.fit(bm.Model(), made(m=30, n=2), SHORT, rng=1)


def names(fit: bm.Fit) -> set[str]:
    """Return the checks of the computation: those of the model are in test_criticism.py."""
    return {f.name.split(",")[0] for f in fit.check().findings if not f.doubts}


def judged(fit: bm.Fit, **learned: Any) -> CheckReport:
    """Judge a fit as if something else had been learned."""
    return at_once(replace(fit, learned=replace(fit.learned, **learned)))


def test_each_kind_has_its_own_checks(sampled: bm.Fit) -> None:
    data = made(m=30, n=2)
    exact = {"condition number of the scaled design", "quadrature error"}
    assert names(bm.fit(bm.Model(), data)) == exact
    robust = bm.fit(bm.Model(bm.Linear(), bm.StudentT(df=5.0)), data, bm.MAP())
    assert names(robust) == {
        "gradient norm at the answer",
        "smallest curvature at the answer",
    }
    assert robust.check().passed
    closed = {
        "condition number of the scaled design",
        "gradient norm at the answer",
        "smallest curvature at the answer",
    }
    for method in (bm.MLE(), bm.MAP()):
        estimate = bm.fit(bm.Model(), data, method)
        assert names(estimate) == closed
        assert estimate.check().passed
    assert names(sampled) == {
        "R̂",
        "effective sample size",
        "divergences",
        "share of draws at the largest tree depth",
        "E-BFMI",
    }


@pytest.mark.parametrize("key", sorted(LIMITS))
def test_nan_fails_and_every_finding_says_what_to_do(key: str, sampled: bm.Fit) -> None:
    report = judged(sampled, diagnostics={key: np.nan})
    (finding,) = (f for f in report.findings if f.name == LIMITS[key].name)
    assert not finding.passed
    said = " ".join(str(finding).split())
    assert finding.meaning in said
    assert finding.remedy in said


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("condition", 1e3, 1e12),
        ("quadrature_error", 1e-12, 1e-4),
        ("gradient_norm", 1e-9, 1.0),
        ("curvature", 0.1, -0.1),
        ("definiteness", 1e-12, -1e-12),
        ("decrement", 0.1, 2.0),
        ("importance_ess", 500.0, 20.0),
        ("importance_shift", 0.5, 0.51),
        ("agreement", 0.9, 0.1),
        ("ess_within", 50.0, 49.0),
        ("evidence_gradient", 1e-12, 1e-3),
        ("shared_scales_at_zero", 0.0, 1.0),
    ],
)
def test_limits_tell_good_from_bad(key: str, good: float, bad: float) -> None:
    assert LIMITS[key].holds(good)
    assert not LIMITS[key].holds(bad)


def test_nan_in_one_chain_fails(sampled: bm.Fit) -> None:
    energy = np.array(sampled.learned.sample_stats["energy"])
    energy[1, 0] = np.nan
    stats = {**sampled.learned.sample_stats, "energy": energy}
    report = judged(sampled, sample_stats=stats)
    assert [f.name for f in report.findings if not f.passed] == ["E-BFMI, worst chain"]
    draws = {name: np.array(v) for name, v in sampled.draws().items()}
    draws["weights"][0, 3, 1] = np.nan
    posterior = replace(sampled.learned.posterior, chains=draws)
    report = judged(sampled, posterior=posterior)
    failed = [f.name for f in report.findings if not f.passed]
    assert len(failed) == 3  # R̂ and both effective sample sizes


def test_each_fault_of_a_sampler_is_found(sampled: bm.Fit) -> None:
    chains, draws = sampled.learned.sample_stats["diverging"].shape
    faults = {
        "diverging": np.eye(chains, draws, dtype=bool),
        "reached_max_treedepth": np.ones((chains, draws), dtype=bool),
        "energy": np.cumsum(np.ones((chains, draws)), axis=1),
    }
    for name, values in faults.items():
        stats = {**sampled.learned.sample_stats, name: values}
        report = judged(sampled, sample_stats=stats)
        assert sum(not f.passed for f in report.findings) == 1, name


def test_chains_that_disagree_are_found(sampled: bm.Fit) -> None:
    apart = {name: np.array(v) for name, v in sampled.draws().items()}
    apart["sigma"][0] += 10.0
    posterior = replace(sampled.learned.posterior, chains=apart)
    report = judged(sampled, posterior=posterior)
    failed = [f.name for f in report.findings if not f.passed]
    assert "R̂, rank-normalised, worst parameter" in failed


def test_a_networks_chains_are_compared_by_their_functions(sampled: bm.Fit) -> None:
    posterior = replace(sampled.learned.posterior, checked_at=np.zeros((1, 2)))
    report = judged(sampled, posterior=posterior)
    found = [f.name for f in report.findings if "function value" in f.name]
    assert len(found) == 3
    assert not any("worst parameter" in f.name for f in report.findings)


@pytest.mark.parametrize(
    ("hessian", "smallest"),
    [
        ([[4.0, 0.0], [0.0, 9.0]], 1.0),
        ([[4.0, 8.0], [8.0, 9.0]], 1 - 8 / 6),
        ([[1.0, 1.0], [1.0, 1.0]], 0.0),
        ([[1.0, 0.0], [0.0, 0.0]], 0.0),
    ],
)
def test_a_saddle_and_a_flat_direction_are_found(hessian: list, smallest: float) -> None:
    covariance, curvature = curvature_of(10.0 * np.array(hessian))
    assert curvature == pytest.approx(smallest, abs=1e-12)
    assert LIMITS["curvature"].holds(curvature) == (smallest > 0)
    if smallest > 0:
        np.testing.assert_allclose(covariance, np.linalg.inv(hessian) / 10)
