"""Data 𝒟, the examples (x⁽ⁱ⁾, y⁽ⁱ⁾): validated once at the door, read in blocks behind it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from operator import add
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from bayesml.data.array_designs import ArrayDesign
from bayesml.data.beside import Beside
from bayesml.data.blocks import Block, Source, read_only
from bayesml.data.designs import Design
from bayesml.data.fingerprint import fingerprint
from bayesml.data.formulas.level_sets import grown
from bayesml.data.formulas.raw_columns import RawColumns
from bayesml.data.grouped_rows import EffectColumns
from bayesml.data.grouped_statistics import GroupedStatistics
from bayesml.data.inputs import array_names
from bayesml.data.messages import plural
from bayesml.data.roles import OFFSET, PRECISION, TRIALS
from bayesml.data.sources.dask_input import dask_arrays, dask_formula
from bayesml.data.sources.dask_source import is_dask
from bayesml.data.sources.memory import MemorySource
from bayesml.data.sources.memory_input import memory_arrays, memory_formula, rows_like
from bayesml.data.sources.parquet_files import ParquetFiles
from bayesml.data.sources.parquet_source import parquet_columns, parquet_formula
from bayesml.data.sources.roles import HoldsArrays, StandsForRows
from bayesml.data.sources.summarised import SummarisedSource, merged, without
from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import DataError


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Data:
    """Examples to learn from: m rows of n features X, and a target y.

    Everything is checked here once: behind this door the numbers are real and finite, the rows of
    X, y and the weights belong together, and every column has a name. The arrays are not copied
    where they can be used as they are: do not change them while the data are in use.

    Parameters
    ----------
    X : (m, n) array, or a pandas or Polars DataFrame
        Features, without a column of ones: the intercept belongs to the predictor.
    y : (m,) array or Series
        Target.
    observation_weights : (m,) array or Series, optional
        How many times each row counts, positive or zero: a weight multiplies the
        log-likelihood of its row.
    feature_names : sequence of str, optional
        For arrays; `x0`, `x1`, … otherwise. Frames have names.
    target_name : str, optional
        The name of the Series, or `y`.
    offset : (m,) array or Series, optional
        What is added to η: a feature whose weight is one, such as the log of an exposure.
    trials : (m,) array or Series, optional
        Of a `Binomial` likelihood: how many there were in each row.
    precision : (m,) array or Series, optional
        Of `Gaussian` and `StudentT` noise: the variance of row i is σ²/precisionᵢ, as that of the
        mean of so many measurements. Weighted least squares, and exact.
    known : mapping of name to (m,) array, optional
        What else a likelihood asks to know of every row. Offset, trials and these become the last
        columns of X, under their names, which new rows need too; but for a precision, which is 1
        where it is not given.
    predictors : mapping of name to (m, k) array or data frame, optional
        Features of further linear predictors, by the parameter of the likelihood that they
        predict: ``{"sigma": Z}``.
    groups : mapping of name to (m,) labels, data frame, or named Series, optional
        Factors whose levels have an effect each, ``{"school": labels}``: (1 | school) of a
        formula. New rows are ``predict(X, groups={"school": labels})``.

    Attributes
    ----------
    X : (m, n) float64 or float32 array, read-only
    y : (m,) float64 array, read-only
    observation_weights : (m,) float64 array, read-only, or None
    design : Design
        How new input becomes X.
    row_labels : (m,) array or None
        The index of a pandas frame, unless it only counts the rows.
    columns : mapping of column name to values, or None
        What a formula made X of, for the effect of a column; only of rows in memory.
    m, n : int
        Number of rows and of columns of X, the intercept not among them.

    Raises
    ------
    DataError
        Naming the rows and columns that cannot be used, and what to do about them.

    Examples
    --------
    >>> import bayesml as bm
    >>> bm.Data([[1.0], [2.0], [4.0]], [1.0, 3.0, 2.0], feature_names=["dose"])
    Data(3 rows, 1 feature: dose; target y)
    """

    source: Source
    design: Design
    row_labels: NDArray[Any] | None

    def __init__(
        self,
        X: Any,
        y: Any,
        *,
        observation_weights: Any = None,
        feature_names: Sequence[str] | None = None,
        target_name: str | None = None,
        offset: Any = None,
        trials: Any = None,
        precision: Any = None,
        known: Mapping[str, Any] | None = None,
        predictors: Mapping[str, Any] | None = None,
        groups: Any = None,
    ) -> None:
        own = {OFFSET: offset, TRIALS: trials, PRECISION: precision}
        beside = Beside.of(own, known, predictors)
        if is_dask(X) or is_dask(y):
            beside.refuse_dask(groups is not None)
            found = dask_arrays(X, y, observation_weights, feature_names, target_name)
            self._hold(*found, None)
            return
        self._hold(
            *memory_arrays(X, y, observation_weights, feature_names, target_name, beside, groups)
        )

    @classmethod
    def from_formula(
        cls,
        formula: str,
        frame: Any,
        *,
        missing: Literal["raise", "drop"] = "raise",
        observation_weights: Any = None,
    ) -> Self:
        """Build the columns by a formula, such as `y ~ x * C(g)`.

        The formulas are those of formulaic (Wilkinson's notation): `+`, `:`, `*`, `/`, `^`, `- 1`
        or `0 +` for no intercept, `{x ** 2}` or `I(x ** 2)` for arithmetic, `C(g)` for levels,
        `center`, `scale`, `poly`, `bs` and other transformations that remember the training rows,
        and elementwise functions of numpy. Text and categories are coded against their first
        level. `(1 | g)` and `(x | g)` are effects of groups, `s(x)` and `s(x, by=g)` are smooths.
        Nothing is done in silence.

        Parameters
        ----------
        formula : str
            Target, `~`, terms. Names that are not words go in backticks.
        frame : pandas or Polars DataFrame, or dict of columns
            Only the columns that the formula reads are looked at.
        missing : {"raise", "drop"}
            Refuse rows with missing values, or drop them with a `DataWarning`.
        observation_weights : str, or (m,) array or Series, optional
            A column of the frame by its name, or the weights themselves.

        Raises
        ------
        DataError
            For a formula that cannot be read, missing or unknown columns, missing values, and
            numbers that a transformation makes infinite.

        Warns
        -----
        DataWarning
            When rows were dropped: how many and which.

        Examples
        --------
        >>> import bayesml as bm
        >>> frame = {"y": [1.0, 3.0, 2.0, 5.0], "x": [0, 1, 2, 3], "g": ["a", "b", "a", "b"]}
        >>> bm.Data.from_formula("y ~ x + g", frame)
        Data(4 rows, 2 features: x, g[T.b]; target y)
        """
        if is_dask(frame):
            return cls._of(*dask_formula(formula, frame, missing, observation_weights), None)
        return cls._of(*memory_formula(formula, frame, missing, observation_weights))

    @classmethod
    def from_parquet(
        cls,
        paths: Any,
        formula: str | None = None,
        *,
        target: str | None = None,
        features: Sequence[str] | None = None,
        missing: Literal["raise", "drop"] = "raise",
        observation_weights: str | None = None,
        progress: bool = True,
    ) -> Self:
        """Stream Parquet files, by a formula or by the names of columns.

        Only a few blocks of the columns needed are in memory at a time. Values are checked as they
        pass, so an error names file and row when the model is fitted. Factors, transformations
        that remember the rows and `missing="drop"` take passes over the files before, here:
        `first_pass` says so.

        Parameters
        ----------
        paths : path, or sequence of paths
            Files, or a folder of them.
        formula : str, optional
            As for `from_formula`; otherwise columns are taken as they are.
        target : str, optional
            Without a formula: the column to learn.
        features : sequence of str, optional
            Without a formula: the columns of X; all others if not given.
        missing : {"raise", "drop"}
            Refuse rows with missing values, or drop them with a `DataWarning`.
        observation_weights : str, optional
            A column.
        progress : bool
            Whether to show a bar while reading, on a terminal.

        Raises
        ------
        DataError
            As `from_formula`, and for files that cannot be read.
        MissingDependencyError
            If pyarrow is not installed.
        """
        files = ParquetFiles.at(paths, progress)
        if formula is None:
            found = parquet_columns(files, target, features, missing, observation_weights)
        elif target is not None or features is not None:
            raise DataError("a formula names target and features; give it, or them, not both")
        else:
            found = parquet_formula(files, formula, missing, observation_weights)
        return cls._of(*found, None)

    def like(
        self, frame: Any, *, observation_weights: Any = None, new_groups: bool = False
    ) -> Self:
        """Read new rows as these were read, with the levels, centres and knots learned from them.

        Parameters
        ----------
        frame : pandas or Polars DataFrame, or dict of columns
            With the target.
        observation_weights : str, or (m,) array or Series, optional
            A column of the frame by its name, or the weights themselves; if not given, the column
            that these data took theirs from by a formula.
        new_groups : bool
            Whether levels of groups that were never seen are new ones, which are numbered after
            the others. Otherwise they are refused.

        Raises
        ------
        DataError
            If the rows do not fit, or have no target.

        Examples
        --------
        >>> import bayesml as bm
        >>> data = bm.Data.from_formula("y ~ center(x)", {"x": [1, 2, 6], "y": [1, 3, 4]})
        >>> data.like({"x": [3.0, 5.0], "y": [2.0, 4.0]}).X[:, 0]
        array([0., 2.])
        """
        design = grown(self.design, frame) if new_groups else self.design
        return self._of(rows_like(design, frame, observation_weights), design, None)

    @classmethod
    def from_checked_arrays(
        cls,
        X: NDArray[Any],
        y: NDArray[np.float64],
        observation_weights: NDArray[np.float64] | None,
        design: Design,
        row_labels: NDArray[Any] | None,
        columns: RawColumns | None = None,
    ) -> Self:
        """Put together data that were checked before, as when a saved fit is loaded."""
        weights = None if observation_weights is None else read_only(observation_weights)
        source = MemorySource(read_only(X), read_only(y), weights, columns)
        return cls._of(source, design, row_labels)

    @classmethod
    def from_statistics(
        cls,
        statistics: SufficientStatistics,
        *,
        feature_names: Sequence[str] | None = None,
        target_name: str | None = None,
    ) -> Self:
        """Take the sufficient statistics of rows in their place.

        They are all that `MLE`, `MAP`, `Exact` and `NUTS` need of a linear Gaussian model.
        Statistics of several data sets add up before.

        Parameters
        ----------
        statistics : SufficientStatistics
        feature_names : sequence of str, optional
        target_name : str, optional
            Otherwise those of the statistics, which may have none: `x0`, `x1`, … and `y` then.

        Raises
        ------
        DataError
            If the names do not fit. Later, from whatever needs the rows.

        Examples
        --------
        >>> import bayesml as bm
        >>> monday = bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.1, 4.9])
        >>> tuesday = bm.Data([[3.0], [4.0]], [7.2, 8.8])
        >>> data = bm.Data.from_statistics(monday.statistics + tuesday.statistics)
        >>> data
        Data(5 rows as sufficient statistics, 1 feature: x0; target y)
        >>> bm.fit(bm.Model(), data, bm.MLE()).draws(1, 1)["weights"].round(2)
        array([[[1.97]]])
        """
        own = statistics.names
        known = own[:-1] if feature_names is None and own is not None else feature_names
        target = target_name or ("y" if own is None else own[-1])
        if statistics.precisions is not None:
            raise DataError(
                "from_statistics: these are of rows with precisions, of which a column is no "
                "feature. Use data.summarised(), which keeps what the columns are for."
            )
        design = ArrayDesign(array_names(known, statistics.n), target)
        return cls._of(SummarisedSource(statistics, False, ""), design, None)

    @classmethod
    def from_source(cls, source: Source, design: Design) -> Self:
        """Put together data of rows that a source holds, or what is left of them."""
        return cls._of(source, design, None)

    def summarised(self) -> Self:
        """Return these data without their rows: names, design and sufficient statistics.

        A fit of them can be saved, loaded, refitted under other priors and updated with new rows,
        and predicts as if the rows were there.

        Examples
        --------
        >>> import bayesml as bm
        >>> bm.Data([[1.0], [2.0], [4.0]], [1.0, 3.0, 2.0]).summarised()
        Data(3 rows as sufficient statistics, 1 feature: x0; target y)
        """
        if not self.has_rows:
            return self
        grouped = self.grouped_statistics if self._sums_effects else None
        source = SummarisedSource(self.statistics, self.source.weighted, self.whereabouts, grouped)
        return self._of(source, self.design, None)

    def merged(self, other: Self) -> Self:
        """Return the statistics of the rows of two sites, exactly as if all were in one place.

        Nothing but statistics has to leave a site: `summarised` data merge as their rows would.
        Of a formula with groups, levels are told apart by name, and those of the other site come
        after the own ones.

        Parameters
        ----------
        other : Data
            Of the same columns. Where a formula learns from rows, as `center` and `s` do, or
            codes levels as features, one site reads its rows as the other did, by `like`.

        Raises
        ------
        DataError
            If the columns are others, or made otherwise.

        Examples
        --------
        >>> import bayesml as bm
        >>> north = bm.Data.from_formula("y ~ x", {"x": [0.0, 1.0, 2.0], "y": [1.0, 3.1, 4.9]})
        >>> south = bm.Data.from_formula("y ~ x", {"x": [3.0, 4.0], "y": [7.2, 8.8]})
        >>> both = north.summarised().merged(south.summarised())
        >>> both
        Data(5 rows as sufficient statistics, 1 feature: x; target y)
        >>> both.without(south).m
        3
        """
        return self._together(merged, other)

    def without(self, other: Self) -> Self:
        """Return the statistics of these rows without those of a site that they hold.

        Exactly as if they had never been there, where the digits allow it. Levels of groups that
        no rows are left of leave too.

        Parameters
        ----------
        other : Data
            Rows that are among these, or their statistics.

        Raises
        ------
        DataError
            If they were never in, or so much depends on them that the rest would keep fewer than
            six digits.
        """
        return self._together(without, other)

    def _together(self, how: Callable[..., tuple[SummarisedSource, Design]], other: Self) -> Self:
        if not isinstance(other, Data):
            raise DataError(f"the other site must be a Data, got {type(other).__name__}")
        one, two = self.summarised().source, other.summarised().source
        return self._of(*how(one, self.design, two, other.design), None)

    @classmethod
    def _of(cls, source: Source, design: Design, labels: NDArray[Any] | None) -> Self:
        data = cls.__new__(cls)
        data._hold(source, design, labels)
        return data

    def _hold(self, source: Source, design: Design, labels: NDArray[Any] | None) -> None:
        for name, value in (("source", source), ("design", design), ("row_labels", labels)):
            object.__setattr__(self, name, value)

    @property
    def m(self) -> int:
        """Number of rows."""
        return self.source.m

    @property
    def n(self) -> int:
        """Number of features, the intercept not among them."""
        return self.source.n

    @property
    def _arrays(self) -> HoldsArrays:
        if not isinstance(self.source, HoldsArrays):
            raise DataError(
                f"the rows are {self.source.whereabouts}, not in memory: read them with blocks() "
                "or reduce(), or data.collect() puts all of them into memory"
            )
        return self.source

    @property
    def in_memory(self) -> bool:
        """Whether `X` and `y` are arrays at hand; otherwise rows are read block by block."""
        return isinstance(self.source, HoldsArrays)

    @property
    def has_rows(self) -> bool:
        """Whether rows can be read at all; otherwise there are `statistics` of them only."""
        return not isinstance(self.source, StandsForRows)

    @property
    def whereabouts(self) -> str:
        """Where the rows are, in words; empty for memory."""
        return self.source.whereabouts

    @cached_property
    def statistics(self) -> SufficientStatistics:
        """Sufficient statistics of a linear Gaussian model: the rows are read once for them.

        Numbers of levels of groups measure nothing, and count as zero.
        """
        if isinstance(self.source, StandsForRows):
            return self.source.statistics.named(self._names)
        effects = EffectColumns.of(self.design)
        if self._sums_effects and not self.in_memory:  # read once for both
            return self.grouped_statistics.statistics
        of_block = partial(
            SufficientStatistics.of, numbered=effects.numbered, precision=effects.precision
        )
        total: SufficientStatistics = self.reduce(of_block, add)
        return total.named(self._names)

    @cached_property
    def grouped_statistics(self) -> GroupedStatistics:
        """Those of a linear Gaussian model with effects of groups or curves, and `statistics`.

        Raises
        ------
        DataError
            If there are no groups and no curves, or so many levels that they do not fit in memory.
        """
        if isinstance(self.source, StandsForRows):
            if self.source.grouped is None:
                raise DataError(
                    "these statistics were kept without those of the effects of groups, which a "
                    "linear Gaussian model needs; make the Data from the rows again"
                )
            return self.source.grouped
        effects = EffectColumns.of(self.design)
        effects.require_room()
        total: GroupedStatistics = self.reduce(effects.statistics_of, add)
        return replace(total, statistics=total.statistics.named(self._names))

    @property
    def _sums_effects(self) -> bool:
        """Whether there are effects whose statistics fit in memory."""
        effects = EffectColumns.of(self.design)
        return effects.any and effects.fit_in_memory

    @property
    def _names(self) -> tuple[str, ...]:
        return (*self.feature_names, self.target_name)

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of the numbers in X, y and weights: of the rows, as a set.

        The same wherever the rows are stored, in whatever order and blocks; rows of weight zero
        are absent, and a weight of two is not the row twice. All rows are read once, when it is
        asked for.

        Examples
        --------
        >>> import bayesml as bm
        >>> data = bm.Data([[1.0], [2.0], [4.0]], [1.0, 3.0, 2.0])
        >>> turned = bm.Data([[4.0], [2.0], [1.0]], [2.0, 3.0, 1.0])
        >>> data.fingerprint == turned.fingerprint
        True
        """
        return f"{fingerprint(self.source):016x}"

    @property
    def first_pass(self) -> str:
        """What the rows were read for before they are learned from; empty if for nothing."""
        return self.source.first_pass

    def collect(self) -> Self:
        """Read all rows into memory, for methods that need them at every step."""
        if self.in_memory:
            return self
        X, y = np.empty((self.m, self.n)), np.empty(self.m)
        weights = np.empty(self.m) if self.source.weighted else None
        start = 0
        for block in self.blocks():
            rows = slice(start, start := start + len(block.y))
            X[rows], y[rows] = block.X, block.y
            if weights is not None and block.observation_weights is not None:
                weights[rows] = block.observation_weights
        return self.from_checked_arrays(X, y, weights, self.design, None)

    @property
    def X(self) -> NDArray[np.float64] | NDArray[np.float32]:
        """The features in memory, read-only, as given if float32; `blocks` are always float64."""
        return self._arrays.X

    @property
    def y(self) -> NDArray[np.float64]:
        """The target in memory, read-only."""
        return self._arrays.y

    @property
    def observation_weights(self) -> NDArray[np.float64] | None:
        """How many times each row counts, read-only; None where every row counts once."""
        return self._arrays.observation_weights

    @property
    def row_weights(self) -> NDArray[np.float64]:
        """How many times each row in memory counts: ones where none are stated."""
        stated = self.observation_weights
        return np.ones(self.m) if stated is None else stated

    @property
    def columns(self) -> RawColumns | None:
        """What a formula in memory made X of, by column; None where X is what was given.

        Only columns that the formula reads, numbers not copied where they were float64.
        """
        return self._arrays.columns

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name for each column of X."""
        return self.design.feature_names

    @property
    def target_name(self) -> str:
        """What y is called."""
        return self.design.target_name

    def blocks(self) -> Iterator[Block]:
        """Read the rows in order, a bounded number at a time, as float64."""
        return self.source.blocks()

    def reduce[T](self, function: Callable[[Block], T], combine: Callable[[T, T], T]) -> T:
        """Bring `function` of every block together by the associative `combine`.

        Examples
        --------
        >>> from operator import add
        >>> import bayesml as bm
        >>> data = bm.Data([[1.0], [2.0]], [3.0, 4.0])
        >>> float(data.reduce(lambda block: block.X[:, 0] @ block.y, add))  # Σ xᵢ yᵢ
        11.0
        """
        return self.source.reduce(function, combine)

    def __repr__(self) -> str:
        weighted = ", weighted" if self.source.weighted else ""
        where = f" {self.source.whereabouts}" if self.source.whereabouts else ""
        roles, classes = self.design.roles, self.design.classes
        of_classes = "" if classes is None else f" of {len(classes)} classes"
        return (
            f"Data({plural(self.m, 'row')}{where}{weighted}, {roles}; "
            f"target {self.target_name}{of_classes})"
        )
