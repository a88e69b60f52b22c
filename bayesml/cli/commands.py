"""The commands themselves: read, ask the library, write, say what was written."""

import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import bayesml as bm
from bayesml.cli.families import likelihood_of
from bayesml.cli.tables import Reading, read_table
from bayesml.cli.wording import in_words, tell
from bayesml.data import frames
from bayesml.data.messages import plural
from bayesml.inference import Method
from bayesml.results import plots
from bayesml.results.columns import columns_read, require_column
from bayesml.results.new_rows import class_names

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DEMO = 'fit penguins.csv "body_mass_g ~ flipper_length_mm + species + sex" --na NA --missing drop'
SHOWN = 10


def fit(options: Namespace) -> None:
    """Learn a model from a table; print it and write everything about it."""
    likelihood = likelihood_of(options.family, options.link, options.quantile)
    method = _method(options.method, options.draws)
    frame = read_table(options.data, _reading(options))
    data = bm.Data.from_formula(
        options.formula, frame, missing=options.missing, observation_weights=options.weights
    )
    for name in filter(None, (options.term, options.by)):
        require_column(name, columns_read(data.design))
    _make_folder(options.out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)  # the report below says it all
        learned = bm.fit(bm.Model(bm.Linear(), likelihood), data, method, rng=options.seed)
    tell(f"{in_words(learned)}\n\n{learned}\n\n{learned.check()}")
    _write(learned, options)


def predict(options: Namespace) -> None:
    """Predict new rows with a saved fit."""
    learned = bm.load(options.fit)
    frame = read_table(options.data, _reading(options))
    labels = frames.index_labels(frame)
    rows = np.arange(frames.number_of_rows(frame)) if labels is None else labels
    if options.missing == "drop":
        kept = np.flatnonzero(learned.design.present(frame))
        if len(kept) < len(rows):
            left = f"left out {len(rows) - len(kept)} of {plural(len(rows), 'row')}"
            tell(f"bayesml: warning: {left}, which have missing values", sys.stderr)
            frame, rows = frames.take(frame, kept), rows[kept]
    table = _table(learned.predict(frame), rows, options.probability, learned.design.classes)
    if options.out is None:
        tell(_readable(table))
        return
    _make_folder(options.out.parent)
    table.to_csv(options.out, index=False)
    tell(_readable(table.head(SHOWN)))
    tell(
        f"\nWrote {plural(len(table), 'prediction')} of {learned.data.target_name} to {options.out}"
    )


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
                sep=None,
                decimal=None,
                encoding=None,
                na=["NA"],
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


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise bm.StorageError(f"--out {path}: a file is in the way; give a folder") from error


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


def _write(learned: bm.Fit, options: Namespace) -> None:
    """Write the fit, the tables and the pictures, saying so as they come."""
    out, data = options.out, learned.data
    tell(f"\nWriting to {out}")
    learned.save(out / "fit.nc")
    tell("  fit.nc           the fit, for `bayesml predict`, bm.load and ArviZ")
    learned.summary().to_csv(out / "summary.csv", index_label="parameter")
    tell("  summary.csv      the table above, at full precision")
    prediction = learned.learned.posterior.predict(np.asarray(data.X, dtype=np.float64))
    labels = np.arange(data.m) if data.row_labels is None else data.row_labels
    classes = data.design.classes
    table = _table(prediction, labels, options.probability, classes)
    observed = data.y if classes is None else [classes[int(k)] for k in data.y]
    table.insert(1, "observed", observed)
    table.to_csv(out / "predictions.csv", index=False)
    tell(f"  predictions.csv  what the fit predicts for {plural(data.m, 'row')} it learned from")
    for name, figure, words in _pictures(learned, options):
        figure.savefig(out / name)
        tell(f"  {name:<15}  {words}")


def _pictures(learned: bm.Fit, options: Namespace) -> Iterator[tuple[str, "Figure", str]]:
    if learned.kind == "point":
        yield "estimates.png", plots.coefficients(learned), "estimates with confidence limits"
    else:
        yield "posterior.png", plots.posterior(learned), "posterior density of each parameter"
    if columns_read(learned.design):
        effect = plots.effect(
            learned,
            options.term,
            by=options.by,
            probability=options.probability,
        )
        yield "fit.png", effect, "the fit against one column, with uncertainty"
    else:
        yield "fit.png", plots.predictions(learned), "predictions against the data"
    yield "ppc.png", plots.predictive_check(learned), "the data beside data from the model"
    if class_names(learned):
        words = "how often classes came against their probabilities"
        yield "reliability.png", plots.reliability(learned), words
    yield "residuals.png", plots.residuals(learned), "what the model left over, row by row"


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
