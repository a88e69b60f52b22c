"""What may be typed after ``bayesml``."""

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

from bayesml.cli.commands import demo, fit, predict
from bayesml.cli.families import FAMILIES, LINKS

ABOUT = "Bayesian regression: declare a model, learn it, look at it, predict with it."

EXAMPLES = """\
examples:
  bayesml demo
  bayesml fit birds.csv "mass ~ wing + species" --na NA --missing drop --out birds
  bayesml predict birds/fit.nc new_birds.csv --out new_masses.csv
"""

FORMULA = """\
formulas, always in quotes:
  "y ~ a + b"       a slope for each column; text becomes one term a level
  "y ~ a * b"       with their interaction
  "y ~ C(a)"        the values of a as levels
  "y ~ {a**2}"      arithmetic in braces; also log, poly, center, bs, ...
  "y ~ 0 + a"       no intercept
  "y | trials(n) ~ a"            successes in n trials (--family binomial)
  "y ~ a + offset(log(t))"       with a known term; exposure(t) is the same
  "y ~ a, sigma ~ b"             the noise depends on b
  "y | weights(w) ~ a"           each row counts w times
  "y | precision(w) ~ a"         the noise of each row has variance σ²/w
"""


class _Parser(ArgumentParser):
    """A parser that guesses the commonest mistake."""

    def error(self, message: str) -> NoReturn:
        if message.startswith("unrecognized arguments") and " -" not in message:
            message += '; a formula goes in quotes: "y ~ x"'
        super().error(message)


def parser() -> ArgumentParser:
    """Return the parser of the whole command line."""
    top = _Parser(
        prog="bayesml",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"bayesml {_version()}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_fit(commands)
    _add_predict(commands)
    _add_demo(commands)
    return top


def _add_fit(commands: Any) -> None:
    """Add `bayesml fit`."""
    words = "learn a model from a table, and write the fit, tables and pictures"
    command = commands.add_parser(
        "fit",
        help=words,
        description=f"{words[0].upper()}{words[1:]}.",
        epilog=FORMULA,
        formatter_class=RawDescriptionHelpFormatter,
    )
    command.add_argument("data", metavar="DATA", type=Path, help="a .csv, .tsv or .parquet file")
    command.add_argument("formula", metavar="FORMULA", help='what to learn, in quotes: "y ~ x"')
    _add_model(command)
    _add_reading(command)
    _add_sampling(command)
    _add_pictures(command)
    _add_out(command)
    command.set_defaults(run=fit)


def _add_model(command: ArgumentParser) -> None:
    """Say how to learn, what the target is and how rows count."""
    add = command.add_argument
    add(
        "--method",
        choices=("auto", "exact", "mle", "map", "laplace", "nuts"),
        default="auto",
        help="how to learn: exact posterior, maximum likelihood (least squares), posterior mode "
        "(ridge), a Gaussian at the mode, sampling; auto is exact where that exists, otherwise a "
        "Gaussian that passes its audit, otherwise nuts (default: auto)",
    )
    add(
        "--family",
        choices=tuple(FAMILIES),
        default="gaussian",
        metavar="FAMILY",
        help=f"what the target is: {', '.join(FAMILIES)}; student-t forgives outliers "
        "(default: gaussian)",
    )
    add("--link", choices=tuple(LINKS), help="of a probability (logit), of a mean (log)")
    add("--quantile", type=_probability, metavar="Q", help="the quantile that is learned")
    add("--weights", metavar="COLUMN", help="how many times each row counts")
    add("--precision", metavar="COLUMN", help="what divides the variance of the noise of each row")


def _add_sampling(command: ArgumentParser) -> None:
    """Say how many draws are made, and from which seed."""
    add = command.add_argument
    add("--draws", type=_count, metavar="N", help="draws per chain of nuts (default: 1000)")
    add("--seed", type=_seed, metavar="N", help="repeat a run exactly (default: a fresh seed)")


def _add_pictures(command: ArgumentParser) -> None:
    """Say what is drawn and written of the fit."""
    add = command.add_argument
    add("--term", metavar="COLUMN", help="the column on the axis of fit.png")
    add("--by", metavar="COLUMN", help="one curve of fit.png for each value of this column")
    _add_probability(command)
    add(
        "--predictions",
        action="store_true",
        help="write what the fit predicts for its own rows, however many (default: up to 100000)",
    )
    add("--format", choices=("png", "pdf", "svg"), default="png", help="of pictures (default: png)")


def _add_predict(commands: Any) -> None:
    """Add `bayesml predict`."""
    words = "predict new rows with a fit that `bayesml fit` wrote"
    command = commands.add_parser("predict", help=words, description=f"{words.capitalize()}.")
    add = command.add_argument
    add("fit", metavar="FIT.nc", type=Path, help="fit.nc from the folder of `bayesml fit`")
    add("data", metavar="NEW", type=Path, help="a .csv, .tsv or .parquet file with its columns")
    add("--out", type=Path, metavar="FILE", help="write a .csv, .tsv or .parquet file")
    _add_reading(command)
    _add_probability(command)
    command.set_defaults(run=predict)


def _add_demo(commands: Any) -> None:
    """Add `bayesml demo`."""
    words = "learn the mass of penguins from their flippers, species and sex"
    command = commands.add_parser("demo", help=words, description=f"{words.capitalize()}.")
    _add_out(command)
    command.set_defaults(run=demo)


def _add_reading(command: ArgumentParser) -> None:
    """Say how the file is written, and what to do about rows with missing values."""
    add = command.add_argument
    add("--sep", metavar="MARK", help="between cells (default: that of the name, or seen)")
    add("--decimal", choices=(".", ","), help="before decimals (default: seen where certain)")
    add("--encoding", metavar="NAME", help="such as cp1252 (default: utf-8)")
    add(
        "--na",
        action="append",
        metavar="WORD",
        help="what means a missing value beside the empty cell, in every column; may be repeated "
        "(default: NA and its like among numbers)",
    )
    add(
        "--missing",
        choices=("raise", "drop"),
        default="raise",
        help="refuse rows with missing values, or leave them out (default: raise)",
    )


def _add_probability(command: ArgumentParser) -> None:
    command.add_argument(
        "--probability",
        type=_probability,
        default=0.9,
        metavar="P",
        help="mass of the predictive intervals (default: 0.9)",
    )


def _add_out(command: ArgumentParser) -> None:
    command.add_argument(
        "--out",
        type=Path,
        default=Path("bayesml_output"),
        metavar="DIR",
        help="folder to write into (default: bayesml_output)",
    )


def _count(text: str) -> int:
    return _whole(text, 1)


def _seed(text: str) -> int:
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return int(text)


def _probability(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise ArgumentTypeError(f"{text!r} is not a probability between 0 and 1, such as 0.9")
    return value


def _version() -> str:
    try:
        return version("bayesml-regression")
    except PackageNotFoundError:
        return "(not installed)"
