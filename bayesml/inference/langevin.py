"""Microcanonical Langevin sampling, warm-started from modes."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from bayesml.arguments import (
    as_float,
    check_count,
    check_flag,
    check_fraction,
    check_optional,
    check_positive,
    require_memory,
)
from bayesml.errors import IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.inference.elsewhere import refuse_unread
from bayesml.inference.groups import in_place_of
from bayesml.inference.laplace import refuse_flat_network
from bayesml.inference.networks.density import DAMPING, Density, density_of
from bayesml.inference.networks.functions import rows_to_compare, unlearned
from bayesml.inference.networks.microcanonical import Run, RunLayout, run_chains
from bayesml.inference.networks.mode import Mode, Recipe, notes_of
from bayesml.inference.networks.race import raced
from bayesml.inference.networks.search import find_mode
from bayesml.inference.networks.settings import Start, Training, check_start
from bayesml.inference.networks.watch import Watch, side_by_side
from bayesml.inference.peak import Peak, find_peak
from bayesml.model import Problem
from bayesml.posteriors import SampledPosterior
from bayesml.predictors import Network
from bayesml.typing import Array

AT_ONCE = 8
"""Answers whose chains are sampled together: what a step costs beside them is shared."""

AT_ROWS = 10
"""Rows at which it is asked whether there are draws enough."""


@dataclass(frozen=True)
class Langevin:
    r"""Sample a posterior by microcanonical Langevin dynamics (M15, M16).

    Every chain starts at a mode, found as by `Laplace`, in coordinates whitened by the curvature
    there. Weights and noise move together; a network's prior precisions are drawn exactly given
    the weights between steps (M17). There is no accept step: the step size holds the error in
    energy at a target, which bounds the bias. With few parameters that bias is larger than NUTS
    has any of: a few per cent of a standard deviation. It is made for networks.

    Chains of a network do not meet: each explores the surroundings of its mode, and the answer is
    their equal mixture, as an ensemble's is. So R̂ between chains, which asks whether they forgot
    where they started, is not judged; what is judged is the number of independent draws within
    chains, and whether their functions agree on the training rows (see docs/theory/network.md).

    Parameters
    ----------
    chains : int
        Modes to start from, sampled in one batched computation.
    steps : int
        Gradients a chain.
    warmup : float
        Share of the steps that are left out.
    thin : int
        Steps between the draws that are kept.
    energy : float
        Variance of the energy error per dimension.
    progress : bool
        Whether to show a bar.
    start : Start or None
        Where the training of a network's modes starts; None races two, as `Training` does.
    ess : float or None
        Effective sample size of a network's function values, a chain, at which sampling ends
        before `steps`; None takes all steps.

    Raises
    ------
    IncompatibleModelError
        If a setting is out of range; at fit, if there is one parameter, or rows are not in memory.

    References
    ----------
    Robnik, De Luca, Silverstein & Seljak (2023), Microcanonical Hamiltonian Monte Carlo, §3-4;
    Sommer et al. (2025), Microcanonical Langevin Ensembles.

    Examples
    --------
    >>> Langevin(chains=3).steps
    10000
    """

    chains: int = 4
    steps: int = 10_000
    warmup: float = 0.3
    thin: int = 20
    energy: float = 0.02
    progress: bool = False
    start: Start | None = None
    ess: float | None = None

    def __post_init__(self) -> None:
        check_count(self, "chains", "steps", "thin")
        check_fraction(self, "warmup")
        check_positive(self, "energy")
        check_flag(self, "progress")
        check_optional(self, "ess", "no limit")
        check_start(self)
        if as_float(self.steps) * (1 - self.warmup) < 4 * as_float(self.thin):
            raise IncompatibleModelError(
                f"{self!r} keeps fewer than four draws a chain: take more steps, or a smaller thin."
            )

    @property
    def at_once(self) -> int:
        """Chains of so many answers are sampled in one computation."""
        return AT_ONCE

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Find the modes, and sample around them."""
        if problem.grouped is not None:
            raise IncompatibleModelError(
                "Langevin() starts from modes, of which effects of groups have none. Use "
                f"{in_place_of(problem)}."
            )
        self._check(problem, 1)
        if not isinstance(problem.model.predictor, Network):
            refuse_unread(problem, "Langevin()")
            peaks = [find_peak(problem, own) for own in rng.spawn(self.chains)]
            notes = tuple(dict.fromkeys(note for peak in peaks for note in peak.notes))
            precision, found = np.zeros((self.chains, 0)), "L-BFGS, then Newton"
            around = Around(density_at(peaks), precision, found, {}, notes)
            return self._sampled(problem, around, 1, rng, Watch())[0]
        streams = rng.spawn(self.chains)
        recipe = raced(problem, rng, self.recipe(problem))
        tasks = [partial(find_mode, problem, own, recipe.turn(k)) for k, own in enumerate(streams)]
        modes = side_by_side(tasks, os.cpu_count() or 1, recipe.watch)
        return self._sampled(problem, around_modes(modes), 1, rng, recipe.watch)[0]

    def around(
        self,
        problem: Problem,
        modes: Sequence[Mode],
        streams: Sequence[np.random.Generator],
        watch: Watch,
    ) -> list[Learned]:
        """Sample around every mode, all chains in one computation."""
        self._check(problem, len(modes))
        each = [mode for mode in modes for _ in range(self.chains)]
        return self._sampled(problem, around_modes(each), len(modes), streams[0], watch)

    def _check(self, problem: Problem, answers: int) -> None:
        draws, chains = self.steps // self.thin, answers * self.chains
        require_memory(
            4.0 * chains * draws * problem.size,
            f"{chains:,} chains of {draws:,} draws of {problem.size:,} parameters",
            "take fewer steps, or a larger thin",
        )

    def _sampled(
        self,
        problem: Problem,
        around: "Around",
        answers: int,
        rng: np.random.Generator,
        watch: Watch,
    ) -> list[Learned]:
        """Sample around the modes, and divide the chains between the answers."""
        layout = RunLayout(self.steps, int(self.warmup * self.steps), self.thin, 10, self.energy)
        density = around.density

        def enough(positions: Array) -> bool:
            least = self.ess
            return least is not None and explored(problem, density, positions) >= least

        with _watching(self.steps, self.progress) as told:
            run = run_chains(density, around.precision, layout, rng, watch, enough, told)
        parts = [slice(k * self.chains, (k + 1) * self.chains) for k in range(answers)]
        return [self._learned(problem, around, run.of(part)) for part in parts]

    def _learned(self, problem: Problem, around: "Around", run: Run) -> Learned:
        posterior = posterior_of(problem, around.density, run)
        return Learned(
            posterior,
            problem.model,
            f"microcanonical Langevin, {self.chains} chains of {run.steps} steps from modes by "
            f"{around.found}",
            "the sampler does not compute it. Laplace() approximates it.",
            {
                "energy_variance": float(run.energy_variance.max()),
                "refused_steps": float(run.refused.max()),
                "step_size": float(run.step_size.mean()),
                **around.told,
                **(exploration(posterior.compared.values) if posterior.separate else {}),
                **(unlearned(problem, posterior) if posterior.separate else {}),
            },
            around.notes,
        )

    def recipe(self, problem: Problem) -> Recipe:
        """Return how the modes of a network are found, or refuse a network that has none."""
        refuse_flat_network(problem, "Langevin()")
        return Recipe(training=Training(start=self.start))


