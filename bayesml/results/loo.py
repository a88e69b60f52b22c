"""Leave-one-out prediction of the rows that were learned from."""

from bayesml.errors import DataError, IncompatibleModelError
from bayesml.posteriors import LeaveOneOut, LeavesOneOut
from bayesml.results.answer import Answer


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
    if answer.statistics.rows != answer.data.m:
        raise DataError(
            f"The fit has seen {answer.statistics.rows} rows, but holds the last {answer.data.m}: "
            "leave_one_out() needs them all. Learn all rows together."
        )
    return posterior.leave_one_out(answer.data.blocks())
