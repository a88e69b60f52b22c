"""Data on which identities are proved: made ones, and the penguins."""

from typing import Any

import numpy as np
import pandas as pd

import bayesml as bm
from tests.conftest import REPOSITORY

Case = tuple[str, bm.Data]


def made(m: int = 60, n: int = 3, seed: int = 5) -> bm.Data:
    """Correlated columns in wildly different units, away from the origin."""
    rng = np.random.default_rng(seed)
    scale = 10.0 ** np.arange(n) / 10
    X = (rng.normal(size=(m, n)) @ (np.eye(n) + 0.5) + 3.0) * scale
    y = 4.0 + X @ (np.arange(1, n + 1) / scale) + 2.0 * rng.standard_normal(m)
    return bm.Data(X, y)


def penguins() -> bm.Data:
    """Body mass by flipper, bill, species and sex; complete rows."""
    frame = pd.read_csv(REPOSITORY / "examples" / "data" / "penguins.csv").dropna()
    formula = "body_mass_g ~ flipper_length_mm + bill_depth_mm + species + sex"
    data = bm.Data.from_formula(formula, frame)
    return bm.Data(data.X, data.y, feature_names=data.feature_names)


def with_ones(data: bm.Data) -> np.ndarray[Any, Any]:
    """[1 X], as textbooks have it."""
    return np.column_stack([np.ones(data.m), data.X])


def estimates(fit: bm.Fit) -> np.ndarray[Any, Any]:
    """Intercept and weights."""
    return fit.summary()["mean"].to_numpy()[: fit.data.n + 1]


CASES = {"made": made(), "penguins": penguins()}
