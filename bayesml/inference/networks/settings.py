"""How a network is trained, whatever the optimizer."""

from dataclasses import dataclass

from bayesml.arguments import check_count, check_flag, check_fraction, check_instance
from bayesml.optimizers import check_optimizer


@dataclass(frozen=True)
class Training:
    """Restarts, early stopping and the progress bar of a network's training.

    Parameters
    ----------
    restarts : int
        How many random starts to train from; the best objective is kept.
    held_out : float
        Share of the rows whose likelihood decides when to stop, and which step to keep; 0 for
        none. A network whose scales are learned by evidence does not need it.
    patience : int
        Steps without a better held-out likelihood before training stops.
    progress : bool
        Whether to show a bar with the loss.

    Raises
    ------
    IncompatibleModelError
        If a number is out of range.

    Examples
    --------
    >>> Training(held_out=0.1).patience
    25
    """

    restarts: int = 1
    held_out: float = 0.0
    patience: int = 25
    progress: bool = False

    def __post_init__(self) -> None:
        check_count(self, "restarts", "patience")
        check_fraction(self, "held_out")
        check_flag(self, "progress")


def check_training(owner: object) -> None:
    """Refuse the settings of a method that trains: its optimizer and its `Training`."""
    check_optimizer(owner)
    check_instance(owner, "training", Training, "Training(restarts=3)")
