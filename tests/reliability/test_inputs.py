"""Every declared bad input comes to the outcome that is declared."""

from pathlib import Path

import pytest

import bayesml as bm
from tests.reliability.inputs import CASES, Case
from tests.reliability.names import names


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code[:60])
def test_a_bad_input(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = names()
    monkeypatch.chdir(tmp_path)
    try:
        said = repr(eval(case.code, dict(known)))
        outcome = "returns"
    except bm.BayesmlError as error:
        outcome, said = type(error).__name__, str(error)
    assert outcome == case.outcome
    assert case.message in said.replace("\n", " ")
    assert not list(tmp_path.iterdir())


def test_there_are_two_hundred_of_them_and_none_twice() -> None:
    codes = [case.code for case in CASES]
    assert len(codes) == len(set(codes)) >= 200
