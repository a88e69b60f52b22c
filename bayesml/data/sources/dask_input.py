"""Dask arrays and dataframes become partitions whose rows belong together."""

from collections.abc import Callable, Sequence
from functools import partial
from math import isnan
from operator import add
from typing import Any, Literal

import numpy as np

from bayesml.data import frames
from bayesml.data.array_designs import ArrayDesign, FrameDesign
from bayesml.data.checks import require_not_negative, require_some_weight
from bayesml.data.designs import Design
from bayesml.data.formulas.binding import bind_formula
from bayesml.data.formulas.passes import learn_clauses
from bayesml.data.frames import Part
from bayesml.data.inputs import array_names, named_matrix, vector
from bayesml.data.messages import Place, plural
from bayesml.data.missing import drops
from bayesml.data.optional import optional
from bayesml.data.readers import Reader
from bayesml.data.sources.dask_source import Count, DaskSource, count, counted, is_dask, tree_reduce
from bayesml.data.sources.memory import MemorySource
from bayesml.errors import DataError


def dask_arrays(
    X: Any, y: Any, weights: Any, names: Sequence[str] | None, target_name: str | None
) -> tuple[DaskSource, Design]:
    """Take X, y and weights of which one at least is a Dask collection."""
    called, design = _design_of(X, y, weights, names, target_name)
    given = {"X": X, "y": y} | ({} if weights is None else {"observation_weights": weights})
    opener = partial(_open_arrays, called if isinstance(design, ArrayDesign) else None)
    if all(map(_is_framed, given.values())):
        pieces, sizes = _framed(given)
        opener = partial(_open_framed, len(called))
    else:
        pieces, sizes = _aligned(given)
    starts: Sequence[Any] = [None] * len(pieces)
    if not any(map(isnan, sizes)):
        starts = np.cumsum([0, *sizes[:-1]]).tolist()
    partitions = tuple(
        (*parts, Place("", start) if start is not None else Place(f"partition {i}"))
        for i, (parts, start) in enumerate(zip(pieces, starts, strict=True))
    )
    m, passed = sum(sizes), ""
    if isnan(m) and _has_columns(X):
        named_matrix(_schema(X), None, None)  # refuses what is not a number
        m, passed = len(X), "read once before, for counting rows"
    if isnan(m) or weights is not None:
        found: Count = tree_reduce(partial(count, opener), partitions, counted)
        require_some_weight(found.weight)
        m, passed = found.rows, "read once before, for counting rows"
    if not m:
        raise DataError("X has no rows; there is nothing to learn from")
    source = DaskSource(partitions, opener, int(m), len(called), weights is not None, passed)
    return source, design


def _design_of(
    X: Any, y: Any, weights: Any, names: Sequence[str] | None, target_name: str | None
) -> tuple[tuple[str, ...], Design]:
    target = target_name or _series_name(y) or "y"
    if _has_columns(X):
        if names is not None:
            raise DataError("feature_names are for arrays; rename the columns of the frame instead")
        called = frames.column_names(X)
        design: Design = FrameDesign(called, target, weights_name=_series_name(weights))
    else:
        if X.ndim != 2:
            raise DataError(f"X has {plural(X.ndim, 'dimension')}; rows × columns are needed")
        called = array_names(names, X.shape[1])
        design = ArrayDesign(called, target)
    if target in called:
        raise DataError(
            f"the target {target!r} is also a column of X; leave it out of X, "
            "or give another target_name"
        )
    return called, design


def _series_name(value: Any) -> str | None:
    """Give the name of a Series; that of a Dask array is a key of its graph."""
    return (
        str(value.name)
        if _is_framed(value) and value.name is not None
        else frames.series_name(value)
    )


def _has_columns(value: Any) -> bool:
    """Say whether `value` is a dataframe, of Dask or in memory, and no array or series."""
    return hasattr(value, "columns")


def _is_framed(value: Any) -> bool:
    """Say whether `value` is a Dask dataframe or series."""
    return is_dask(value) and not hasattr(value, "chunks")


def _framed(given: dict[str, Any]) -> tuple[list[tuple[Any, ...]], list[float]]:
    """Put series beside a frame, so that Dask reads them together, in whatever partitions."""
    X, *series = given.values()
    for name, value in given.items():
        _require_alike(name, _sizes(value), _sizes(X))
    longest = max(map(len, map(str, X.columns)), default=0)
    extra = {"_" * (longest + 1 + i): value for i, value in enumerate(series)}
    pieces = X.assign(**extra).to_delayed()
    return [(piece,) for piece in pieces], [float("nan")] * len(pieces)


def _open_framed(n: int, rows: Any, place: Place) -> MemorySource:
    """Check the rows of one partition of a frame with target and weights beside n features."""
    series = (rows.iloc[:, j] for j in range(n, rows.shape[1]))
    return _open_arrays(None, rows.iloc[:, :n], *series, place)


