"""The default method: exact where that exists, sampled otherwise."""

from dataclasses import dataclass, replace

import numpy as np

from bayesml.inference.base import Learned
from bayesml.inference.exact import Exact, obstacle
from bayesml.inference.nuts import NUTS
from bayesml.model import Problem


@dataclass(frozen=True)
class Auto:
    """The exact posterior where mathematics allows it, otherwise NUTS; the result says which.

    Parameters
    ----------
    otherwise : NUTS
        How to sample where there is no exact answer.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
    >>> bm.fit(bm.Model(), data, bm.Auto()).explanation.split(",")[0]
    'Auto chose Exact(): exact posterior'
    """

    otherwise: NUTS = NUTS()

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Choose, learn, and say why."""
        reason = obstacle(problem)
        if reason is None:
            learned = Exact().learn(problem, rng)
            return replace(learned, explanation=f"Auto chose Exact(): {learned.explanation}")
        learned = self.otherwise.learn(problem, rng)
        why = f"Auto chose NUTS(), since {reason.rstrip('.')}: {learned.explanation}"
        return replace(learned, explanation=why)
