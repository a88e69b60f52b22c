"""Microcanonical Langevin sampling of a network, warm-started from the modes of an ensemble."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from bayesml.errors import IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.inference.laplace import refuse_unsuited
from bayesml.inference.networks.compare import rows_to_compare
from bayesml.inference.networks.density import Density, density_of
from bayesml.inference.networks.microcanonical import Run, Schedule, run
from bayesml.inference.networks.mode import Recipe, find_mode, notes_of
from bayesml.model import Problem
from bayesml.optimizers.settings import check_count, check_fraction, check_positive
from bayesml.posteriors import SampledPosterior
from bayesml.predictors import flat
from bayesml.typing import Array


@dataclass(frozen=True)
class Langevin:
    r"""Sample a network's posterior by microcanonical Langevin dynamics (M15, M16).

    Every chain starts at a mode of its own, found as by `Laplace`, in coordinates whitened by the
    curvature there. Weights and noise move together; the prior precisions are drawn exactly
    given the weights between steps (M17). There is no accept step: the step size holds the
    error in energy at a target, which bounds the bias.

    Chains do not meet: each explores the surroundings of its mode, and the answer is their equal
    mixture, as an ensemble's is. So R̂ between chains, which asks whether they forgot where they
    started, is not judged; what is judged is the number of independent draws within chains, and
    whether their functions agree on the training rows (see docs/theory/network.md).

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

    Raises
    ------
    IncompatibleModelError
        If a setting is out of range, or at fit if the predictor is not a network.

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

    def __post_init__(self) -> None:
        check_count(self, "chains", "steps", "thin")
        check_fraction(self, "warmup")
        check_positive(self, "energy")
        if self.steps * (1 - self.warmup) < 4 * self.thin:
            raise IncompatibleModelError(
                f"{self!r} keeps fewer than four draws a chain: take more steps, or a smaller thin."
            )

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Find the modes, and sample around them."""
        refuse_unsuited(problem, "Langevin()")
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            streams = rng.spawn(self.chains)
            modes = list(pool.map(lambda own: find_mode(problem, own, Recipe()), streams))
        density = density_of(modes)
        precision = np.array([mode.scales.precision for mode in modes])
        schedule = Schedule(self.steps, int(self.warmup * self.steps), self.thin, 10, self.energy)
        with _watching(self.steps, self.progress) as watch:
            sampled = run(density, precision, schedule, rng, watch)
        posterior = posterior_of(problem, density, sampled)
        return Learned(
            posterior,
            problem.model,
            f"microcanonical Langevin, {self.chains} chains of {self.steps} steps from modes by "
            f"{modes[0].reason}",
            "the sampler does not compute it. Laplace() approximates it.",
            {
                "energy_variance": float(sampled.energy_variance.max()),
                "refused_steps": float(sampled.refused.max()),
                "step_size": float(sampled.step_size.mean()),
                **exploration(posterior.compared.values),
            },
            notes_of(modes),
        )


def posterior_of(problem: Problem, density: Density, sampled: Run) -> SampledPosterior:
    """Return the draws by name, the noise and prior scales among them."""
    p, shapes = density.p, density.examples.shapes
    chains: dict[str, Array] = dict(flat.split(sampled.positions[..., :p], shapes))
    for k, name in enumerate(density.hyperprior.noise_priors, start=p):
        chains[name] = np.exp(sampled.positions[..., k])
    if density.hyperprior.prior.learned:
        chains["prior_sd"] = sampled.precisions**-0.5
    model, at = problem.model, rows_to_compare(problem)
    return SampledPosterior(model.predictor, model.likelihood, chains, problem.known, at, True)


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
