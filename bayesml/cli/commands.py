"""The commands themselves: read, ask the library, write, say what was written."""

import sys
import warnings
from argparse import Namespace
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import bayesml as bm
from bayesml.cli.families import likelihood_of
from bayesml.cli.tables import (
    Reading,
    is_parquet,
    parquet_parts,
    parquet_sample,
    read_table,
)
from bayesml.cli.wording import in_words, tell
from bayesml.cli.writing import (
    make_folder,
    require_other_file,
    require_table_name,
    write_tables,
)
from bayesml.data import frames
from bayesml.data.designs import columns_to_read
from bayesml.data.formulas.clauses import with_known
from bayesml.data.messages import plural
from bayesml.data.roles import PRECISION
from bayesml.data.sources.parquet_files import ParquetFiles
from bayesml.errors import StorageError
from bayesml.inference import Method
from bayesml.results import plots
from bayesml.results.columns import columns_read, require_column
from bayesml.results.new_rows import class_names

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DEMO = 'fit penguins.csv "body_mass_g ~ flipper_length_mm + species + sex" --na NA --missing drop'
SHOWN = 10
PICTURES = ("estimates", "posterior", "fit", "ppc", "reliability", "residuals")

MANY = 100_000
"""Rows from which on a fit is written without them, and what it predicts of them only if asked."""

PICTURED = 10_000
"""Rows that the pictures of more than that many show, at even distances."""


def fit(options: Namespace) -> None:
    """Learn a model from a table; print it and write everything about it."""
    likelihood = likelihood_of(options.family, options.link, options.quantile)
    method = _method(options.method, options.draws)
    _say_idle_reading(options)
    data, sample = _learnable(options)
    for name in filter(None, (options.term, options.by)):
        require_column(name, columns_read(data.design))
    make_folder(options.out)
    for name in ("fit.nc", "summary.csv", "predictions.csv"):
        require_other_file(options.out / name, options.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)  # the report below says it all
        learned = bm.fit(bm.Model(bm.Linear(), likelihood), data, method, rng=options.seed)
    tell(f"{in_words(learned)}\n\n{learned}\n\n{learned.check()}")
    if options.draws is not None and learned.kind != "sampled":
        _warn(f"--draws {options.draws} was of no use: {learned.explanation}")
    _write(learned, sample, options)


def _learnable(options: Namespace) -> tuple[bm.Data, bm.Data]:
    """Read what is to be learned from, and rows of it that pictures can show."""
    said = {"missing": options.missing, "observation_weights": options.weights}
    formula = options.formula
    if options.precision is not None:
        formula = with_known(formula, PRECISION, options.precision)
    if is_parquet(options.data) and options.data.is_file():
        files = ParquetFiles.at(options.data)
        if files.rows > MANY:
            data = bm.Data.from_parquet(options.data, formula, **said)
            return data, _shown(data, parquet_sample(files, files.names, PICTURED))
    frame = read_table(options.data, _reading(options))
    data = bm.Data.from_formula(formula, frame, **said)
    if data.m <= MANY:
        return data, data
    every = np.linspace(0, frames.number_of_rows(frame) - 1, PICTURED).astype(np.intp)
    return data, _shown(data, frames.take(frame, every))


def _shown(data: bm.Data, frame: Any) -> bm.Data:
    present = data.design.present(frame)
    if not present.all():
        frame = frames.take(frame, np.flatnonzero(present))
    return data.like(frame)


def predict(options: Namespace) -> None:
    """Predict new rows with a saved fit."""
    _require_fit(options.fit)
    _say_idle_reading(options)
    learned = bm.load(options.fit)
    if options.out is None:
        for table in _predictions(learned, options):
            tell(_readable(table))
        return
    require_table_name(options.out)
    require_other_file(options.out, options.fit, options.data)
    make_folder(options.out.parent)
    first: list[pd.DataFrame] = []

    def seen() -> "Iterator[pd.DataFrame]":
        for table in _predictions(learned, options):
            first.append(table.head(SHOWN)) if not first else None
            yield table

    rows = write_tables(seen(), options.out)
    tell(_readable(first[0]))
    tell(f"\nWrote {plural(rows, 'prediction')} of {learned.data.target_name} to {options.out}")