@dataclass(frozen=True, eq=False)
class Around:
    """The density around the modes from which chains start, and how these were found."""

    density: Density
    precision: Array
    found: str
    told: Mapping[str, float]
    notes: tuple[str, ...]


def around_modes(modes: Sequence[Mode]) -> Around:
    """Return the density around the modes of a network."""
    precision = np.array([mode.scales.precision for mode in modes])
    first = modes[0]
    return Around(density_of(modes), precision, first.reason, first.raced, notes_of(modes))


def density_at(peaks: Sequence[Peak]) -> Density:
    """Return the density around the modes of any predictor, all coordinates whitened."""
    joint = peaks[0].joint
    if joint.size < 2:
        raise IncompatibleModelError(
            "Langevin() turns directions, of which one parameter has none. Use NUTS()."
        )
    damped = [peak.H + DAMPING * np.eye(joint.size) for peak in peaks]
    P = np.array([np.linalg.inv(np.linalg.cholesky(H)).T for H in damped])
    centres, of = np.array([peak.x for peak in peaks]), np.arange(len(peaks))
    return Density(joint, None, centres, P, of, 1.0)


def explored(problem: Problem, density: Density, positions: Array) -> float:
    """Return the effective sample size of function values, a chain, at a few rows."""
    chains = density.joint.coordinates.named(positions)
    at = rows_to_compare(problem)
    if at is None:
        return 0.0
    eta = np.asarray(problem.model.predictor.eta(chains, at[:: len(at) // AT_ROWS or 1]))
    first = eta if eta.ndim == positions.ndim else eta[0]
    return exploration({"eta": first})["ess_within"] / len(positions)


def posterior_of(problem: Problem, density: Density, sampled: Run) -> SampledPosterior:
    """Return the draws by name, the noise and prior scales among them."""
    chains = density.joint.coordinates.named(sampled.positions)
    if density.scales is not None and density.scales.prior.learned:
        chains["prior_sd"] = sampled.precisions**-0.5
    model, at = problem.model, rows_to_compare(problem)
    apart = isinstance(model.predictor, Network)
    return SampledPosterior(model.predictor, model.likelihood, chains, problem.known, at, apart)


def exploration(compared: Mapping[str, Array]) -> dict[str, float]:
    """Return how far chains explored their modes, and how alike the modes' functions are.

    The effective sample size of a function value is summed over chains, each against its own mean
    alone; of all rows compared, and outputs, the median is taken. The agreement is the smallest
    correlation between the first outputs of two chains, averaged over their draws.
    """
    from arviz_stats.base import array_stats

    sizes = [
        sum(float(array_stats.ess(chain[None, :, row], method="mean")) for chain in eta)
        for eta in compared.values()
        for row in range(eta.shape[-1])
    ]
    functions = next(iter(compared.values())).mean(axis=1)
    out = {"ess_within": float(np.median(sizes))}
    if len(functions) > 1:
        out["agreement"] = float(np.min(np.corrcoef(functions)))
    return out


@contextmanager
def _watching(steps: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """Give what to call at every step: a bar's advance, or nothing."""
    if not shown:
        yield lambda step: None
        return
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task("microcanonical Langevin", total=steps)
        yield lambda step: bar.update(task, completed=step + 1)
