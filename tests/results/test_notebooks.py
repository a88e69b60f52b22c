"""What a notebook shows of every result: numbers, as plain text and as HTML."""

from functools import cache
from html import unescape
from typing import Any

import numpy as np
import pytest

import bayesml as bm


@cache
def results() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 2))
    data = bm.Data(X, X @ [1.0, -2.0] + rng.normal(size=40), feature_names=["a<b", "c"])
    fit = bm.fit(bm.Model(), data, bm.Exact(), rng=1)
    validation = bm.cross_validate(bm.Model(), data, bm.Exact(), folds=2, rng=1)
    return {
        "fit": fit,
        "prediction": fit.predict(X),
        "check": fit.check(),
        "calibration": validation.calibration,
        "validation": validation,
        "effect": fit.slopes("c"),
        "comparison": bm.compare({"one": fit}),
    }


@pytest.mark.parametrize("name", ["fit", "check", "calibration", "validation"])
def test_the_text_is_plain_and_the_html_has_the_numbers(name: str) -> None:
    result = results()[name]
    text, html = repr(result), result._repr_html_()
    assert "\x1b" not in text + html
    assert "array(" not in text
    assert "<table" in html
    assert "a<b" not in html  # which would be a tag
    assert sum(c.isdigit() for c in html) > 10
    assert text == str(result)


def test_calibration_shows_its_scores_and_its_coverage() -> None:
    found = results()["calibration"]
    html = found._repr_html_()
    for number in (*found.scores(), *found.coverage().iloc[:, 0]):
        assert f"{number:.6g}"[:5] in html


def test_effects_show_their_numbers() -> None:
    effect = results()["effect"]
    assert "\x1b" not in repr(effect)
    assert "<t" in effect._repr_html_()


def test_text_is_plain_on_a_terminal_with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in repr(results()["fit"])
    assert "\x1b" not in repr(results()["comparison"])


def test_a_prediction_is_a_table() -> None:
    p = results()["prediction"]
    frame = p.to_frame(0.8)
    assert list(frame) == ["mean", "sd", "epistemic_sd", "aleatoric_sd", "lower", "upper"]
    np.testing.assert_array_equal(frame["sd"], p.sd)
    np.testing.assert_array_equal(frame["upper"], p.interval(0.8).upper)
    html = p._repr_html_()
    assert f"{p.mean[0]:.6f}" in html
    assert f"{p.mean[9]:.6f}" in html
    assert f"{p.mean[10]:.6f}" not in html
    assert "40 rows, the first 10" in html


def test_the_check_says_what_failed() -> None:
    report = results()["check"]
    failed = bm.CheckReport(report.kind, report.findings, ("It stopped at 3 < 4.",))
    html = failed._repr_html_()
    assert "<td>FAIL</td><td>It stopped at 3 &lt; 4.</td>" in html
    assert all(f.name in unescape(html) for f in report.findings)