def _require_fit(path: Path) -> None:
    """Say where the fit is, where its folder is given, or the arguments are the other way round."""
    if path.is_dir() and path.suffix != ".zarr":
        inside = f"the fit in it is {str(path / 'fit.nc')!r}"
        there = inside if (path / "fit.nc").is_file() else "there is no fit.nc in it"
        raise StorageError(f"{str(path)!r} is a folder; {there}")
    if path.suffix not in (".nc", ".zarr"):
        raise StorageError(
            f"{str(path)!r} is no fit, which comes first: bayesml predict FIT.nc NEW"
        )


def _say_idle_reading(options: Namespace) -> None:
    """Say which options are of text files where the table is none."""
    stated = [name for name, value in _reading(options)._asdict().items() if value is not None]
    if stated and is_parquet(options.data):
        _warn(f"--{', --'.join(stated)} was of no use: {options.data} is no text file")


def _predictions(learned: bm.Fit, options: Namespace) -> "Iterator[pd.DataFrame]":
    """Predict the rows of a table, those of a large Parquet file some at a time."""
    files = ParquetFiles.at(options.data) if is_parquet(options.data) else None
    if files is None or not options.data.is_file() or files.rows <= MANY:
        frame = read_table(options.data, _reading(options))
        labels = frames.index_labels(frame)
        rows = np.arange(frames.number_of_rows(frame)) if labels is None else labels
        parts = iter([(frame, rows)])
    else:
        read = parquet_parts(files, columns_to_read(learned.design, files.names))
        parts = ((frame, start + np.arange(len(frame))) for frame, start in read)
    total = left = 0
    for frame, rows in parts:
        if options.missing == "drop":
            kept = np.flatnonzero(learned.design.present(frame))
            total, left = total + len(rows), left + len(rows) - len(kept)
            if len(kept) < len(rows):
                frame, rows = frames.take(frame, kept), rows[kept]  # noqa: PLW2901
        prediction = learned.predict(frame)
        yield _table(prediction, rows, options.probability, learned.design.classes)
    if left:
        _warn(f"left out {left} of {plural(total, 'row')}, which have missing values")


def _warn(text: str) -> None:
    tell(f"bayesml: warning: {text}", sys.stderr)


def demo(options: Namespace) -> None:
    """Run `fit` on the penguins."""
    tell("How does the body mass of a penguin depend on its flippers, species and sex?")
    tell(f"This is what `bayesml {DEMO} --by species` does.\n")
    with ExitStack() as stack:
        packed = files("bayesml") / "_demo" / "penguins.csv"  # in a wheel
        nearby = Path(bm.__file__).parents[1] / "examples" / "data" / "penguins.csv"
        path = stack.enter_context(as_file(packed)) if packed.is_file() else nearby
        fit(
            Namespace(
                data=path,
                formula="body_mass_g ~ flipper_length_mm + species + sex",
                method="auto",
                family="gaussian",
                link=None,
                quantile=None,
                missing="drop",
                weights=None,
                precision=None,
                sep=None,
                decimal=None,
                encoding=None,
                na=["NA"],
                predictions=False,
                format="png",
                draws=None,
                seed=1,
                term=None,
                by="species",
                probability=0.9,
                out=options.out,
            )
        )


def _reading(options: Namespace) -> Reading:
    na = None if options.na is None else tuple(options.na)
    sep = "\t" if options.sep in ("tab", "\\t") else options.sep
    return Reading(sep, options.decimal, options.encoding, na)


def _method(name: str, draws: int | None) -> Method:
    if draws is not None and name not in ("auto", "nuts"):
        raise bm.IncompatibleModelError(f"--draws is for nuts: --method {name} makes no draws")
    nuts = bm.NUTS() if draws is None else bm.NUTS(draws=draws)
    match name:
        case "auto":
            return bm.Auto(otherwise=nuts)
        case "exact":
            return bm.Exact()
        case "mle":
            return bm.MLE()
        case "map":
            return bm.MAP()
        case "laplace":
            return bm.Laplace()
        case "nuts":
            return nuts
    raise bm.IncompatibleModelError(f"there is no method {name!r}")


