"""The command line: ``bayesml fit``, ``bayesml predict``, ``bayesml demo``.

No mathematics lives here. What the library refuses is printed as one line, with exit code 2.
"""

import os
import sys
import warnings
from collections.abc import Sequence

from bayesml.cli.arguments import parser
from bayesml.cli.wording import as_one_line, show_warning, tell
from bayesml.errors import BayesmlError, BayesmlWarning, SamplingInterrupted

__all__ = ["main"]

FAILED, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows ``bayesml``; taken from the command line by default.

    Returns
    -------
    int
        0, or 2 for an error that was printed, or 130 after Ctrl-C.

    Examples
    --------
    >>> main(["fit", "nowhere.csv", "y ~ x"])
    2
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Greek letters
    options = parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show_warning
            if not sys.warnoptions:
                warnings.simplefilter("always", BayesmlWarning)
            options.run(options)
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        tell("\nbayesml: interrupted", sys.stderr)
        return INTERRUPTED
    except (BayesmlError, OSError) as error:
        tell(f"bayesml: error: {as_one_line(error)}", sys.stderr)
        return INTERRUPTED if isinstance(error, SamplingInterrupted) else FAILED
    return 0
