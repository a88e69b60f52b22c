"""The one type that learning returns, whatever the method."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.data import Data, Design
from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import (
    ConvergenceWarning,
    DataError,
    ImproperPosteriorError,
    IncompatibleModelError,
)
from bayesml.inference import Learned, Method
from bayesml.model import Model, Problem
from bayesml.posteriors import (
    ConjugatePosterior,
    ExactPosterior,
    Kind,
    LeaveOneOut,
    Prediction,
    leave_one_out,
)
from bayesml.posteriors.rows import whole_number
from bayesml.priors import After
from bayesml.results import checks, datatree, streams
from bayesml.results.prior import prior_draws
from bayesml.results.summary import Summary, as_html, as_text, rows_as_text, summarise
from bayesml.results.support import Support, support
from bayesml.typing import Array

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from bayesml.results.contrasts import Effect


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
                f"There is no loss curve: {self.method!r} did not iterate ({self.explanation}). "
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

    def to_datatree(
        self,
        *,
        chains: int = 4,
        draws: int | None = None,
        log_likelihood: bool = False,
        log_prior: bool = False,
        posterior_predictive: bool = False,
        prior: bool = False,
    ) -> "xr.DataTree":
        """Return the result as a DataTree in ArviZ's schema.

        Parameters
        ----------
        chains, draws : int
            How many independent draws to make of an exact answer; None takes 1000, or as many
            as fit in 1 GB of parameters, and the group's attributes say so. Sampled answers keep
            their own, and a point estimate is one draw.
        log_likelihood, log_prior, posterior_predictive, prior : bool
            Which of these groups to add; log_likelihood and posterior_predictive hold one number
            per draw and row, and prior as many draws of the priors.

        Returns
        -------
        xarray.DataTree
            Groups ``posterior``, ``sample_stats``, ``observed_data``, ``constant_data`` and those
            asked for, with the feature names and row labels as coordinates. Parameters without
            a distribution are in ``constant_data``: noise that is known or tuned, hidden layers
            at their mode.
        """
        shapes = self.resolved.predictor.shapes(self.data.n)
        affordable = datatree.affordable_draws(shapes, chains)
        values = self.draws(chains, affordable if draws is None else draws)
        extra: dict[str, dict[str, Array]] = {"posterior": values}
        extra["sample_stats"] = dict(datatree.sample_stats(self.learned, values))
        if log_likelihood:
            extra["log_likelihood"] = {
                "y": datatree.log_likelihood(self.resolved, self.data, values, self._eta)
            }
        if log_prior:
            extra["log_prior"] = datatree.log_prior(self._problem, values)
        if posterior_predictive:
            rng = self._rng(1)
            replicated = datatree.posterior_predictive(
                self.resolved, self.data, values, self._eta, rng
            )
            extra["posterior_predictive"] = {"y": replicated}
        if prior:
            datatree.refuse_networks(self._problem, "prior")
            made, each = next(iter(values.values())).shape[:2]
            extra["prior"] = prior_draws(self._problem, made, each, self._rng(4))
        tree = self._tree(extra)
        if draws is None and affordable < datatree.DRAWS and self.kind not in ("sampled", "point"):
            tree["posterior"].attrs["draws"] = f"{affordable} a chain, for these fill 1 GB"
        return tree

    def posterior_predictive(self, *, chains: int = 4, draws: int = 250) -> "xr.DataTree":
        r"""Return data sets that the fit expects at the rows that it learned from.

        .. math:: \theta, \phi \sim p(\theta, \phi \mid \mathcal D), \qquad
                  \tilde y_i \sim p(\,\cdot \mid h_\theta(x_i), \phi)

        Parameters
        ----------
        chains, draws : int
            How many; of sampled answers, at most that many draws of each of its chains, evenly
            spaced. The group holds chains × draws × m numbers, computed a block of rows at a
            time.

        Returns
        -------
        xarray.DataTree
            As `to_datatree`, with the group ``posterior_predictive``.

        Examples
        --------
        >>> import bayesml as bm
        >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]), rng=1)
        >>> fit.posterior_predictive(draws=100)["posterior_predictive"]["y"].shape
        (4, 100, 3)
        """
        values = self.draws(whole_number(chains, "chains"), whole_number(draws, "draws"))
        step = -(-next(iter(values.values())).shape[1] // draws)
        values = {name: v[:, ::step] for name, v in values.items()}
        rng = self._rng(1)
        y = datatree.posterior_predictive(self.resolved, self.data, values, self._eta, rng)
        return self._tree({"posterior": values, "posterior_predictive": {"y": y}})

    def draws(self, chains: int = 4, draws: int = 1000) -> dict[str, Array]:
        """Return parameter draws by name, shape (chain, draw, ...), the same at every call."""
        return self.learned.posterior.draws(chains, draws, self._rng(0))

    def summary(self, probability: float = 0.89) -> "pd.DataFrame":
        """Return a table of every parameter, at full precision.

        Parameters
        ----------
        probability : float
            Mass of the equal-tailed interval. For a point estimate ``mean`` is the estimate,
            ``sd`` its standard error and the limits are confidence limits.

        Returns
        -------
        pandas.DataFrame
            Rows ``intercept``, ``weights[name]``, ``sigma``, …; columns ``mean``, ``sd``, the two
            quantiles and, for sampled answers, ``ess_bulk``, ``ess_tail``, ``r_hat`` and
            ``mcse_mean``.
        """
        frame: pd.DataFrame = self._summary(probability).frame()
        return frame

    def _summary(self, probability: float = 0.89) -> Summary:
        names = self.data.feature_names
        return summarise(self.learned.posterior, names, probability, self._chains)

    def check(self) -> checks.CheckReport:
        """Return what can be said for and against the answer."""
        return self._report

    def predict(self, X: Any) -> Prediction:
        """Return the predictive distribution of a new observation at every row.

        Parameters
        ----------
        X : array_like or data frame
            As the data were given: an array of n columns, or a frame with the columns that the
            model reads, in any order.

        Returns
        -------
        Prediction
            Distributions per row; its ``expectation`` is of the mean E[y | x].

        Raises
        ------
        DataError
            If columns are missing, or hold missing values or unseen levels.
        """
        self._warn_if_failed()
        rows = np.asarray(self.design.matrix(X), dtype=np.float64)
        prediction = self.learned.posterior.predict(rows)
        return replace(prediction, locate=lambda: self._support.locate(rows))

    def predict_parquet(
        self,
        source: Any,
        target: Any,
        probability: float = 0.9,
        *,
        keep: Sequence[str] = (),
        progress: bool = True,
    ) -> int:
        """Predict the rows of Parquet files into a Parquet file, of any size in bounded memory.

        Parameters
        ----------
        source : path, or sequence of paths
            Files, or a folder of them, with the columns that the model reads.
        target : path
            The file to write, with the columns ``mean``, ``sd``, ``epistemic_sd``,
            ``aleatoric_sd``, ``lower`` and ``upper``, in the unit of y and in the order of the
            rows.
        probability : float
            Mass of the equal-tailed interval from ``lower`` to ``upper``.
        keep : sequence of str
            Columns of the source to go along, for instance a key.
        progress : bool
            Whether to show a bar, on a terminal.

        Returns
        -------
        int
            Number of rows.

        Raises
        ------
        DataError
            Naming file and row, as `predict`. No file is left behind then.
        MissingDependencyError
            If pyarrow is not installed.
        """
        self._warn_if_failed()
        how = streams.Predictor(self.learned.posterior, self.design, probability, tuple(keep))
        return streams.predict_parquet(how, source, target, progress=progress)

    def _warn_if_failed(self) -> None:
        if not self._report.passed:
            warnings.warn(
                "This prediction comes from a fit whose checks failed; see fit.check(). "
                + self._report.failures[0],
                ConvergenceWarning,
                stacklevel=3,
            )

    def leverage(self, X: Any) -> Array:
        r"""Return how far each row lies from the training data: its leverage (P8).

        .. math:: h(x) = a^\top (A^\top A)^{-1} a

        with A the rows that were learned from, an intercept among them. It is 1/m at their mean,
        and infinite in a direction that no training row has.

        Parameters
        ----------
        X : array_like or data frame

        Returns
        -------
        ndarray, shape (rows,)
            Without unit. ``predict(X).extrapolates`` compares it with the training rows'.
        """
        return self._support.leverage(np.asarray(self.design.matrix(X), dtype=np.float64))

    def compare(self, before: Any, after: Any) -> Prediction:
        r"""Return how much the average expectation changes from one scenario to another (P7).

        .. math:: \Delta = \frac1k\sum_i E[y \mid x_i^{\text{after}}, \theta]
                  - \frac1l\sum_i E[y \mid x_i^{\text{before}}, \theta]

        Parameters
        ----------
        before, after : array_like or data frame
            Rows of the two scenarios, for instance the same people without and with treatment.

        Returns
        -------
        Prediction
            Of one row, the difference, in the unit of y: its ``mean``, ``sd``, ``interval`` and
            ``exceedance(0)``. Exact where the posterior is; both scenarios share parameters, so
            that what is uncertain in both cancels.

        References
        ----------
        Gelman & Pardoe (2007), Average predictive comparisons for models with nonlinearity,
        interactions, and variance components, eq. 1.

        Examples
        --------
        >>> import bayesml as bm
        >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1]))
        >>> fit.compare([[1.0]], [[3.0]]).mean.round(1)
        array([4.1])
        """
        from bayesml.results.contrasts import compare

        return compare(self, before, after)

    def marginal(self, term: str, frame: Any = None) -> "Effect":
        r"""Return what one column does to E[y], averaged over the rows that were learned from.

        For a column of numbers the average slope
        :math:`\frac1m\sum_i \partial E[y \mid x_i, \theta] / \partial x`, through every term that
        the column enters; for levels the average difference of each to the first.

        Parameters
        ----------
        term : str
            A column that the model reads.
        frame : data frame, optional
            What the data were made from. Needed only where `Data` did not keep what a formula
            read: rows were streamed, or are some of other data's.

        Returns
        -------
        Effect
            With labels, a ``prediction`` of the effects, and a ``summary()``.

        Raises
        ------
        DataError
            If there is no such column, it does not vary, or the frame is needed.

        Examples
        --------
        >>> import bayesml as bm
        >>> frame = {"y": [0.1, 1.2, 3.9, 9.1, 16.2], "x": [0.0, 1.0, 2.0, 3.0, 4.0]}
        >>> fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + I(x**2)", frame))
        >>> fit.marginal("x").prediction.mean.round(0)  # the mean of 2x
        array([4.])
        """
        from bayesml.results.contrasts import marginal

        return marginal(self, term, frame)

    def leave_one_out(self) -> LeaveOneOut:
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
        posterior = self.learned.posterior
        if not isinstance(posterior, ExactPosterior | ConjugatePosterior):
            raise IncompatibleModelError(
                f"leave_one_out() is closed form for exact answers, and this one is {self.kind}. "
                "Use az.loo(fit.to_datatree(log_likelihood=True))."
            )
        if self.statistics.rows != self.data.m:
            raise DataError(
                f"The fit has seen {self.statistics.rows} rows, but holds the last {self.data.m}: "
                "leave_one_out() needs them all. Learn all rows together."
            )
        return leave_one_out(posterior, self.data.blocks())

    def as_prior(self) -> After:
        """Return what was learned as a prior for new rows, in `Model`.

        Raises
        ------
        IncompatibleModelError
            If the model is not a linear Gaussian one, which is known by its statistics.
        """
        from bayesml.results.sequential import as_prior

        return as_prior(self)

    def update(self, data: Data) -> "Fit":
        """Learn more rows, exactly as if all had been there, with the old rows gone.

        The priors stay as they were resolved, and so does the method.

        Parameters
        ----------
        data : Data
            New rows with the same features in the same order. Those of a formula with levels or
            transformations are made by ``fit.data.like(frame)``.

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
        from bayesml.results.sequential import update

        return update(self, data)

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

        Examples
        --------
        >>> import numpy as np, bayesml as bm
        >>> X = np.linspace(0, 1, 20)[:, None]
        >>> data = bm.Data(X, X[:, 0] + 0.1 * np.sin(40 * X[:, 0]))
        >>> method = bm.NUTS(draws=500, tune=500, progress=False)
        >>> fit = bm.fit(bm.Model(), data, method, rng=1)
        >>> fit.resume(300).draws()["weights"].shape
        (4, 800, 1)
        """
        from bayesml.results.learning import resume

        return resume(self, whole_number(draws, "draws"))

    def save(self, path: Any) -> None:
        """Write the fit to a netCDF file, or a Zarr folder if the path ends in ``.zarr``.

        The DataTree's groups can be read by ArviZ; `bayesml.load` gives the fit back, and its
        predictions are the same to the last bit.
        """
        from bayesml.results.storage import save

        save(self, path)

    def __repr__(self) -> str:
        """Show the table, how it was obtained and whether the checks passed."""
        return as_text(*self._table())

    def _repr_html_(self) -> str:
        return as_html(*self._table())

    def _table(self) -> tuple[list[str], list[list[str]], list[str]]:
        headings, cells = rows_as_text(self._summary(), self.kind)
        state = "passed" if self._report.passed else "FAILED: " + "; ".join(self._report.failures)
        lines = ["", f"{self.kind}: {self.explanation}"]
        if not isinstance(self.learned.log_evidence, str):
            lines.append(f"log evidence {self.learned.log_evidence:.3f}")
        lines += [repr(self.data), f"{self.elapsed:.2g} s; checks {state}"]
        return headings, cells, lines

    @cached_property
    def _report(self) -> checks.CheckReport:
        return checks.check(self.learned, self._chains)

    @cached_property
    def _support(self) -> Support:
        intercept = getattr(self.resolved.predictor, "intercept", True) is not False
        return support(self.data, self.statistics, intercept=intercept)

    @property
    def _chains(self) -> dict[str, Array]:
        return dict(getattr(self.learned.posterior, "compared", {}))

    @property
    def _eta(self) -> datatree.Eta:
        """How draws become η: as the posterior says, or by the predictor itself."""
        eta: datatree.Eta = getattr(self.learned.posterior, "eta", self.resolved.predictor.eta)
        return eta

    def _tree(self, groups: dict[str, dict[str, Array]]) -> "xr.DataTree":
        known = self._problem.known | dict(getattr(self.learned.posterior, "constants", {}))
        return datatree.tree(groups, self.data, known, self.resolved.predictor.dims())

    def _rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream])

    @property
    def _problem(self) -> Problem:
        return Problem(self.resolved, self.data, self.statistics)
