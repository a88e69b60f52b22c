"""Progress bars of training and of members, and early stopping on held-out likelihood."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from bayesml.log_joint import Rows
from bayesml.optimizers import State
from bayesml.typing import Array


def shown[T](items: Iterator[T], total: int, label: str, loss: Callable[[T], float]) -> Iterator[T]:
    """Pass items on, and show a bar with the loss."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    text = TextColumn("{task.description}  loss {task.fields[loss]:.5g}")
    with Progress(text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()) as bar:
        task = bar.add_task(label, total=total, loss=float("nan"))
        for item in items:
            bar.update(task, advance=1, loss=loss(item))
            yield item


@contextmanager
def counting(what: str, total: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """Count on a terminal what is learned; elsewhere nothing is written."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    silent = not (shown and console.is_terminal)
    with Progress(*columns, console=console, transient=True, disable=silent) as bar:
        handle = bar.add_task(what, total=total)
        yield lambda done: bar.update(handle, completed=done)


def early_stopped(
    states: Iterator[State], likelihood: Callable[[Array], float], patience: int, most: int
) -> tuple[State, list[float], int]:
    """Return the state with the best held-out likelihood, the losses, and its step."""
    best: State | None = None
    top, at = float("-inf"), 0
    losses: list[float] = []
    for step, state in enumerate(islice(states, most + 1)):
        losses.append(state.value)
        score = likelihood(state.x)
        if best is None or score > top:
            best, top, at = state, score, step
        if step - at >= patience:
            break
    assert best is not None
    return best, losses, at


def mean_log_likelihood(held: Rows, x: Array, noise: dict[str, float]) -> float:
    """Evaluate the log likelihood of held-out rows, per unit of weight."""
    return float(held.log_likelihood(held.eta(x), noise)) / held.weight
