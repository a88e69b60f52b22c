"""Rows that are not at hand: which methods take them as they are, and what to do otherwise."""

from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import PiecewiseLinear
from bayesml.log_joint import not_linear_gaussian
from bayesml.model import Problem


def unread(problem: Problem) -> str | None:
    """Say where rows are that a sampler would read at every step, or None if it need not."""
    data = problem.data
    if data.in_memory or not data.has_rows or not_linear_gaussian(problem) is None:
        return None
    return f"{data.m:,} rows of {data.n} features are {data.source.whereabouts}"


def refuse_unread(problem: Problem, method: str) -> None:
    """Refuse to read rows again at every step of a sampler."""
    where = unread(problem)
    if where is None:
        return
    size = 8.0 * problem.data.m * (problem.data.n + 2) / 1e9
    raise IncompatibleModelError(
        f"{method} evaluates every row some ten thousand times, and {where}: in memory they take "
        f"{size:.3g} GB. {instead(problem, '')}"
    )


def instead(problem: Problem, usual: str) -> str:
    """Say what takes the rows where they are; `usual` is what takes rows in memory."""
    data = problem.data
    if data.in_memory or not_linear_gaussian(problem) is None:
        return usual
    if not data.has_rows:
        return (
            "Of these rows only the sufficient statistics are left, which serve a linear Gaussian "
            "model alone: make the Data from the rows again."
        )
    if isinstance(problem.model.likelihood, PiecewiseLinear):
        return (
            "Its mode is found from all rows at once: put them into memory, data.collect(), where "
            "any method takes them."
        )
    return (
        "Use Laplace() or MAP(), which take a few passes over the rows where they are, or Auto() "
        "to choose; data.collect() puts them into memory, where that fits."
    )
