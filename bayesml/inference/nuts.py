"""The posterior by the No-U-Turn sampler. Described in docs/theory/nuts.md."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bayesml.arguments import check_between, check_count, check_flag, check_instance, require_memory
from bayesml.errors import IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.inference.elsewhere import refuse_unread
from bayesml.inference.engines import Direct, Engine
from bayesml.inference.group_sampling import NO_EVIDENCE, sample_groups
from bayesml.inference.networks.functions import rows_to_compare
from bayesml.inference.propriety import propriety
from bayesml.model import Problem
from bayesml.posteriors import SampledPosterior
from bayesml.typing import Array

RETUNE = 100
"""Draws for the step size when a run is resumed."""

STATISTICS = 16
"""Numbers that a sampler keeps of every draw besides its position."""


@dataclass(frozen=True)
class NUTS:
    r"""Hamiltonian Monte Carlo with path lengths chosen by the No-U-Turn criterion.

    The sampler is nutpie. Convergence is checked here: divergences, tree depth, energy, R̂ and
    effective sample sizes. Ctrl-C returns the draws so far, marked as interrupted.

    Parameters
    ----------
    draws, tune : int
        Draws kept and draws for adaptation, per chain.
    chains : int
        At least two, or their agreement cannot be checked.
    target_accept : float
        Higher takes smaller steps: 0.95 or 0.99 against divergences.
    max_depth : int
        At most 2^max_depth steps a draw.
    progress : bool
        Whether to show progress on a terminal.
    engine : Engine
        What evaluates the log density: ``Direct()``, the package's own, which needs no
        compilation, or ``PyMC()``, the exported PyMC model by ``pm.sample``.

    Raises
    ------
    IncompatibleModelError
        If a setting is out of range.
    ImproperPosteriorError
        At fit, if the posterior is known not to exist.

    References
    ----------
    Hoffman & Gelman (2014), The No-U-Turn Sampler, algorithm 6.

    Examples
    --------
    >>> NUTS(draws=500, chains=2).tune
    1000
    """

    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    target_accept: float = 0.8
    max_depth: int = 10
    progress: bool = True
    engine: Engine = Direct()

    def __post_init__(self) -> None:
        check_count(self, "draws", "tune", "chains", "max_depth")
        check_between(self, "target_accept")
        check_flag(self, "progress")
        check_instance(self, "engine", Engine, "Direct() or PyMC()")

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Sample the posterior."""
        if problem.grouped is not None:
            return sample_groups(problem, self, rng)
        refuse_unread(problem, "NUTS()")
        self._require_memory(problem, self.draws)
        notes = propriety(problem)
        seed = int(rng.integers(2**31))
        drawn = self.engine.sample(problem, self, seed)
        kept = next(iter(drawn.statistics.values())).shape[1]
        how = f"{self.chains} chains of {kept} draws after {self.tune} for tuning, {drawn.how}"
        model, at = problem.model, rows_to_compare(problem)
        stopped = f"Interrupted: {kept} of {self.draws} draws per chain were made."
        return Learned(
            SampledPosterior(model.predictor, model.likelihood, drawn.chains, problem.known, at),
            problem.model,
            how,
            NO_EVIDENCE,
            notes=notes if kept == self.draws else (*notes, stopped),
            sample_stats=drawn.statistics,
            state=drawn.state,
        )

    def _require_memory(self, problem: Problem, draws: int) -> None:
        """Refuse more draws than fit: of the sampler, its statistics, and in the user's units."""
        size = problem.size + STATISTICS
        require_memory(
            3.0 * self.chains * (draws + self.tune) * size,
            f"{self.chains:,} chains of {draws:,} draws of {problem.size:,} parameters",
            "take fewer draws, a few thousand do for most quantities",
        )

    def resume(self, problem: Problem, earlier: Learned, draws: int, seed: int) -> Learned:
        """Go on where a run stopped, and put the draws of both together.

        The metric is kept, and `RETUNE` draws are spent on the step size before draws are kept.
        """
        posterior = earlier.posterior
        if not isinstance(posterior, SampledPosterior) or earlier.state is None:
            raise IncompatibleModelError(
                f"resume: this answer has no state to go on from ({earlier.explanation}). Linear "
                "predictors sampled by NUTS(engine=Direct()) keep one; fit again with more draws."
            )
        if not isinstance(self.engine, Direct):
            raise IncompatibleModelError(f"resume: {self.engine!r} cannot go on; use Direct().")
        settings = replace(self, draws=draws, tune=RETUNE)
        settings._require_memory(problem, draws + next(iter(posterior.chains.values())).shape[1])
        drawn = self.engine.sample(problem, settings, seed, earlier.state)
        notes = propriety(problem)
        chains = _appended(posterior.chains, drawn.chains)
        statistics = _appended(earlier.sample_stats, drawn.statistics)
        made = next(iter(drawn.statistics.values())).shape[1]
        kept = next(iter(statistics.values())).shape[1]
        stopped = f"Interrupted: {made} of {draws} further draws per chain were made."
        return replace(
            earlier,
            posterior=replace(posterior, chains=chains),
            explanation=f"{self.chains} chains of {kept} draws, resumed, {drawn.how}",
            notes=notes if made == draws else (*notes, stopped),
            sample_stats=statistics,
            state=drawn.state,
        )


def _appended(first: Mapping[str, Array], second: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.concatenate([v, second[name]], axis=1) for name, v in first.items()}
