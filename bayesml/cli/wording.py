"""What the command line says, and how."""

import re
import sys
from typing import TextIO

from bayesml.results import Fit

# The library speaks of its own names; on the command line they are options.
_AS_OPTIONS = {
    "give its sep": "say --sep",
    "missing='drop'": "--missing drop",
    "Fit.save(path) writes one": "`bayesml fit` writes one",
    "Auto()": "--method auto",
    "Exact()": "--method exact",
    "MAP()": "--method map",
    "MLE()": "--method mle",
    "NUTS()": "--method nuts",
}


def tell(text: str, stream: TextIO | None = None) -> None:
    """Write a line, or several."""
    (sys.stdout if stream is None else stream).write(f"{text}\n")


def as_one_line(error: BaseException | str) -> str:
    """Turn an error of ours, or of the file system, into a line for the command line.

    >>> as_one_line(ValueError("use MAP(), or drop rows with missing='drop'"))
    'use --method map, or drop rows with --missing drop'
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = " ".join(str(error).split())
    for name, option in _AS_OPTIONS.items():
        text = text.replace(name, option)
    text = re.sub(r"\b(na|decimal|encoding)=('[^']*')", r"--\1 \2", text).replace(
        "its sep", "--sep"
    )
    return re.sub(
        "^(missing values in .*); drop these rows or fill them$",
        r"\1; fill them, or leave these rows out with --missing drop",
        text,
    )


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning as one line, without its class and its place in the code."""
    tell(f"bayesml: warning: {as_one_line(message)}", sys.stderr)


def in_words(fit: Fit) -> str:
    """Say the model with every prior stated, in the units of the data."""
    lines = rounded(str(fit.resolved)).split("\n")
    head = f"Model, with y = {fit.data.target_name}; priors in the units of the data"
    return "\n".join([head, *(f"  {line}" for line in lines)])


def rounded(text: str) -> str:
    """Shorten the long numbers in a text to four digits.

    >>> rounded("Normal(mean=4207.057057057057, sd=0.0012419030992, 3.5)")
    'Normal(mean=4207, sd=0.001242, 3.5)'
    """
    number = r"\d+\.\d{4,}(?:e[+-]?\d+)?"
    return re.sub(number, lambda found: f"{float(found[0]):.4g}", text)
