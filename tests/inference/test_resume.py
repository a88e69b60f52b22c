"""A run that goes on, and a run that is stopped."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bayesml as bm
from tests.agreement.problems import made
from tests.conftest import REPOSITORY

SHORT = bm.NUTS(draws=400, tune=400, chains=4, progress=False)


@pytest.fixture(scope="module")
def fit() -> bm.Fit:
    return bm.fit(bm.Model(), made(m=40, n=2), SHORT, rng=1)


def test_resumed_draws_follow_the_first_and_agree_with_exact(fit: bm.Fit) -> None:
    longer = fit.resume(600)
    assert longer.draws()["weights"].shape == (4, 1000, 2)
    np.testing.assert_array_equal(longer.draws()["weights"][:, :400], fit.draws()["weights"])
    new = longer.draws()["weights"][:, 400:]
    exact = bm.fit(bm.Model(), made(m=40, n=2)).summary()
    for k in range(2):
        mean, sd = exact.loc[f"weights[x{k}]", ["mean", "sd"]]
        assert abs(new[..., k].mean() - mean) < 5 * sd / np.sqrt(600)
        assert new[..., k].std() == pytest.approx(sd, rel=0.15)
    assert longer.check().passed
    assert longer.learned.sample_stats["energy"].shape == (4, 1000)
    assert fit.draws()["weights"].shape == (4, 400, 2)


def test_what_was_not_sampled_does_not_go_on() -> None:
    with pytest.raises(bm.IncompatibleModelError, match="not sampled"):
        bm.fit(bm.Model(), made(m=40, n=2)).resume(10)


def test_resuming_is_reproducible_and_does_not_repeat(fit: bm.Fit) -> None:
    one, two = (fit.resume(200).draws()["weights"] for _ in range(2))
    np.testing.assert_array_equal(one, two)
    twice = fit.resume(200).resume(200).draws()["weights"]
    assert not np.array_equal(twice[:, 400:600], twice[:, 600:])


def test_a_saved_run_goes_on(fit: bm.Fit, tmp_path: Path) -> None:
    fit.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc").resume(200)
    np.testing.assert_array_equal(again.draws()["weights"], fit.resume(200).draws()["weights"])


def test_what_was_not_sampled_cannot_go_on() -> None:
    with pytest.raises(bm.IncompatibleModelError, match="does not sample"):
        bm.fit(bm.Model(), made(m=40, n=2), bm.MLE()).resume(100)


STOPPED = """
import itertools, os, signal
import numpy as np, bayesml as bm
from bayesml.log_joint import LogJoint
from tests.agreement.problems import made
whole, count = LogJoint.log_density_and_gradient, itertools.count(1)
def counted(joint, x):
    if next(count) == {after}:  # as Control-C, when sampling is on its way
        os.kill(os.getpid(), signal.SIGINT)
    return whole(joint, x)
LogJoint.log_density_and_gradient = counted
model = bm.Model(bm.Linear(), bm.StudentT())
method = bm.NUTS(draws={draws}, tune={tune}, progress=False)
problem = model.resolve(made(m=300, n=8))
try:
    learned = method.learn(problem, np.random.default_rng(1))
except bm.SamplingInterrupted:
    print("in warm-up", flush=True)
else:
    kept = learned.posterior.chains["weights"].shape[1]
    print("kept", kept, "Interrupted" in learned.notes[0], flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize(
    ("draws", "tune", "said"), [(10**6, 30, "kept"), (1000, 10**6, "in warm-up")]
)
def test_control_c_stops(draws: int, tune: int, said: str) -> None:
    code = STOPPED.format(draws=draws, tune=tune, after=8000)
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said_then, _ = child.communicate(timeout=1200)  # a million draws take far longer
        answer = said_then.split()
        assert " ".join(answer).startswith(said)
        if said == "kept":
            assert 0 < int(answer[1]) < draws
            assert answer[2] == "True"
        with pytest.raises(ProcessLookupError):
            os.killpg(child.pid, 0)  # no process of the session is left
    finally:
        child.kill()
        child.communicate()
