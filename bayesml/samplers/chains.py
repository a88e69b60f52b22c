"""Running nutpie's chains on a log density written in numpy, in turns and interruptibly."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayesml.samplers.progress import Progress
from bayesml.typing import Array

LogDensity = Callable[[Array], tuple[float, Array]]

TURN_SECONDS = 0.25


class _Rejected(ArithmeticError):
    """Tells nutpie to count this step as a divergence and to go on."""

    is_recoverable = True


@dataclass
class Target:
    """The log density in the units of ``scale``, as nutpie calls it from its own thread."""

    function: LogDensity
    scale: Array
    failure: list[BaseException] = field(default_factory=list)

    def __call__(self, z: Array) -> tuple[float, Array]:
        """Evaluate both at z; reject the step where they are not finite or already failed."""
        if self.failure:
            raise _Rejected
        try:
            value, gradient = self.function(z * self.scale)
            value, gradient = float(value), np.asarray(gradient, dtype=np.float64) * self.scale
        except BaseException as error:
            self.failure.append(error)
            raise _Rejected from None
        if not (math.isfinite(value) and np.isfinite(gradient).all()):
            raise _Rejected
        return value, gradient


def launch(
    target: Target,
    start: Array,
    seed: int,
    settings: Mapping[str, Any],
    report: Callable[[Sequence[Any]], None],
) -> Any:
    """Return a paused background chain of nutpie that starts exactly at ``start``."""
    import nutpie
    from nutpie.compiled_pyfunc import from_pyfunc

    def expand(*_seeds: int) -> Callable[[Array], dict[str, Array]]:
        return lambda z: {"position": z * target.scale}

    model = from_pyfunc(
        start.size,
        lambda: target,
        expand,
        [np.dtype(np.float64)],
        [start.shape],
        ["position"],
        make_initial_point_fn=lambda _seed: np.array(start),
    )
    sampler = nutpie.sample(
        model,
        chains=1,
        cores=1,
        seed=seed,
        blocking=False,
        progress_bar=False,
        progress_callback=report,
        store_mass_matrix=True,
        **settings,
    )
    sampler.pause()
    return sampler


def run(samplers: Sequence[Any], targets: Sequence[Target], finished: Progress) -> list[Any]:
    """Let the chains take turns, so that they neither fight for the GIL nor fall behind.

    An interruption ends them, and what they have drawn so far is returned.
    """
    trees: list[Any] = [None] * len(samplers)
    try:
        while any(tree is None for tree in trees):
            for chain, sampler in enumerate(samplers):
                if trees[chain] is None:
                    trees[chain] = _turn(sampler, targets[chain])
            finished.show()
        return trees
    except KeyboardInterrupt:
        with warnings.catch_warnings():  # a chain in warm-up has no draws, which ArviZ finds odd
            warnings.filterwarnings("ignore", message="Found chain dimension to be longer")
            return [
                sampler.abort() if tree is None else tree
                for tree, sampler in zip(trees, samplers, strict=True)
            ]
    except BaseException:
        for tree, sampler in zip(trees, samplers, strict=True):
            if tree is None:
                sampler.cancel()
        raise
    finally:
        finished.close()


def _turn(sampler: Any, target: Target) -> Any | None:
    """Run one chain for a moment: its result if it ended, None if it has more to do."""
    result: Any | None = None
    try:
        sampler.resume()
        result = sampler.wait(timeout=TURN_SECONDS)
    except TimeoutError:
        sampler.pause()
    except RuntimeError:
        if not target.failure:
            raise
    if target.failure:
        raise target.failure[0]
    return result