def _require_alike(name: str, own: Sequence[float], others: Sequence[float]) -> None:
    same = len(own) == len(others) and all(
        a == b or isnan(a) or isnan(b) for a, b in zip(own, others, strict=True)
    )
    if not same:
        raise DataError(
            f"{name} has {plural(len(own), 'partition')} of {_total(own)} rows, but others "
            f"have {len(others)} of {_total(others)}; rows are matched by position, so cut them "
            "alike"
        )


def _aligned(given: dict[str, Any]) -> tuple[list[tuple[Any, ...]], list[float]]:
    """Cut all parts into the same rows: pieces by partition, and how many rows each has."""
    guide = next(value for value in given.values() if is_dask(value))
    sizes = _sizes(guide)
    columns = []
    for name, value in given.items():
        pieces, own = _pieces(name, value, sizes)
        _require_alike(name, own, sizes)
        columns.append(pieces)
    return list(zip(*columns, strict=True)), sizes


def _total(sizes: Sequence[float]) -> str:
    return "unknown" if isnan(sum(sizes)) else str(int(sum(sizes)))


def _sizes(value: Any) -> list[float]:
    if _is_framed(value):
        return [float("nan")] * value.npartitions
    return list(value.chunks[0])


def _pieces(name: str, value: Any, sizes: Sequence[float]) -> tuple[list[Any], list[float]]:
    """Cut one part as the others are cut, where that can be told."""
    known = not any(map(isnan, sizes))
    if not is_dask(value):
        if not known:
            raise DataError(
                f"{name} is in memory, but the partitions of the rest are of unknown length; "
                "make it a Dask collection too"
            )
        array = np.asarray(value)
        if len(array) != sum(sizes):
            raise DataError(f"{name} has {len(array)} rows, but the rest has {sum(sizes)}")
        ends = np.cumsum(list(sizes)).astype(int)
        return np.split(array, ends[:-1]), list(sizes)
    if _is_framed(value):
        return value.to_delayed(optimize_graph=False), _sizes(value)
    rows = {0: tuple(sizes)} if known and sum(sizes) == len(value) else {}
    whole = {1: -1} if value.ndim == 2 else {}
    if rows or whole:
        value = value.rechunk(rows | whole)
    return value.to_delayed().ravel().tolist(), _sizes(value)


def _open_arrays(names: tuple[str, ...] | None, X: Any, y: Any, *rest: Any) -> MemorySource:
    """Check the rows of one partition; the last argument is their place."""
    *weights, place = rest
    if not len(X):
        return MemorySource(np.empty((0, X.shape[1])), np.empty(0), None)
    features, _ = named_matrix(X, names, place)
    target = vector(y, "y", len(features), place)
    w = vector(weights[0], "observation_weights", len(features), place) if weights else None
    if w is not None:
        require_not_negative(w, place)
    return MemorySource(features, target, w, place=place)


def dask_formula(
    formula: str, frame: Any, missing: Literal["raise", "drop"], weights: Any
) -> tuple[DaskSource, Design]:
    """Meet the partitions of a Dask dataframe with a formula, in a pass that also counts rows."""
    if weights is not None and not isinstance(weights, str):
        raise DataError("observation_weights of a Dask dataframe is the name of a column")
    if not _has_columns(frame):
        raise DataError("a formula needs a frame; a Dask array has no named columns")
    schema = _part_of(_schema(frame), Place(""))
    bound = bind_formula(formula, schema, weights)

    def reduce_parts(function: Callable[[Part], Any], columns: tuple[str, ...], task: str) -> Any:
        return tree_reduce(partial(_statistics_of, function), _partitions(frame, columns), add)

    learned = learn_clauses(bound, drops(missing), reduce_parts, count=True)
    reader, m = learned.reader, learned.rows or 0
    source = DaskSource(
        _partitions(frame, reader.columns),
        partial(_open_frame, reader),
        m,
        len(reader.design.feature_names),
        bound.weights is not None,
        learned.first_pass,
    )
    return source, reader.design


def _schema(frame: Any) -> Any:
    """Make a frame of few rows with the types of the columns."""
    utils = optional("dask.dataframe.utils", "dask", "reading Dask dataframes")
    return utils.meta_nonempty(frame._meta)


def _partitions(frame: Any, columns: Sequence[str]) -> tuple[tuple[Any, ...], ...]:
    pieces = frame[list(columns)].to_delayed()
    return tuple((piece, Place(f"partition {i}")) for i, piece in enumerate(pieces))


def _part_of(rows: Any, place: Place) -> Part:
    return Part(frames.select(rows, frames.column_names(rows), "the formula"), place)


def _statistics_of(function: Callable[[Part], Any], rows: Any, place: Place) -> Any:
    return function(_part_of(rows, place))


def _open_frame(reader: Reader, rows: Any, place: Place) -> MemorySource:
    block = reader.block(_part_of(rows, place))
    return MemorySource(block.X, block.y, block.observation_weights, place=block.place)
