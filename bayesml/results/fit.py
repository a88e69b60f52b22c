"""The one type that learning returns, whatever the method.

Its verbs are functions of an `Answer` in files of their own, of which it makes methods.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bayesml.arguments import whole_number
from bayesml.data import Data, Design, frames
from bayesml.data.formulas.grouped_design import rows_of_groups
from bayesml.data.missing import keeps
from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import ImproperPosteriorError, IncompatibleModelError
from bayesml.inference import Learned, Method
from bayesml.model import Model, Problem
from bayesml.posteriors import Kind, Prediction
from bayesml.posteriors.gaps import with_gaps
from bayesml.priors import HasSeenRows
from bayesml.results import (
    batch_prediction,
    checks,
    export,
    group_tables,
    loo,
    reweighted,
    sequential,
    storage,
)
from bayesml.results.effects import hypothesis, questions
from bayesml.results.effects.new_groups import require_groups
from bayesml.results.findings import CheckReport
from bayesml.results.leverage import TrainingLeverage, training_leverage
from bayesml.results.summary import (
    Labels,
    labels_of_entries,
    readable,
    summarise,
)
from bayesml.results.table import Table
from bayesml.typing import Array

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """What was learned, by whichever method: the same type for every one.

    Attributes
    ----------
    model : Model
        As declared.
    data : Data
        What it was learned from.
    method : Method
    learned : Learned
        The posterior and the evidence for it.
    statistics : SufficientStatistics
        Of the rows, and of those seen before: all that a linear Gaussian model knows of them.
    seed : int
        From which the draws are made.
    elapsed : float
        Seconds that learning took.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1])
    >>> fit = bm.fit(bm.Model(), data)
    >>> fit.kind
    'exact'
    >>> fit.predict([[4.0]]).mean.round(1)
    array([9.1])
    """

    model: Model
    data: Data
    method: Method
    learned: Learned
    statistics: SufficientStatistics
    seed: int
    elapsed: float

    @property
    def kind(self) -> Kind:
        """What kind of answer it is: point, exact, approximate, sampled or ensemble."""
        return self.learned.posterior.kind

    @property
    def resolved(self) -> Model:
        """The model with every number stated, default priors included, in original units."""
        return self.learned.resolved

    @cached_property
    def problem(self) -> Problem:
        """The resolved model and its data, as a method is given them."""
        prior = self.model.prior
        earlier = prior.grouped if isinstance(prior, HasSeenRows) else None
        return Problem(self.resolved, self.data, self.statistics, earlier=earlier)

    @property
    def explanation(self) -> str:
        """How the answer was obtained."""
        return self.learned.explanation

    @property
    def design(self) -> Design:
        """How new input becomes X."""
        return self.data.design

    @property
    def loss_curve(self) -> Array:
        """Objective values of the optimizer, from the start to the end."""
        if self.learned.loss_curve is None:
            raise IncompatibleModelError(
                f"There is no loss curve: {type(self.method).__name__} did not iterate "
                f"({self.explanation}). "
                "Ask for an optimizer, for instance MLE(GradientDescent())."
            )
        return self.learned.loss_curve

    @property
    def diagnostics(self) -> dict[str, float]:
        """Numbers about the computation: conditioning, quadrature error, gradient norm, …."""
        return dict(self.learned.diagnostics)

    @property
    def log_evidence(self) -> float:
        """The log of p(y): the probability of the data under the model, for proper priors."""
        if isinstance(self.learned.log_evidence, str):
            raise ImproperPosteriorError(f"No log evidence: {self.learned.log_evidence}")
        return self.learned.log_evidence

    @cached_property
    def idata(self) -> "xr.DataTree":
        """The result as a DataTree in ArviZ's schema; see `to_datatree` for more groups."""
        return self.to_datatree()

    draws = export.parameter_draws
    to_datatree = export.to_datatree
    posterior_predictive = export.posterior_predictive
    predict_parquet = batch_prediction.predict_parquet
    predictions = questions.predictions
    comparisons = questions.comparisons
    slopes = questions.slopes
    marginal = questions.slopes  # average marginal effects, as economists call them
    hypothesis = hypothesis.hypothesis
    effects = group_tables.group_effects
    variance_shares = group_tables.variance_shares
    leave_one_out = loo.leave_one_out
    leave_one_group_out = loo.leave_one_group_out
    as_prior = sequential.as_prior

    def summary(
        self, probability: float = 0.9, *, terms: str | Sequence[str] | None = None
    ) -> "pd.DataFrame":
        """Return a table of every parameter, at full precision.

        Parameters
        ----------
        probability : float
            Mass of the equal-tailed interval; of a point estimate's confidence interval.
        terms : str or sequence of str, optional
            Rows that are asked for: ``"x"`` or ``"weights[x]"``, ``"sigma"``, …

        Returns
        -------
        pandas.DataFrame
            Rows ``intercept``, ``weights[name]``, ``sigma``, …; columns ``mean``, ``sd``, the two
            quantiles and, for sampled answers, ``ess_bulk``, ``ess_tail``, ``r_hat`` and
            ``mcse_mean``. A point estimate has no standard deviation: ``mean`` is the estimate,
            ``std_error`` its standard error in the place of ``sd``. A DataFrame as any other,
            whose rows go by these names: ``.loc["weights[x]", "mean"]``.

        Raises
        ------
        DataError
            If there is none of `terms`, with the name that was meant.

        Examples
        --------
        >>> import bayesml as bm
        >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1]))
        >>> fit.summary().index.tolist()
        ['intercept', 'weights[x0]', 'sigma']
        >>> fit.summary(terms="x0")["mean"].round(1).tolist()
        [2.0]
        """
        table = summarise(self.learned.posterior, self._labels, probability)
        frame: pd.DataFrame = table.rows(terms).frame()
        return frame

    def table(self, probability: float = 0.9) -> Table:
        """Return the same table to be read, with `to_markdown`, `to_latex` and `to_html`.

        Parameters
        ----------
        probability : float
            Mass of the equal-tailed interval; of a point estimate's confidence interval.
        """
        return readable(summarise(self.learned.posterior, self._labels, probability))

    def check(self) -> CheckReport:
        """Return what can be said for and against the answer, and against the model.

        What needs rows or draws is judged here, when it is asked for: residuals, influential
        rows, data that the fit expects. The rest was judged at fit, which warned of it.

        Returns
        -------
        CheckReport
            Each finding with what it means, what to try, and the category of its warning; those
            of a `ModelWarning` doubt the model, others the computation.
        """
        return self._criticised

    def predict(
        self,
        X: Any,
        *,
        missing: Literal["raise", "keep"] = "raise",
        groups: Any = None,
        new_groups: bool = False,
        population: bool = False,
    ) -> Prediction:
        """Return the predictive distribution of a new observation at every row.

        Parameters
        ----------
        X : array_like or data frame
            As the data were given: an array of n columns, or a frame with the columns that the
            model reads, in any order.
        missing : {"raise", "keep"}
            Refuse rows with missing values, or keep them, as NaN and where they are.
        groups : mapping of name to (k,) labels, data frame, or named Series, optional
            Of data that had groups beside X, ``Data(X, y, groups={"school": labels})``.
        new_groups : bool
            Of a model with groups: whether levels that were never seen are new groups, whose
            effects vary as those of the others do. Otherwise they are refused.
        population : bool
            Of a model with groups: whether to predict without effects of groups, those of a group
            in the middle. Columns of groups need not be there.

        Returns
        -------
        Prediction
            Distributions per row; its ``expectation`` is of the mean E[y | x].

        Raises
        ------
        DataError
            If columns are missing, or hold missing values or unseen levels.
        """
        given = rows_of_groups(self.design, X, groups)
        if keeps(missing):
            present = self.design.present(given)
            if not present.all():
                at = np.flatnonzero(present)
                found = self.predict(
                    frames.take(X, at),
                    groups=None if groups is None else frames.take(given.groups, at),
                    new_groups=new_groups,
                    population=population,
                )
                return with_gaps(found, present)
        checks.warn_if_failed(self._report)
        built = matrix_of(self.design, given, new_groups, population)
        rows = np.asarray(built, dtype=np.float64)
        prediction = self.learned.posterior.predict(rows)
        return replace(
            prediction,
            locate=lambda: self._leverage.locate(rows),
            classes=self.design.classes,
        )

    def leverage(self, X: Any) -> Array:
        r"""Return how far each row lies from the training data: its leverage (P8).

        .. math:: h(x) = a^\top (A^\top A)^{-1} a

        with A the rows that were learned from, an intercept among them. It is 1/m at their mean,
        and infinite in a direction that no training row has.

        Returns
        -------
        ndarray, shape (rows,)
            Without unit. ``predict(X).extrapolates`` compares it with the training rows'.
        """
        return self._leverage.leverage(np.asarray(self.design.matrix(X), dtype=np.float64))

    def update(self, data: Data) -> "Fit":
        """Learn more rows, exactly as if all had been there, with the old rows gone.

        The priors stay as they were resolved, and so does the method.

        Parameters
        ----------
        data : Data
            New rows with the same features, by name, in any order. Those of a formula with levels
            or transformations are made by ``fit.data.like(frame)``.

        Returns
        -------
        Fit
            Its ``data`` are the new rows and its ``statistics`` those of all; its log evidence
            is that of the new rows given the old ones.

        Raises
        ------
        DataError
            If the features differ, or mean something else: centred elsewhere, other levels.

        Examples
        --------
        >>> import bayesml as bm
        >>> frame = {"x": [1.0, 2.0, 6.0, 7.0], "y": [1.0, 3.0, 4.0, 6.0]}
        >>> fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ center(x)", frame))
        >>> fit.update(fit.data.like({"x": [3.0, 5.0], "y": [2.0, 4.0]})).statistics.rows
        6
        """
        return learn(sequential.continued(self), data, self.method, self.seed)

    def resume(self, draws: int) -> "Fit":
        """Return the fit with more draws: NUTS goes on from where every chain stopped.

        Parameters
        ----------
        draws : int
            How many more, per chain. An interrupted run can be resumed too.

        Returns
        -------
        Fit
            With the draws of both runs; this one stays as it is.

        Raises
        ------
        IncompatibleModelError
            If the answer was not sampled, or by an engine that keeps no state.
        """
        start = perf_counter()
        learned = sequential.resumed(self, whole_number(draws, "draws"))
        elapsed = self.elapsed + perf_counter() - start
        return checked(replace(self, learned=learned, elapsed=elapsed))

    def reweighted(self) -> "Fit":
        """Return the fit with the draws of its audit, weighted by the density itself (U7).

        An approximation with light tails that is somewhat skewed or too narrow becomes right but
        for Monte Carlo error: intervals, predictions and the DataTree are then of the posterior,
        by Pareto-smoothed importance weights. Where the tail index k̂ fails its check it still
        does.

        Returns
        -------
        Fit
            With as many effective draws as its explanation says; this one stays as it is.

        Raises
        ------
        IncompatibleModelError
            If the answer is not an approximation that kept its audit, as `Laplace` does.

        Examples
        --------
        >>> import bayesml as bm
        >>> data = bm.Data([[-1.0], [0.0], [1.0], [2.0]], [0.0, 1.0, 1.0, 5.0])
        >>> fit = bm.fit(bm.Model(likelihood=bm.Poisson()), data, bm.Laplace(), rng=1)
        >>> means = (fit.summary()["mean"], fit.reweighted().summary()["mean"])
        >>> [mean.round(1).tolist() for mean in means]
        [[-0.5, 1.0], [-0.8, 1.1]]
        """
        return checked(replace(self, learned=reweighted.reweighted(self)))

    def save(self, path: Any) -> None:
        """Write the fit to a netCDF file, or a Zarr folder if the path ends in ``.zarr``.

        The DataTree's groups can be read by ArviZ; `bayesml.load` gives the fit back, and its
        predictions are the same to the last bit. The file is written beside its place and renamed
        when it is on the disk: whatever goes wrong before, an older one is still there.

        Parameters
        ----------
        path : str or Path
            Ends in ``.nc`` or ``.zarr``; its folder has to exist.

        Raises
        ------
        StorageError
            If the path cannot be written to, the disk is full, or some part cannot be saved.
        """
        place = storage.place_of(path)
        storage.save(self, self.idata, place)

    def __array__(self, *_: Any, **__: Any) -> Array:
        """Refuse: ArviZ and numpy take the draws, ``fit.idata``."""
        raise IncompatibleModelError(
            "A fit is no array of draws. Give ArviZ its DataTree: az.summary(fit.idata)."
        )

    def __repr__(self) -> str:
        """Show the table, how it was obtained and whether the checks passed."""
        return repr(self._printed())

    def _repr_html_(self) -> str:
        return self._printed().to_html()

    def _printed(self) -> Table:
        lines = ["", f"{self.kind}: {self.explanation}"]
        if not isinstance(self.learned.log_evidence, str):
            lines.append(f"log evidence {self.learned.log_evidence:.3f}")
        checked = f"{self.elapsed:.2g} s; checks {self.check().headline}"
        lines += [repr(self.data), *checked.split("\n")]
        return replace(self.table(), lines=tuple(lines))

    @property
    def _labels(self) -> Labels:
        return labels_of_entries(self.resolved.predictor, self.data.feature_names)

    @cached_property
    def _report(self) -> CheckReport:
        return checks.at_once(self)

    @cached_property
    def _criticised(self) -> CheckReport:
        return checks.check(self)

    @cached_property
    def _leverage(self) -> TrainingLeverage:
        # a predictor that has nothing but weights passes through the origin
        intercept = set(self.resolved.predictor.shapes(self.data.n)) != {"weights"}
        return training_leverage(self.data, self.statistics, intercept=intercept)


def matrix_of(design: Design, X: Any, new_groups: bool, population: bool) -> Array:
    """Build the rows that are predicted, of known groups, new ones or none."""
    if not (new_groups or population):
        return design.matrix(X)
    grouped = require_groups(design, new_groups=new_groups, population=population)
    return grouped.matrix_with_new(X) if new_groups else grouped.matrix_of_population(X)


def require_fit(value: Any, what: str) -> Fit:
    """Return a fit, or say what was got in its place."""
    if isinstance(value, Fit):
        return value
    raise IncompatibleModelError(
        f"{what} takes a Fit, which bm.fit(model, data) returns, got a {type(value).__name__}. "
        "A fit's DataTree, fit.idata, is for ArviZ's own functions."
    )


def learn(model: Model, data: Data, method: Method, seed: int) -> Fit:
    """Learn a problem, check the answer, and warn where a check failed."""
    start = perf_counter()
    problem = model.resolve(data)
    learned = method.learn(problem, np.random.default_rng(seed))
    elapsed = perf_counter() - start
    return checked(Fit(model, data, method, learned, problem.statistics, seed, elapsed))


def checked(result: Fit) -> Fit:
    """Warn where a check failed, and return the fit."""
    result._report.warn(stacklevel=4)
    return result
