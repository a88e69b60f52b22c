"""What long training and sampling ask at every step: whether time is left, and whether to stop."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from time import monotonic

EVERY = 0.5
"""Seconds between looks at how far threads are."""


class Stopped(Exception):
    """Raised in a thread whose work nobody waits for any more."""


@dataclass(frozen=True, eq=False)
class Watch:
    """A deadline, and the wish to stop.

    Attributes
    ----------
    until : float
        When time is over, by the monotonic clock, in seconds.
    stop : threading.Event
        Set where nobody waits for the answer any more.
    """

    until: float = float("inf")
    stop: threading.Event = field(default_factory=threading.Event)

    def over(self) -> bool:
        """Say whether time is over: what there is, is then the answer."""
        if self.stop.is_set():
            raise Stopped
        return monotonic() >= self.until

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(self.until - monotonic(), 0.0)

    def share(self, part: float) -> "Watch":
        """Return a watch over a part of the time that is left."""
        return replace(self, until=monotonic() + part * self.left)


def watch_for(seconds: float | None) -> Watch:
    """Return a watch that ends after so many seconds, or never."""
    return Watch() if seconds is None else Watch(monotonic() + seconds)


def side_by_side[T](
    tasks: Sequence[Callable[[], T]],
    threads: int,
    watch: Watch,
    look: Callable[[int], None] = lambda done: None,
) -> list[T]:
    """Run tasks in threads, in their order, and return what they bring back.

    Where one fails, or the wait is interrupted from the keyboard, those that run stop at their
    next step and those that wait never start: no thread outlives the call.
    """
    pool = ThreadPoolExecutor(threads)
    futures = [pool.submit(task) for task in tasks]
    try:
        waiting = set(futures)
        while waiting:
            done, waiting = wait(waiting, EVERY, "FIRST_EXCEPTION")
            for future in done:
                future.result()
            look(len(futures) - len(waiting))
        return [future.result() for future in futures]
    except BaseException:
        watch.stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
