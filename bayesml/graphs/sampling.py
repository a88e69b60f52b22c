"""PyMC's samplers on models of ours."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.samplers import STATISTICS
from bayesml.typing import Array

if TYPE_CHECKING:
    import pymc
    import xarray as xr

OF_PYMC = {
    name: name
    for name in (
        *("diverging", "energy", "lp", "n_steps", "step_size", "tree_depth"),
        *("acceptance_rate", "reached_max_treedepth"),
    )
}
"""Sampler statistics of PyMC's own sampler, whose names are ArviZ's."""

Drawn = tuple[dict[str, Array], dict[str, Array]]
"""Variables by name, and sampler statistics in ArviZ's names, shape (chain, draw, ...)."""


def sample_compiled(
    model: "pymc.Model",
    *,
    draws: int,
    tune: int,
    chains: int,
    target_accept: float,
    max_depth: int,
    seed: int,
    progress: bool,
) -> Drawn:
    """Sample a PyMC model with ``pm.sample`` on nutpie; checking is for the caller."""
    import pymc as pm

    tree = pm.sample(
        draws=draws,
        tune=tune,
        chains=chains,
        random_seed=seed,
        progressbar=progress,
        nuts_sampler="nutpie",
        nuts={"target_accept": target_accept, "max_treedepth": max_depth},
        compile_kwargs={"freeze_model": True},
        compute_convergence_checks=False,
        model=model,
    )
    return drawn_of(tree, STATISTICS)


def sample_uncompiled(
    model: "pymc.Model",
    *,
    draws: int,
    tune: int,
    chains: int,
    target_accept: float,
    max_depth: int,
    seed: int,
    progress: bool,
) -> Drawn:
    """Sample a PyMC model with PyMC's own sampler on a graph that Python walks through."""
    import pymc as pm
    from pytensor.compile.mode import Mode

    with model, np.errstate(all="ignore"):  # what is not finite is a divergence, and is counted
        step = pm.NUTS(
            target_accept=target_accept,
            max_treedepth=max_depth,
            compile_kwargs={"mode": Mode("py", "fast_compile")},
        )
        tree = pm.sample(
            draws=draws,
            tune=tune,
            chains=chains,
            cores=1,
            step=step,
            random_seed=seed,
            progressbar=progress,
            compute_convergence_checks=False,
            compile_kwargs={"mode": Mode("py", "fast_compile")},
        )
    return drawn_of(tree, OF_PYMC)


def drawn_of(tree: "xr.DataTree", names: Mapping[str, str]) -> Drawn:
    """Return the draws and the sampler statistics of a DataTree."""
    found: Any = tree["sample_stats"].data_vars
    statistics = {ours: np.asarray(found[n]) for n, ours in names.items() if n in found}
    return {str(k): np.asarray(v) for k, v in tree["posterior"].data_vars.items()}, statistics
