"""Leave-one-out prediction of the rows that were learned from."""

import warnings

from bayesml.data.messages import listed
from bayesml.errors import INSIDE, ApproximationWarning, DataError, IncompatibleModelError
from bayesml.posteriors import LeaveOneGroupOut, LeaveOneOut, LeavesGroupsOut, LeavesOneOut
from bayesml.results.answer import Answer
from bayesml.results.group_tables import group_of


def leave_one_out(answer: Answer) -> LeaveOneOut:
    """Predict every row from all the others, in closed form.

    Returns
    -------
    LeaveOneOut
        Log densities, means and leverages per row.

    Raises
    ------
    IncompatibleModelError
        If the answer is not exact; ``az.loo`` approximates it from draws.
    """
    posterior = answer.learned.posterior
    if not isinstance(posterior, LeavesOneOut):
        raise IncompatibleModelError(
            f"leave_one_out() is closed form for exact answers, and this one is {posterior.kind}. "
            "Use az.loo(fit.to_datatree(log_likelihood=True))."
        )
    _require_all_rows(answer, "leave_one_out()")
    return posterior.leave_one_out(answer.data.blocks())


def leave_one_group_out(answer: Answer, factor: str | None = None) -> LeaveOneGroupOut:
    r"""Predict all rows of every group from all other groups, in closed form (G65).

    .. math:: \log p(y_g \mid X, y_{-g})

    It judges how well a model predicts groups that it has never seen, where `leave_one_out` judges
    new rows of known ones.

    Parameters
    ----------
    factor : str, optional
        The group, as the formula names it. Not needed where there is one.

    Returns
    -------
    LeaveOneGroupOut
        Log densities by level, their sum ``elpd`` with its ``standard_error`` over groups.

    Raises
    ------
    IncompatibleModelError
        If the model has no groups or the answer is not exact: use `cross_validate`, whose
        ``groups`` are left out whole.

    Warns
    -----
    ApproximationWarning
        If without some group the scales are others than the posterior's nodes stand for.

    Examples
    --------
    >>> import bayesml as bm
    >>> frame = {"y": [1.0, 2.0, 4.5, 3.5, 7.0, 8.0], "g": list("aabbcc")}
    >>> fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ 1 + (1 | g)", frame))
    >>> fit.leave_one_group_out().levels
    ('a', 'b', 'c')
    """
    part, posterior = group_of(answer, factor), answer.learned.posterior
    if not isinstance(posterior, LeavesGroupsOut):
        raise IncompatibleModelError(
            "leave_one_group_out() is closed form for exact answers, and this one is "
            f"{posterior.kind}. Use cross_validate(model, data, method, folds=..., groups=labels)."
        )
    _require_all_rows(answer, "leave_one_group_out()")
    found = posterior.leave_one_group_out(part.factor, answer.data.blocks())
    if len(found.unreliable):
        far = [f"{found.levels[g]} (k̂ {found.pareto_k[g]:.2f})" for g in found.unreliable]
        warnings.warn(
            f"Without {listed(far)} of {part.factor} the scales are others than the posterior's, "
            f"and the log density is off by about {found.edge.max():.1g}. Fit without these "
            "groups, cross_validate(..., groups=labels), to know what the others say of them.",
            ApproximationWarning,
            skip_file_prefixes=INSIDE,
        )
    return found


def _require_all_rows(answer: Answer, what: str) -> None:
    if answer.statistics.rows != answer.data.m:
        raise DataError(
            f"The fit has seen {answer.statistics.rows} rows, but holds the last {answer.data.m}: "
            f"{what} needs them all. Learn all rows together."
        )
