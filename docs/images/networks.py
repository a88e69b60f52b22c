"""Draw docs/images/networks.png: a one-dimensional fit by every method for networks."""

import warnings
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import bayesml as bm

METHODS = {
    "MAP": bm.MAP(),
    "last layer": bm.Laplace(curvature=bm.LastLayer()),
    "Laplace": bm.Laplace(),
    "ensemble of 8 MAPs": bm.Ensemble(8, bm.MAP()),
    "ensemble of 8 Laplaces": bm.Ensemble(8, bm.Laplace()),
    "microcanonical Langevin": bm.Langevin(chains=8, steps=6000),
}


def main() -> None:
    """Fit two clusters of points with a gap between them, and draw ±2 sd of both kinds."""
    warnings.simplefilter("ignore", bm.ConvergenceWarning)
    rng = np.random.default_rng(4)
    x = np.concatenate([rng.uniform(-2, -0.6, 40), rng.uniform(0.6, 2, 40)])
    y = np.sin(2.5 * x) + 0.15 * rng.normal(size=len(x))
    data, grid = bm.Data(x[:, None], y), np.linspace(-4, 4, 241)
    model = bm.Model(bm.MLP(hidden=(20,)), bm.Gaussian())
    figure = Figure(figsize=(11, 6), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey=True).ravel()
    for panel, (title, method) in zip(panels, METHODS.items(), strict=True):
        p = bm.fit(model, data, method, rng=1).predict(grid[:, None])
        for sd, colour, label in (
            (p.sd, "tab:blue", "± 2 sd of a new observation"),
            (p.epistemic_sd, "tab:orange", "± 2 sd of the mean: epistemic"),
        ):
            band = (p.mean - 2 * sd, p.mean + 2 * sd)
            panel.fill_between(grid, *band, color=colour, alpha=0.3, lw=0, label=label)
        panel.plot(grid, p.mean, color="black", lw=1)
        panel.plot(x, y, "k.", ms=3)
        gap = p.epistemic_sd[np.abs(grid) < 0.1].mean()
        inside, outside = np.interp([1.2, 4.0], grid, p.epistemic_sd)
        panel.set_title(title, fontsize=10)
        note = f"epistemic sd: data {inside:.2f}, gap {gap:.2f}, off {outside:.2f}"
        panel.text(0.02, 0.02, note, transform=panel.transAxes, fontsize=8)
    panels[0].set_ylim(-4, 4)
    figure.supxlabel("x", fontsize=10)
    figure.supylabel("y", fontsize=10)
    panels[0].legend(fontsize=8, loc="upper left")
    figure.savefig(Path(__file__).with_name("networks.png"), dpi=110)


if __name__ == "__main__":
    main()
