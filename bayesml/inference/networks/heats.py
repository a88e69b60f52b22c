"""What starts of a network led to on parts of the rows, and how they told the others.

Derived in docs/theory/network.md, "Which start".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesml.inference.networks.mode import Mode
from bayesml.inference.networks.settings import CALM, FREE, Start
from bayesml.log_joint import Rows
from bayesml.posteriors import LinearisedPosterior
from bayesml.typing import Array

CLEAR = 2.0
"""Standard errors by which one start is better: else it is the calm one, or both in turn."""

LOWEST = -1e3
"""Log density of a row where training diverged, and of one that was not foreseen at all."""


@dataclass(frozen=True, eq=False)
class Heat:
    """A part of the rows to train on, another to judge by, and what either start led to.

    Attributes
    ----------
    rows, held : Rows
    modes : mapping of Start to sequence of Mode
        One for every set of random weights; none where training diverged.
    linear : Mode
        Of the same network without hidden layers.
    """

    rows: Rows
    held: Rows
    modes: Mapping[Start, Sequence[Mode]]
    linear: Mode

    def best(self, start: Start) -> Mode:
        """Return the best mode from a start, by its evidence."""
        return max(self.modes[start], key=lambda mode: mode.score)

    def densities(self, start: Start) -> Array:
        """Return log densities of the rows held out, as often as they count."""
        if not self.modes[start]:
            return np.full(self.held.m, LOWEST)
        return _densities(self.best(start), self.held)


@dataclass(frozen=True, eq=False)
class Race:
    """Heats of two starts: which won, and by how much (M31)."""

    heats: Sequence[Heat]

    def densities(self, start: Start) -> Array:
        """Return log densities of all rows that were held out."""
        return self._by_start[start]

    @cached_property
    def _by_start(self) -> Mapping[Start, Array]:
        return {
            start: np.concatenate([heat.densities(start) for heat in self.heats])
            for start in self.starts
        }

    @property
    def repeated(self) -> float:
        """The largest share of the rows that are one row, which a predicted scale tells exactly."""
        parts = [(heat.rows, heat.held) for heat in self.heats]
        return float(max(max(r.w.max(), h.w.max()) / (r.weight + h.weight) for r, h in parts))

    @property
    def ends(self) -> Sequence[tuple[Heat, Mode]]:
        """Where training from the start that won ended, of every part on which it did."""
        return [(heat, heat.best(self.won)) for heat in self.heats if heat.modes[self.won]]

    @property
    def missed(self) -> float:
        """Root mean square of what the start that won left of rows held out."""
        left = np.concatenate([_residuals(mode, heat.held) for heat, mode in self.ends])
        return float(np.sqrt(np.mean(left**2)))

    @property
    def density(self) -> float:
        """Log density a row to which training from that start came, the least of all parts.

        Infinite where it ended nowhere on one of them.
        """
        every = len(self.ends) == len(self.heats)
        return min(mode.density for _, mode in self.ends) if every else float("inf")

    @cached_property
    def linear(self) -> Array:
        """Log densities of the same rows by the linear model."""
        return np.concatenate([_densities(heat.linear, heat.held) for heat in self.heats])

    @property
    def starts(self) -> Sequence[Start]:
        """From where it was run."""
        return [*self.heats[0].modes]

    @cached_property
    def won(self) -> Start:
        """The start: the free one alone only where it is clearly better than both in turn."""
        if len(self.starts) == 1:
            return self.starts[0]
        calm, free = self.densities(CALM), self.densities(FREE)
        return FREE if gain(free, np.logaddexp(calm, free) - np.log(2.0)) > CLEAR else CALM

    @property
    def winners(self) -> "Race":
        """The best mode of every heat alone."""
        won = self.won
        return Race(
            [replace(h, modes={won: [h.best(won)] if h.modes[won] else []}) for h in self.heats]
        )

    @cached_property
    def told(self) -> dict[str, float]:
        """How the starts and the linear model predicted, and what the network gained."""
        names = {CALM: "held_out calm", FREE: "held_out free"}
        return {
            **{names[start]: float(np.mean(self.densities(start))) for start in self.starts},
            "held_out linear": float(np.mean(self.linear)),
            "gain_over_linear": gain(self.densities(self.won), self.linear),
        }

    @property
    def start(self) -> Start:
        """The start that won, with what it foresees, and the other unless one is better alone."""
        foreseen = float(np.mean(self.densities(self.won)))
        other = FREE if self._mixed else None
        return replace(self.won, foreseen=foreseen, gain=self.told["gain_over_linear"], other=other)

    @property
    def _mixed(self) -> bool:
        """Whether both starts are to be taken in turn (M31)."""
        if len(self.starts) == 1 or self.won == FREE:
            return False
        calm, free = self.densities(CALM), self.densities(FREE)
        bent = max(gain(calm, self.linear), gain(free, self.linear)) > CLEAR
        return bent and float(free.min()) > LOWEST and gain(calm, free) <= CLEAR


def gain(one: Array, other: Array) -> float:
    """Return by how many standard errors one tells the same rows better than another."""
    differences = one - other
    spread = max(float(np.std(differences)), 1e-9)
    return float(np.mean(differences)) * float(np.sqrt(len(differences))) / spread


def _densities(mode: Mode, held: Rows) -> Array:
    """Return log densities of rows held out, as often as they count."""
    frame, likelihood = mode.setting.rows.frame, mode.setting.rows.likelihood
    posterior = LinearisedPosterior(
        frame.predictor,
        likelihood,
        mode.parameters,
        mode.point.regression(),
        mode.scales.values,
        (),
        held.n,
    )
    density = posterior.predict(held.A).distribution.log_density(held.y)
    return np.maximum(density, LOWEST) * held.w * held.m / held.weight


def _residuals(mode: Mode, held: Rows) -> Array:
    """Return what is left of rows held out, one output."""
    frame = mode.setting.rows.frame
    return np.asarray(held.y - held.under(frame, held.likelihood).eta(mode.x))
