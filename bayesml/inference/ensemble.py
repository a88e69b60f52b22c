"""Ensembles: members learned from their own random starts, and mixed equally."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bayesml.arguments import (
    check_count,
    check_flag,
    check_fraction,
    check_optional,
    memory,
    require_memory,
)
from bayesml.errors import IncompatibleModelError
from bayesml.inference.at_once import batched, trained_at_once
from bayesml.inference.base import Learned, Method
from bayesml.inference.growth import AT_A_TIME, HeldOut, set_aside
from bayesml.inference.map import MAP
from bayesml.inference.mixture import mixed
from bayesml.inference.mle import MLE
from bayesml.inference.networks.memory import MEMORY
from bayesml.inference.networks.mode import AroundModes, Mode, Recipe
from bayesml.inference.networks.progress import counting
from bayesml.inference.networks.race import raced
from bayesml.inference.networks.search import find_mode
from bayesml.inference.networks.watch import Watch, side_by_side, watch_for
from bayesml.likelihoods import Staged
from bayesml.model import Problem
from bayesml.predictors import Network

OF_TRAINING = 0.5
"""Share of the time, where it is limited, that finding modes may take."""


@dataclass(frozen=True)
class Ensemble:
    r"""Learn a model several times, from random starts, and mix the answers equally.

    .. math:: p(y \mid x) = \frac1M \sum_{k=1}^M p_k(y \mid x)

    Members disagree where the data leave the function open: that is epistemic uncertainty, which
    members of their own (`Laplace`, `Langevin`) add to. With an optimizer whose steps treat every
    coordinate alone (`SGD`, `Adam`, `AdamW`, descent at a stated rate) all members are trained in
    one batched computation, otherwise side by side in threads.

    Parameters
    ----------
    members : int
        M; with `held_out` at most.
    member : Method, or tuple of methods
        How each is learned, for instance ``MAP()`` or ``Laplace()``. Several take turns:
        ``(Laplace(), Langevin(chains=1))`` mixes as many of each, whose errors differ. Those of a
        turn that find modes of a network in the same way are learned around one mode.
    threads : int or None
        How many members to learn at a time; None takes the number of processors.
    seconds : float or None
        Time by the clock after which members of a network that have not begun are left out, and
        those that have stop training, or make fewer draws; None takes as long as it does. The
        result says what there was no time for, and its checks what that did.
    progress : bool
        Whether to show on a terminal how many members are learned.
    held_out : float
        Share of the rows that are set aside, to add two members at a time only as long as the
        mixture tells them better, by more than a standard error (M34); 0 learns all members, from
        all rows.

    Raises
    ------
    IncompatibleModelError
        If a setting is out of range.

    References
    ----------
    Lakshminarayanan, Pritzel & Blundell (2017), Simple and scalable predictive uncertainty
    estimation using deep ensembles; Eschenhagen et al. (2021), Mixtures of Laplace approximations.

    Examples
    --------
    >>> import bayesml as bm
    >>> X = np.linspace(-2, 2, 40)[:, None]
    >>> data = bm.Data(X, np.sin(2 * X[:, 0]))
    >>> model = bm.Model(bm.MLP(hidden=(5,)), bm.Gaussian(sigma=0.1))
    >>> fit = bm.fit(model, data, bm.Ensemble(3, bm.MAP()), rng=1)
    >>> fit.kind, fit.idata["posterior"].sizes["chain"]
    ('ensemble', 3)
    """

    members: int = 5
    member: Method | tuple[Method, ...] = MAP()
    threads: int | None = None
    seconds: float | None = None
    progress: bool = True
    held_out: float = 0.0

    def __post_init__(self) -> None:
        check_count(self, "members")
        check_optional(self, "seconds", "no limit")
        check_flag(self, "progress")
        check_fraction(self, "held_out")
        if self.threads is not None:
            check_count(self, "threads")
        wrong = [m for m in self.methods if isinstance(m, type) or not isinstance(m, Method)]
        if wrong or not self.methods:
            raise IncompatibleModelError(
                "Ensemble: member must be an inference method such as MAP(), or a tuple of "
                f"them, got {self.member!r}."
            )
        if self.members % len(self.methods):
            raise IncompatibleModelError(
                f"Ensemble: {self.members} members cannot be shared equally by "
                f"{len(self.methods)} methods. Take a multiple, for the mixture is an equal one."
            )

    def _at_a_time(self, problem: Problem) -> int:
        """Return how many members to learn at a time: no more than memory allows curvatures of."""
        wanted = min(self.threads or os.cpu_count() or 1, self.members)
        if not isinstance(problem.model.predictor, Network):
            return wanted
        return max(1, min(wanted, int(memory() // MEMORY)))

    @property
    def _without_priors(self) -> bool:
        return isinstance(self.member, MLE)

    @property
    def methods(self) -> tuple[Method, ...]:
        """How members are learned, in turn."""
        return self.member if isinstance(self.member, tuple) else (self.member,)

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Learn every member, and mix them."""
        require_memory(
            4.0 * self.members * problem.size,
            f"{self.members:,} members of {problem.size:,} parameters",
            "take fewer members, five to twenty do",
        )
        optimizer = batched(self.member) if self.held_out == 0 else None
        staged = isinstance(problem.model.likelihood, Staged)
        if optimizer is not None and not staged and isinstance(problem.model.predictor, Network):
            stated = problem.without_priors() if self._without_priors else problem
            return trained_at_once(stated, self.members, optimizer, rng)
        watch, streams = watch_for(self.seconds), rng.spawn(self.members)
        if self.held_out > 0:
            return self._grown(*set_aside(problem, self.held_out, rng), streams, rng, watch)
        recipe = self._raced(problem, rng, watch)
        learned = self._learned(problem, range(self.members), streams, recipe)
        return self._mixed(problem, learned, recipe.raced)

    def _grown(
        self,
        problem: Problem,
        held: HeldOut,
        streams: Sequence[np.random.Generator],
        rng: np.random.Generator,
        watch: Watch,
    ) -> Learned:
        """Add members as long as rows held out are told better (M34)."""
        recipe, learned = self._raced(problem, rng, watch), dict[int, Learned]()
        each = len(self.methods) * -(-AT_A_TIME // len(self.methods))
        for start in range(0, self.members, each):
            some = range(start, min(start + each, self.members))
            before = learned
            learned = before | self._learned(problem, some, streams, recipe)
            if watch.over() or not held.still_gains(before, learned):
                break
        joined = replace(self, members=some.stop)._mixed(problem, learned, recipe.raced)
        words = f"{some.stop} of at most {self.members} were learned, from rows that are not aside"
        density = float(np.mean(held.densities(learned.values())))
        return replace(
            joined,
            explanation=f"{joined.explanation}; {words}",
            diagnostics={**joined.diagnostics, "held_out density": density},
        )

    def _learned(
        self,
        problem: Problem,
        some: range,
        streams: Sequence[np.random.Generator],
        recipe: Recipe,
    ) -> dict[int, Learned]:
        """Learn some of the members: as many as there is time for."""
        modes = self._modes(problem, some, streams, recipe)
        members, tasks = self._tasks(problem, some, streams, modes, recipe.watch)
        found = self._run(tasks, problem, recipe.watch, "members")
        pairs = [
            zip(own, each or [], strict=False) for own, each in zip(members, found, strict=True)
        ]
        return dict(sorted((m, one) for own in pairs for m, one in own))

    def within(self, seconds: float) -> "Ensemble":
        """Return the ensemble with a limit of time."""
        return replace(self, seconds=min(seconds, self.seconds or seconds))

    def _raced(self, problem: Problem, rng: np.random.Generator, watch: Watch) -> Recipe:
        """Race the starts of a network once for all members."""
        open_to = [m for m in self.methods if isinstance(m, AroundModes)]
        if self.members == 1 or not open_to or not isinstance(problem.model.predictor, Network):
            return Recipe(watch=watch)
        return raced(problem, rng, replace(open_to[0].recipe(problem), watch=watch))

    def _modes(
        self,
        problem: Problem,
        some: range,
        streams: Sequence[np.random.Generator],
        recipe: Recipe,
    ) -> dict[int, Mode]:
        """Find the modes of a network that members are learned around, by the first of them."""
        if not isinstance(problem.model.predictor, Network):
            return {}
        finding = replace(recipe, watch=recipe.watch.share(OF_TRAINING))
        firsts = [m for m in some if self._found_by(m, problem) == m]
        tasks: list[Callable[[], Mode | None]] = []
        for k in firsts:
            own = self._method(k)
            assert isinstance(own, AroundModes)
            ready = own.recipe(problem).started_as(finding).turn(k // len(self.methods))
            task = partial(find_mode, problem, streams[k], ready)
            tasks.append(task if not tasks else partial(_in_time, task, finding.watch))
        found = dict(zip(firsts, self._run(tasks, problem, recipe.watch, "modes"), strict=True))
        return {
            m: mode
            for m in some
            if (by := self._found_by(m, problem)) is not None and (mode := found[by]) is not None
        }

    def _found_by(self, member: int, problem: Problem) -> int | None:
        """Return the first member of a turn that finds its mode as this one does."""
        own, turns = self._method(member), len(self.methods)
        if not isinstance(own, AroundModes):
            return None
        for k in range(member - member % turns, member):
            other = self._method(k)
            if not isinstance(other, AroundModes):
                continue
            if other.recipe(problem).finds_as(own.recipe(problem)):
                return k
        return member

    def _method(self, member: int) -> Method:
        return self.methods[member % len(self.methods)]

    def _tasks(
        self,
        problem: Problem,
        some: range,
        streams: Sequence[np.random.Generator],
        modes: Mapping[int, Mode],
        watch: Watch,
    ) -> tuple[list[list[int]], list[Callable[[], list[Learned] | None]]]:
        """Return which members are learned together, and how; in their order.

        What is learned together does not depend on the number of threads, or answers would.
        """
        members: list[list[int]] = []
        tasks: list[Callable[[], list[Learned] | None]] = []
        for method in dict.fromkeys(self.methods):
            own = [m for m in some if self._method(m) == method]
            around = method if modes and isinstance(method, AroundModes) else None
            if around is not None:
                own = [m for m in own if m in modes]
            size = 1 if around is None else around.at_once
            for part in (list(own[i : i + size]) for i in range(0, len(own), size)):
                rngs = [streams[m] for m in part]
                task: Callable[[], list[Learned]] = partial(_alone, problem, method, rngs)
                if around is not None:
                    starts = [modes[m] for m in part]
                    task = partial(around.around, problem, starts, rngs, watch)
                members.append(part)
                tasks.append(task if not tasks else partial(_in_time, task, watch))
        return members, tasks

    def _run[T](
        self, tasks: list[Callable[[], T]], problem: Problem, watch: Watch, what: str
    ) -> list[T]:
        """Run tasks in threads, and count them on a terminal."""
        if not tasks:
            return []
        with counting(what, len(tasks), self.progress) as look:
            return side_by_side(tasks, self._at_a_time(problem), watch, look)

    def _mixed(
        self, problem: Problem, learned: Mapping[int, Learned], told: Mapping[str, float]
    ) -> Learned:
        """Return the mixture, and say what there was no time for."""
        found = mixed(problem, {k: (self._method(k), one) for k, one in learned.items()}, told)
        late = self.members - len(learned)
        if late == 0:
            return found
        words = f"{late} of {self.members} had no time within {self.seconds:g} seconds"
        return replace(found, explanation=f"{found.explanation}; {words}")


def _alone(
    problem: Problem, method: Method, streams: Sequence[np.random.Generator]
) -> list[Learned]:
    """Learn members from the start."""
    return [method.learn(problem, own) for own in streams]


def _in_time[T](task: Callable[[], T], watch: Watch) -> T | None:
    """Do it unless time is over."""
    return None if watch.over() else task()
