"""How a network is trained, whatever the optimizer."""

from dataclasses import dataclass, replace

from bayesml.arguments import (
    check_count,
    check_flag,
    check_fraction,
    check_instance,
    check_positive,
    check_real,
)
from bayesml.optimizers import check_optimizer


@dataclass(frozen=True)
class Start:
    r"""What is assumed of the scales of a network before they are learned (M30).

    Parameters
    ----------
    precision : float
        Of every group of weights whose scale is learned, in the network's own units.
    noise : float
        Spread of the noise, as a share of the target's standard deviation.
    foreseen : float or None
        Log density a row that training should reach, from rows held out; where it falls short, it
        begins again. None asks for nothing.
    gain : float or None
        Standard errors by which rows held out were told better than by a linear model; None where
        there was no race.
    other : Start or None
        Another one that rows held out tell neither better nor worse: chains, or members of an
        ensemble, take turns between both.

    Raises
    ------
    IncompatibleModelError
        If a number is not positive.

    Examples
    --------
    >>> Start(precision=0.1, noise=0.3).noise
    0.3
    """

    precision: float = 1.0
    noise: float = 1.0
    foreseen: float | None = None
    gain: float | None = None
    other: "Start | None" = None

    def __post_init__(self) -> None:
        check_positive(self, "precision", "noise")
        for name in ("foreseen", "gain"):
            if getattr(self, name) is not None:
                check_real(self, name)
        if self.other is not None:
            check_instance(self, "other", Start, "Start(precision=0.1, noise=0.3), or None")

    def turn(self, k: int) -> "Start":
        """Return what the k-th chain or member starts from."""
        if self.other is None or k % 2 == 0:
            return self
        return replace(self.other, foreseen=self.foreseen, gain=self.gain)


CALM, FREE = Start(), Start(precision=0.1, noise=0.3)
"""All is noise until shown otherwise; and most is signal, of weights that may be large."""


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
    start : Start or None
        What is assumed of scales that are learned by evidence, at the start. None trains from each
        of two starts on a part of the rows, and takes the one that predicts the others better, or
        both in turn.

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
    start: Start | None = None

    def __post_init__(self) -> None:
        check_count(self, "restarts", "patience")
        check_fraction(self, "held_out")
        check_flag(self, "progress")
        check_start(self)


def check_start(owner: object) -> None:
    """Refuse a start of training that is none; None is the method's own."""
    if vars(owner)["start"] is not None:
        check_instance(owner, "start", Start, "Start(precision=0.1, noise=0.3), or None")


def check_training(owner: object) -> None:
    """Refuse the settings of a method that trains: its optimizer and its `Training`."""
    check_optimizer(owner)
    check_instance(owner, "training", Training, "Training(restarts=3)")
