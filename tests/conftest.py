"""What every test gets: pictures drawn off screen, seeded randomness, the penguins."""

import os
from pathlib import Path

# Before anything imports matplotlib, and inherited by the examples, which run as subprocesses.
os.environ["MPLBACKEND"] = "agg"
# Inherited by the processes of xdist and by examples: small products gain nothing by threads.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of this test's own: no test depends on which others ran."""
    return np.random.default_rng(20260101)


@pytest.fixture
def penguins() -> pd.DataFrame:
    """All 344 rows, missing values included, in a frame that the test may change."""
    return pd.read_csv(REPOSITORY / "examples" / "data" / "penguins.csv")
