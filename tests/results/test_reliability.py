"""Reliability of probabilities, against scikit-learn, and against outcomes of known probability."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

import bayesml as bm
from bayesml.likelihoods import Bernoulli, Categorical
from bayesml.posteriors.lattice import row_mixture
from bayesml.results.reliability import MOST_ROWS, Reliability
from tests.pictures import words


def binary(p: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> Reliability:
    w = np.ones(len(y)) if weights is None else weights
    return Reliability(("0", "1"), np.stack([1 - p, p]), y, w)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_curve_is_scikit_learns_isotonic_regression(
    rng: np.random.Generator, *, weighted: bool
) -> None:
    p, y = rng.uniform(size=60).round(1), rng.integers(0, 2, 60).astype(float)
    w = rng.integers(1, 4, 60).astype(float) if weighted else np.ones(60)
    curve = binary(p, y, w).curves[0]
    expected = IsotonicRegression().fit(p, y, sample_weight=w).predict(curve.predicted)
    np.testing.assert_allclose(curve.recalibrated, expected, rtol=1e-12)


def test_the_parts_of_the_brier_score_add_up_to_it(rng: np.random.Generator) -> None:
    p = rng.dirichlet(np.ones(3), 200)
    y = np.array([rng.choice(3, p=row) for row in p]).astype(float)
    w = rng.integers(1, 5, 200).astype(float)
    table = Reliability(("a", "b", "c"), p.T, y, w).table()
    by_hand = [np.average((p[:, k] - (y == k)) ** 2, weights=w) for k in range(3)]
    np.testing.assert_allclose(table["brier"], by_hand, rtol=1e-12)
    assert (table[["miscalibration", "discrimination"]] >= 0).all().all()
    rate = np.array([np.average(y == k, weights=w) for k in range(3)])
    np.testing.assert_allclose(table["uncertainty"], rate * (1 - rate), rtol=1e-12)


def test_rows_of_one_probability_are_one_point() -> None:
    """In any order: isotonic regression of single rows would put zeros before ones."""
    found = binary(np.full(4, 0.5), np.array([0.0, 0.0, 1.0, 1.0]))
    assert found.curves[0].recalibrated == pytest.approx([0.5])
    assert found.table().loc["1", "miscalibration"] == 0.0


def test_p_values_of_right_predictions_are_uniform(rng: np.random.Generator) -> None:
    found = []
    for _ in range(60):
        p = rng.beta(1, 2, 100)
        found.append(binary(p, (rng.uniform(size=100) < p).astype(float)).p_value)
    assert 0.35 < np.mean(found) < 0.65
    assert np.mean(np.array(found) < 0.1) < 0.25


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (lambda z: 2.5 * z, "too extreme"),
        (lambda z: 0.3 * z, "not extreme enough"),
        (lambda z: z + 1.0, "too high"),
        (lambda z: z - 1.0, "too low"),
    ],
)
def test_wrong_probabilities_are_found_and_named(
    said: Callable[[np.ndarray], np.ndarray], fault: str, rng: np.random.Generator
) -> None:
    z = rng.normal(size=1500)
    y = (rng.logistic(size=1500) < z).astype(float)
    right, wrong = (binary(1 / (1 + np.exp(-eta)), y).finding() for eta in (z, said(z)))
    assert right.passed
    assert not wrong.passed
    assert fault in wrong.meaning


def test_a_row_of_some_weight_is_as_many_rows(rng: np.random.Generator) -> None:
    """Two rows a probability, of those where it came and those where not, as tables have them."""
    p = np.repeat(np.linspace(0.1, 0.9, 9), 2)
    y = np.tile([1.0, 0.0], 9)
    came = rng.binomial(200, p[::2])
    w = np.stack([came, 200 - came], axis=1).ravel().astype(float)
    table = binary(p, y, w)
    rows = binary(np.repeat(p, w.astype(int)), np.repeat(y, w.astype(int)))
    np.testing.assert_allclose(table.table(), rows.table(), rtol=1e-9)
    assert table.finding().passed
    assert rows.finding().passed
    assert not binary(np.sqrt(p), y, w).finding().passed


def test_many_rows_are_judged_by_some(rng: np.random.Generator) -> None:
    p = rng.uniform(size=MOST_ROWS + 5)
    found = binary(p, (rng.uniform(size=len(p)) < p).astype(float))
    assert len(found.some.y) == MOST_ROWS
    assert found.finding().passed


def test_calibration_of_classes_judges_their_probabilities(rng: np.random.Generator) -> None:
    X = rng.normal(size=(900, 1))
    eta = np.stack([1.5 * X[:, 0], -X[:, 0]])
    classes = np.array(["low", "middle", "top"])
    y = classes[Categorical(tuple(classes)).sample(eta, {}, rng).astype(int)]
    data = bm.Data(X, y)
    fit = bm.fit(bm.Model(likelihood=bm.Categorical()), data, bm.MAP())
    result = bm.calibration(fit, data)
    assert list(result.reliability().index) == list(classes)
    assert result.passed
    assert "miscalibration" in str(result.check())
    p = fit.predict(X).probabilities
    by_hand = np.mean((p - (y[:, None] == classes)) ** 2, axis=0)
    np.testing.assert_allclose(result.reliability()["brier"], by_hand, rtol=1e-9)


def test_calibration_of_new_rows_and_folds_keep_the_names(rng: np.random.Generator) -> None:
    X = rng.normal(size=(120, 1))
    y = np.where(rng.logistic(size=120) < 2 * X[:, 0], "yes", "no")
    model = bm.Model(likelihood=bm.Bernoulli())
    checked = bm.cross_validate(model, bm.Data(X, y), bm.MAP(), folds=3, rng=1)
    assert list(checked.calibration.reliability().index) == ["yes"]
    groups = checked.calibration.by_group(np.arange(120) % 2)
    assert list(groups.index) == [0, 1]


def test_too_sure_probabilities_fail_the_calibration(rng: np.random.Generator) -> None:
    z = rng.normal(size=1000)
    y = (rng.logistic(size=1000) < z).astype(float)
    sure = row_mixture(1000, np.ones(1), Bernoulli(), lambda b: (3 * z[b, None], {}))

    def nothing(size: int, rng: np.random.Generator) -> np.ndarray:
        return np.zeros((size, 1000))

    prediction = bm.Prediction(sure, sure, np.zeros(1000), nothing, nothing)
    result = bm.calibration(prediction, y)
    assert "Probabilities of 1 are too extreme" in str(result.check())
    assert "too extreme" in words(bm.plots.reliability(prediction, y)).replace("\n", " ")


def test_numbers_have_no_reliability() -> None:
    fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]), rng=1)
    with pytest.raises(bm.DataError, match="has no classes"):
        bm.calibration(fit, fit.data).reliability()
    with pytest.raises(bm.DataError, match="has no classes"):
        bm.plots.reliability(fit)


def test_a_prediction_needs_its_y() -> None:
    data = bm.Data([[0.0], [1.0], [2.0]], ["no", "yes", "no"])
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MAP())
    with pytest.raises(bm.DataError, match="needs the observed y"):
        bm.plots.reliability(fit.predict([[1.0]]))


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        (["no", "yes", "no"], r"of its class, 0 to 1, and got text, 'no'"),
        ([0.0, np.nan, 1.0], "not finite: nan in row 1"),
        ([0.0, 7.0, 1.0], r"0 to 1, and got 7 in row 1"),
        ([0.0, 1.0], r"3 rows .*got an array of shape \(2,\)"),
        (None, "got none"),
    ],
)
def test_an_observed_y_that_does_not_fit_a_prediction_is_refused(
    observed: object, message: str
) -> None:
    data = bm.Data([[0.0], [1.0], [2.0]], ["no", "yes", "no"])
    prediction = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MAP()).predict(data.X)
    for name, call in (
        ("calibration", bm.calibration),
        ("plots.reliability", bm.plots.reliability),
    ):
        with pytest.raises(bm.DataError, match=f"^{name}: .*{message}"):
            call(prediction, observed)
