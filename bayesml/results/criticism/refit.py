"""The fit without some rows, where no formula has it (C8)."""

from dataclasses import replace

import numpy as np
from scipy.linalg import LinAlgError
from scipy.special import chdtrc

from bayesml.errors import ConvergenceError
from bayesml.inference.point import find_optimum
from bayesml.log_joint import LogJoint, NegativeLogJoint, log_joint
from bayesml.results.answer import Answer
from bayesml.results.criticism.linearised import estimates
from bayesml.typing import Array, Integers


def moved_without(answer: Answer, rows: Integers) -> float:
    """Return the probability that the mode moves so far without some rows of the same model (C8).

    All but the coefficients is held at its estimate. Zero where the rest has no mode.
    """
    problem, at = answer.problem, estimates(answer)
    names = problem.model.likelihood.parameters
    joint = log_joint(problem).given({name: at[name].reshape(()) for name in names})
    beta = problem.frame.unnamed({k: at[k].reshape(s) for k, s in problem.shapes.items()})
    start = joint.coordinates.frame.z(beta)
    kept = np.setdiff1d(np.arange(problem.data.m), rows)
    rest = replace(joint, rows=joint.rows.at_hand().of_rows(kept))
    try:
        (here, inside), (there, outside) = _mode(joint, start), _mode(rest, start)
    except (ConvergenceError, LinAlgError):
        return 0.0
    values, vectors = np.linalg.eigh(outside - inside)
    seen = values > 1e-8 * np.abs(values).max()
    statistic = float(np.sum((vectors.T @ (there - here))[seen] ** 2 / values[seen]))
    return float(chdtrc(min(int(seen.sum()), len(rows)), statistic))


def _mode(joint: LogJoint, start: Array) -> tuple[Array, Array]:
    """Return the mode, and the covariance there by the expected information."""
    optimum, _ = find_optimum(NegativeLogJoint(joint), start, None, np.random.default_rng(0))
    return np.asarray(optimum.x), np.linalg.inv(joint.precision(np.asarray(optimum.x)))
