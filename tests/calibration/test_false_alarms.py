"""A right model is rarely doubted: small settings of the benchmark, with the binomial's limit."""

from collections import Counter

import pytest
from scipy import stats

from tests.benchmarks.false_alarms import SETTINGS, doubts

SETS = 50
CHECK, ANY = 0.02, 0.05
"""What the benchmark's thousands of fits stay below, of one check and of any."""


def most(share: float) -> int:
    """Return the count that is passed once in ten thousand times."""
    return int(stats.binom.ppf(0.9999, SETS, share))


@pytest.mark.parametrize(
    "name",
    [
        "Gaussian normal, 12 × 8",
        "Gaussian t3, 30 × 3",
        "Gaussian in_order, 30 × 3",
        "priors true, sd 0.05, 12 × 3",
        "counts MAP, 40 × 3",
    ],
)
def test_right_models_are_rarely_doubted(name: str) -> None:
    found = list(doubts(SETTINGS[name], SETS))
    assert sum(map(bool, found)) <= most(ANY)
    for check, count in Counter(c for one in found for c in set(one)).items():
        assert count <= most(CHECK), check