def _write(learned: bm.Fit, sample: bm.Data, options: Namespace) -> None:
    """Write the fit, the tables and the pictures, saying so as they come."""
    out, data = options.out, learned.data
    of_sample = learned if sample is data else replace(learned, data=sample)
    figures = list(_pictures(of_sample, options))  # before anything is written: --by may fail
    tell(f"\nWriting to {out}")
    small = sample is data
    (learned if small else replace(learned, data=data.summarised())).save(out / "fit.nc")
    tell(
        "  fit.nc           the fit, for `bayesml predict`, bm.load and ArviZ"
        + ("" if small else ", without its rows")
    )
    learned.summary().to_csv(out / "summary.csv", index_label="parameter")
    tell("  summary.csv      the table above, at full precision")
    written = {"fit.nc", "summary.csv"}
    if small or options.predictions:
        rows = write_tables(_own_predictions(learned, options.probability), out / "predictions.csv")
        written.add("predictions.csv")
        tell(f"  predictions.csv  what the fit predicts for {plural(rows, 'row')} it learned from")
    for name, figure, words in figures:
        file = f"{name}.{options.format}"
        figure.savefig(out / file)
        written.add(file)
        tell(f"  {file:<15}  {words}")
    if not small:
        tell(
            f"  The pictures show {plural(sample.m, 'row')} of {data.m}."
            + ("" if options.predictions else " --predictions writes those of all.")
        )
    _remove_stale(out, written)


def _own_predictions(learned: bm.Fit, probability: float) -> "Iterator[pd.DataFrame]":
    """Predict the rows that were learned from, a block at a time."""
    data, start = learned.data, 0
    labels = data.row_labels if data.in_memory else None
    classes = data.design.classes
    for block in data.blocks():
        end = start + len(block.y)
        rows = np.arange(start, end) if labels is None else labels[start:end]
        prediction = learned.learned.posterior.predict(block.X)
        table = _table(prediction, rows, probability, classes)
        observed = block.y if classes is None else [classes[int(k)] for k in block.y]
        table.insert(1, "observed", observed)
        yield table
        start = end


def _remove_stale(out: Path, written: Collection[str]) -> None:
    """Remove what an earlier run wrote and this one did not, so that nothing is of another fit."""
    pictures = [f"{name}.{kind}" for name in PICTURES for kind in ("png", "pdf", "svg")]
    for name in ("predictions.csv", *pictures):
        if name not in written and (out / name).exists():
            (out / name).unlink()
            tell(f"  {name:<15}  of an earlier fit, removed")


def _pictures(learned: bm.Fit, options: Namespace) -> Iterator[tuple[str, "Figure", str]]:
    if learned.kind == "point":
        yield "estimates", plots.coefficients(learned), "estimates with confidence limits"
    else:
        yield "posterior", plots.posterior(learned), "posterior density of each parameter"
    if columns_read(learned.design):
        effect = plots.effect(learned, options.term, by=options.by, probability=options.probability)
        yield "fit", effect, "the fit against one column, with uncertainty"
    else:
        yield "fit", plots.predictions(learned), "predictions against the data"
    yield "ppc", plots.predictive_check(learned), "the data beside data from the model"
    if class_names(learned):
        words = "how often classes came against their probabilities"
        yield "reliability", plots.reliability(learned), words
    yield "residuals", plots.residuals(learned), "what the model left over, row by row"


def _readable(table: "pd.DataFrame") -> str:
    """Show as many decimals as the standard deviation leaves meaningful."""
    unit = float(table["sd"].median()) / 10 if len(table) and "sd" in table else 0.01
    decimals = max(0, 1 - int(np.floor(np.log10(unit)))) if 0 < unit < np.inf else 6
    return table.to_string(index=False, float_format=lambda value: f"{value:.{decimals}f}")


def _table(
    prediction: bm.Prediction,
    rows: NDArray[Any],
    probability: float,
    classes: Sequence[Any] | None,
) -> "pd.DataFrame":
    import pandas as pd

    if classes is not None:
        each = zip(classes, prediction.probabilities.T, strict=True)
        return pd.DataFrame({"row": rows} | {f"P({name})": p for name, p in each})
    tail = 50 * (1 - probability)
    lower, upper = prediction.interval(probability)
    return pd.DataFrame(
        {
            "row": rows,
            "mean": prediction.mean,
            "sd": prediction.sd,
            "epistemic_sd": prediction.epistemic_sd,
            "aleatoric_sd": prediction.aleatoric_sd,
            f"{tail:g}%": lower,
            f"{100 - tail:g}%": upper,
        }
    )
