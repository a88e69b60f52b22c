"""The default method: exact where that exists, sampled or approximated where not."""

from dataclasses import dataclass, replace

import numpy as np

from bayesml.inference.base import Learned, Method
from bayesml.inference.ensemble import Ensemble
from bayesml.inference.exact import Exact, obstacle
from bayesml.inference.gibbs import Gibbs, not_gibbs
from bayesml.inference.langevin import Langevin
from bayesml.inference.laplace import Laplace
from bayesml.inference.nuts import NUTS, unread
from bayesml.model import Problem
from bayesml.predictors import HasJacobian, Network

MIXTURE = Ensemble(12, (Laplace(), Langevin(chains=1, steps=4000)))


@dataclass(frozen=True)
class Auto:
    """The exact posterior where mathematics allows it, otherwise NUTS; the result says which.

    Sparse priors such as `Horseshoe` in a linear Gaussian model are sampled by `Gibbs`.

    NUTS reads every row some ten thousand times. Where these stay in files or partitions, `Laplace`
    reads them a few dozen times instead, and its audit says whether a Gaussian was good enough.
    NUTS takes minutes for a network and mixes badly between its modes, so that networks are
    learned by a mixture of modes and of chains around modes, which predicted better than either
    on rows held out.

    Parameters
    ----------
    otherwise : NUTS
        How to sample where there is no exact answer.
    network : Method
        How to learn a network.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
    >>> bm.fit(bm.Model(), data, bm.Auto()).explanation.split(",")[0]
    'Auto chose Exact(): exact posterior'
    """

    otherwise: NUTS = NUTS()
    network: Method = MIXTURE

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Choose, learn, and say why."""
        method = self.choice(problem)
        learned = method.learn(problem, rng)
        name, where = type(method).__name__, None if method is self.network else unread(problem)
        reasons = [reason.rstrip(".") for reason in (obstacle(problem), where) if reason]
        given = ", and ".join(reasons)
        why = f", since {given}" if given else ""
        return replace(learned, explanation=f"Auto chose {name}(){why}: {learned.explanation}")

    def resume(self, problem: Problem, earlier: Learned, draws: int, seed: int) -> Learned:
        """Go on sampling, where sampling was the choice."""
        return self.otherwise.resume(problem, earlier, draws, seed)

    def choice(self, problem: Problem) -> Method:
        """Return the method for a problem."""
        predictor = problem.model.predictor
        if isinstance(predictor, Network):
            return self.network
        if obstacle(problem) is None:
            return Exact()
        if not_gibbs(problem) is None:
            return Gibbs()
        few_passes = unread(problem) is not None and isinstance(predictor, HasJacobian)
        return Laplace() if few_passes else self.otherwise
