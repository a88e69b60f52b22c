"""Every argument of every declared part: what cannot be one is refused by name, never kept."""

from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

import numpy as np
import pytest

import bayesml as bm

FOUND = ("bayesml.results", "bayesml.posteriors", "bayesml.data")

PARTS = [
    part
    for part in map(bm.__dict__.__getitem__, bm.__all__)
    if isinstance(part, type) and is_dataclass(part) and not part.__module__.startswith(FOUND)
]

NEVER: dict[str, Any] = {
    "object": object(),
    "bytes": b"a",
    "complex": 1j,
    "class": bm.Gaussian,
    "data": bm.Data([[0.0], [1.0]], [0.0, 1.0]),
    "matrix of text": np.array([["a"]]),
}
"""What no argument of any part may be."""

SELDOM: dict[str, Any] = {
    "text": "a",
    "negative": -1,
    "zero": 0,
    "nan": float("nan"),
    "inf": float("inf"),
    "true": True,
    "list": [],
    "array": np.ones(3),
    "matrix": np.ones((2, 2)),
    "huge": 10**30,
    "beyond float": 10**400,
    "fraction": -0.5,
    "names": ("a",),
    "mapping": {},
    "mapping of texts": {"x": "a"},
    "none": None,
    "numpy": np.int64(3),
    "float32": np.float32(0.5),
    "likelihood": bm.Gaussian(),
    "prior": bm.Normal(0, 1),
}
"""What some arguments may be."""

ARGUMENTS = [(part, field) for part in PARTS for field in fields(part) if field.init]


NEEDED: dict[str, Any] = {
    "likelihood": bm.Gaussian(),
    "count_likelihood": bm.Poisson(),
    "names": ("x",),
    "factor": [[1.0]],
    "mean": [0.0],
    "units": bm.NormalByPrecision(("x",), [0.0], [[1.0]]),
    "groups": {},
    "scales": {},
    "excess": bm.Gamma(2.0),
    "covariance": [[1.0]],
}
"""What arguments without a default are while another is asked for; 1 where not named here.

Were one of these refused, no value of the other would ever be looked at.
"""


def attempt(part: Any, field: Field[Any], value: Any) -> Any:
    """Make a part with one argument as given, and good ones for others that it needs."""
    others = {
        other.name: NEEDED.get(other.name, 1.0)
        for other in fields(part)
        if other.default is MISSING and other.default_factory is MISSING
    }
    return part(**{**others, field.name: value})


@pytest.mark.parametrize(
    ("part", "field"),
    [pytest.param(part, field, id=f"{part.__name__}-{field.name}") for part, field in ARGUMENTS],
)
def test_an_argument_is_kept_or_refused_by_name(part: Any, field: Field[Any]) -> None:
    said = []
    for value in SELDOM.values():
        try:
            repr(attempt(part, field, value))
        except bm.BayesmlError as error:
            said.append(str(error))
    assert all(part.__name__ in text or field.name in text for text in said)
    for kind, value in NEVER.items():
        with pytest.raises(bm.BayesmlError, match=rf"\b{field.name}\b"):
            pytest.fail(f"{kind} was taken: {attempt(part, field, value)!r}")


def test_no_intercept_by_any_name_of_false() -> None:
    assert not bm.Linear(intercept=np.False_).has_intercept  # type: ignore[arg-type]
    with pytest.raises(bm.IncompatibleModelError, match="True, False or None, got 0"):
        bm.Linear(intercept=0)  # type: ignore[arg-type]
