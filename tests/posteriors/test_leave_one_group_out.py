"""Groups left out whole, against densities and fits of the other rows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

import bayesml as bm
from bayesml.errors import (
    ApproximationWarning,
    DataError,
    ImproperPosteriorError,
    IncompatibleModelError,
)
from bayesml.linalg.arrow import Eliminated
from bayesml.log_joint.group_statistics import grouped_statistics

PROPER = bm.Hierarchical(coefficients=bm.WeaklyInformative())


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    g, h, x = np.repeat(np.arange(9), 8), rng.integers(0, 4, 72), rng.normal(2.0, 1.0, 72)
    effects = rng.normal(size=(9, 2)) * [1.5, 0.5]
    y = 1.0 + x + effects[g, 0] + effects[g, 1] * x + rng.normal(size=4)[h] + rng.normal(size=72)
    names = {"g": [f"g{v}" for v in g], "w": rng.integers(0, 3, 72) + (np.arange(72) % 8 == 0)}
    return pd.DataFrame({"y": y, "x": x, "h": h, "t": np.exp(0.1 * y), **names})


CASES = [
    ("y ~ x + (x | g)", "g"),
    ("y ~ x + (1 | g) + (x || h)", "g"),
    ("y ~ x + (1 | g) + (x || h)", "h"),
    ("y ~ 0 + x + (1 | g)", "g"),
    ("y ~ s(x, k=5) + (1 | g) + (1 | h)", "h"),
    ("y ~ offset(2 * x) + (1 | g)", "g"),
    ("y | precision(t) ~ x + (x | g) + (1 | h)", "g"),
]


@pytest.mark.parametrize(("formula", "factor"), CASES)
def test_densities_at_nodes_are_those_without_the_rows(
    formula: str, factor: str, frame: pd.DataFrame
) -> None:
    data = bm.Data.from_formula(formula, frame, observation_weights="w")
    fit = bm.fit(bm.Model(prior=PROPER), data, bm.Exact())
    found = fit.leave_one_group_out(factor)
    posterior: Any = fit.learned.posterior
    node, log_sigma = posterior.node, posterior.log_sigma[:, None]

    def densities(rows: pd.DataFrame) -> Any:
        problem = data.like(rows, observation_weights="w")
        rest = grouped_statistics(fit.resolved.resolve(problem), posterior.predictor)
        precisions = rest.statistics.precisions
        logarithms = 0.0 if precisions is None else precisions.logarithms
        marginal = replace(
            posterior.marginal,
            arrow=rest.arrow,
            reference=rest.reference,
            log_precisions=logarithms,
        )
        found = marginal.arrow.eliminate(marginal.scales.factors(posterior.theta))
        each = Eliminated(found.schur[node], found.log_det[node])
        return marginal.given(posterior.theta[node], each, log_sigma).log_density[:, 0]

    whole = densities(frame)
    for k, level in list(enumerate(found.levels))[::4]:
        ratio = whole - densities(frame[frame[factor].astype(str) != level])
        right = -logsumexp(np.log(posterior.weights) - ratio)
        assert found.log_density[k] == pytest.approx(right, abs=1e-8)


def test_densities_are_those_of_refits_within_their_error(frame: pd.DataFrame) -> None:
    data = bm.Data.from_formula("y ~ 0 + x + (1 | g)", frame)
    fit = bm.fit(bm.Model(prior=PROPER), data, bm.Exact())
    found = fit.leave_one_group_out()
    refits = []
    for level in found.levels:
        rest = bm.fit(fit.resolved, data.like(frame[frame.g != level]), bm.Exact())
        refits.append(fit.log_evidence - rest.log_evidence)
    away = np.abs(found.log_density - refits)
    assert np.all(away < np.maximum(found.edge, 1e-4))
    assert np.all(found.edge < 0.02)
    assert found.elpd == pytest.approx(sum(refits), abs=0.02)
    by_hand = np.std(refits) * np.sqrt(len(refits))  # of a sum, the refits being independent
    assert found.standard_error == pytest.approx(by_hand, rel=1e-2)


def test_groups_without_which_the_scales_are_others_are_named(frame: pd.DataFrame) -> None:
    few = frame[frame.g.isin(["g0", "g1", "g2"])].copy()
    few.loc[few.g == "g2", "y"] += 40.0
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + (1 | g)", few), bm.Exact())
    with pytest.warns(ApproximationWarning, match="'?g2"):
        found = fit.leave_one_group_out()
    assert [found.levels[g] for g in found.unreliable] == ["g2"]


def test_models_are_compared_by_new_groups(frame: pd.DataFrame) -> None:
    fits = {
        formula: bm.fit(bm.Model(), bm.Data.from_formula(formula, frame), bm.Exact())
        for formula in ("y ~ x + (x | g)", "y ~ x + (1 | g)")
    }
    table = bm.compare(fits, groups="g").leave_one_out
    for formula, fit in fits.items():
        alone = fit.leave_one_group_out("g")
        assert table.loc[formula, "elpd"] == pytest.approx(alone.elpd)
        assert table.loc[formula, "se"] == pytest.approx(alone.standard_error)
    assert set(table["verdict"]) <= {"best", "tied: rows", "worse"}


def test_densities_of_a_transformation_are_those_of_what_was_transformed(
    frame: pd.DataFrame,
) -> None:
    fits = {
        formula: bm.fit(bm.Model(), bm.Data.from_formula(formula, frame), bm.Exact())
        for formula in ("t ~ x + (1 | g)", "log(t) ~ x + (1 | g)")
    }
    result = bm.compare(fits, groups="g")
    name = "log(t) ~ x + (1 | g)"
    own = fits[name].leave_one_group_out("g").elpd
    added = result.leave_one_out.loc[name, "elpd"] - own
    assert added == pytest.approx(-np.log(frame.t).sum())


def test_what_cannot_be_left_out_says_so(frame: pd.DataFrame) -> None:
    frame = frame.assign(only=np.where(frame.g == "g3", frame.x, 0.0))
    flat = bm.Hierarchical(coefficients=bm.Independent())
    model, read = bm.Model(prior=flat), bm.Data.from_formula
    fit = bm.fit(model, read("y ~ x + only + (1 | g)", frame), bm.Exact())
    with pytest.raises(ImproperPosteriorError, match="'g3' alone"):
        fit.leave_one_group_out()
    point = bm.fit(bm.Model(), read("y ~ x + (1 | g)", frame), bm.MLE())
    with pytest.raises(IncompatibleModelError, match="closed form for exact"):
        point.leave_one_group_out()
    plain = bm.fit(bm.Model(), read("y ~ x", frame))
    with pytest.raises(IncompatibleModelError, match="no groups"):
        plain.leave_one_group_out()
    two = bm.fit(bm.Model(), read("y ~ x + (1 | g) + (1 | h)", frame), bm.Exact())
    with pytest.raises(DataError, match="is needed"):
        two.leave_one_group_out()
    first = bm.fit(bm.Model(), read("y ~ x + (1 | g)", frame[:40]), bm.Exact())
    with pytest.raises(DataError, match="needs them all"):
        first.update(first.data.like(frame[40:], new_groups=True)).leave_one_group_out()
