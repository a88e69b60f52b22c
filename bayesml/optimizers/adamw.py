"""Adam with decoupled weight decay (docs/theory/optimisation.md, section "Weight decay")."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from bayesml.arguments import check_instance, check_positive
from bayesml.optimizers.adam import Adam
from bayesml.optimizers.objective import HasWeights, Objective
from bayesml.optimizers.optimizer import Traits
from bayesml.optimizers.state import State, checked_start
from bayesml.optimizers.stopping import Stopping


@dataclass(frozen=True)
class AdamW:
    r"""Step as Adam, and shrink the weights beside the step, not through it (O26).

    .. math:: \theta := \theta - \alpha_t\,\hat m/(\sqrt{\hat v} + \epsilon)
              - \alpha_t \lambda\,\theta

    This is *not* a Normal prior, and where it comes to rest is no posterior mode: the gradient
    there is :math:`-\lambda(\sqrt{\hat v} + \epsilon)\theta`, as if the precision of each weight
    were set by the size of its own gradients (O27). In full batch it is the bound
    :math:`\lVert\theta\rVert_\infty \le 1/\lambda`, with no penalty inside it. So `MAP` refuses it;
    with `MLE` it is a way to stop short of the maximum, and the result says that its gradient does
    not vanish. For weight decay that is a prior, state the prior: ``MAP(Adam())`` with
    ``Layered(sd=...)``.

    Parameters
    ----------
    weight_decay : float
        λ. Only weights decay: where an objective also has other coordinates, such as the log of
        σ, these do not.
    adam : Adam
        Rates, memories, batches and the schedule, which multiplies both parts of the step.

    Raises
    ------
    IncompatibleModelError
        If λ is not positive; `Adam` is AdamW at zero.

    References
    ----------
    Loshchilov & Hutter (2019), Decoupled weight decay regularization, algorithm 2;
    Xie & Li (2024), Implicit bias of AdamW: ℓ∞ norm constrained optimization, theorem 1.1.

    Examples
    --------
    >>> from bayesml.optimizers import minimize
    >>> class Bowl:
    ...     def value(self, x):
    ...         return self.value_and_gradient(x)[0]
    ...
    ...     def value_and_gradient(self, x):
    ...         return 0.5 * float(x @ x) - 3.0 * float(x.sum()), x - 3.0
    >>> minimize(AdamW(weight_decay=0.5), Bowl(), [0.0]).x.round(2)  # at 1/λ, not at 3
    array([2.])
    """

    weight_decay: float = 0.01
    adam: Adam = field(default_factory=Adam)

    def __post_init__(self) -> None:
        check_positive(self, "weight_decay")
        check_instance(self, "adam", Adam, "Adam(learning_rate=0.01)")

    @property
    def stopping(self) -> Stopping:
        """The rule that ends a run."""
        return Stopping(repr(self), self.adam.tolerance, self.adam.max_iterations)

    @property
    def traits(self) -> Traits:
        """Those of Adam, and that weights decay."""
        return replace(self.adam.traits, decays=True)

    def steps(
        self, objective: Objective, start: ArrayLike, *, rng: np.random.Generator | None = None
    ) -> Iterator[State]:
        """Yield the start and the state after each pass over the data."""
        x = checked_start(start)
        decay = np.full_like(x, self.weight_decay)
        if isinstance(objective, HasWeights):
            decay *= objective.decays
        return self.adam.decayed_steps(objective, x, decay, rng)
