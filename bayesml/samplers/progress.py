"""A line of progress on a terminal, fed from the threads of the chains; silent elsewhere."""

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any


class Progress:
    """One line on a terminal, counting the draws of all chains. Silent anywhere else."""

    def __init__(self, total: int, *, shown: bool) -> None:
        self._total = total
        self._shown = shown and sys.stderr.isatty()
        self._chains: dict[int, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def of(self, chain: int) -> Callable[[Sequence[Any]], None]:
        """Return the callback through which nutpie reports on one chain."""

        def report(progress: Sequence[Any]) -> None:
            with self._lock:
                self._chains[chain] = (progress[0].finished_draws, progress[0].divergences)

        return report

    def show(self) -> None:
        """Write the line again."""
        if self._shown:
            with self._lock:
                reports = list(self._chains.values())
            done, divergences = (sum(report[i] for report in reports) for i in (0, 1))
            sys.stderr.write(f"\rNUTS {done:>7,}/{self._total:,} draws, {divergences} divergences")
            sys.stderr.flush()

    def close(self) -> None:
        """End the line."""
        if self._shown:
            sys.stderr.write("\n")
