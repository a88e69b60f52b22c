"""A bar that says how much has been read, on a terminal only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(task: str, total: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error until the block ends; yields the function that moves it on."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,} rows"),
        TimeRemainingColumn(),
    )
    bar = Progress(
        *columns, console=console, transient=True, disable=not (shown and console.is_terminal)
    )
    with bar:
        handle = bar.add_task(task, total=total)
        yield lambda rows: bar.advance(handle, rows)
