"""What a formula may ask for is found out before any of it is evaluated."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from bayesml.results.checksums import checksum_of_text

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(40, 6)), columns=list("abcdey"))
DEEP = "(a + b + c + d + e)"


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("y ~ {9**9**9**9}", r"'9 \*\* 9 \*\* 9' is a whole number beyond 64 bits"),
        ("y ~ {a * 10**10**8}", "beyond 64 bits; write it as a decimal"),
        ("y ~ {a * 2**64}", "beyond 64 bits"),
        ("y ~ {a * -(2**40 * 2**40)}", "beyond 64 bits"),
        ("y ~ {a * (1 << 10**9)}", "beyond 64 bits"),
        ("y ~ {a * (0 or 9)**9**9}", "beyond 64 bits"),
        ("y ~ {a * (9 if a else 1)**9**9}", "beyond 64 bits"),
        ("y ~ {(a > 0) * 10**9**9}", "beyond 64 bits"),
        ("y ~ np.power(10**300, a)", "beyond 64 bits"),
        ("y ~ np.where(a > 0, 7**7**7, 0)", "beyond 64 bits"),
        ("{y * 9**9**9} ~ a", "beyond 64 bits"),
        ("y ~ a + offset(9**9**9 * b)", "beyond 64 bits"),
        ("y ~ a, sigma ~ {9**9**9 * b}", "beyond 64 bits"),
        ("y ~ {a * " + "9" * 5000 + "}", "cannot be read"),
        ("y ~ {9.0**9**9 * a}", "is no number"),
        ("y ~ {a * (1 << -1)}", "is no number"),
        ("y ~ {a * 1j}", "1j' is a complex number"),
        ("y ~ {a * (-1)**0.5}", "is a complex number"),
        ("y ~ {a * ('x' * 10**9 == 1)}", "arithmetic of a text or a list"),
        ("y ~ {a + ((0 or 'x') * 9 == 1)}", "arithmetic of a text or a list"),
        ("y ~ {[0] * 10**10 == a}", "arithmetic of a text or a list"),
        ("y ~ C(a, levels=[0] * 10**10)", "arithmetic of a text or a list"),
        ("y ~ {'%1000000000d' % 1 == a}", "arithmetic of a text or a list"),
        ("y ~ bs(a, df=10**8)", r"asks for df=100,000,000; at most 1,000"),
        ("y ~ bs(a, 10**8)", "asks for df=100,000,000"),
        ("y ~ poly(a, 10**7)", "asks for degree=10,000,000"),
        ("y ~ cr(a, df=1001)", "asks for df=1,001"),
        ("y ~ hashed(a, levels=10**12)", "asks for levels="),
        ("y ~ bs(a, **{'df': 10**8})", r"hides its arguments behind \*\*"),
        (f"y ~ {DEEP}**40", r"9e\+27 products of terms at '\*\*'; at most 100,000"),
        ("y ~ (.)**30", "products of terms"),
        ("y ~ ((a + b)**9)**9", "products of terms"),
        (f"y ~ {' * '.join([DEEP] * 7)}", r"products of terms at '\*'"),
        (f"y ~ {' : '.join([DEEP] * 8)}", "products of terms at ':'"),
        (f"y ~ a, sigma ~ {DEEP}**40", "products of terms"),
        ("y ~ (a + b)**1000000000000", "the power 1000000000000; at most 100 is read"),
        ("y ~ (a)**" + "9" * 30, "at most 100 is read"),
        ("y ~ {" + "-" * 100_000 + "a}", "cannot be read"),
        ("y ~ a" + " + a" * 300_000, "1,200,005 characters is too long"),
    ],
)
def test_what_has_no_bound_is_refused(formula: str, words: str) -> None:
    with pytest.raises(bm.DataError, match=words):
        bm.Data.from_formula(formula, FRAME)


@pytest.mark.parametrize(
    ("formula", "columns"),
    [
        ("y ~ {10**18 * a + 1e300 * b}", 1),
        ("y ~ {2**63 * a}", 1),
        ("y ~ {a**100}", 1),
        ("y ~ {a * (b if 1 else 2)}", 1),
        ("y ~ {(a > 0) * (b == 'x')}", 1),
        ("y ~ bs(a, df=5) + poly(b, 3)", 8),
        ("y ~ (.)**4", 30),
        ("y ~ a * b * c * d * e", 31),
        ("y ~ (a + b + c)**2 - a", 5),
    ],
)
def test_what_has_one_is_read(formula: str, columns: int) -> None:
    assert bm.Data.from_formula(formula, FRAME).n == columns


@pytest.mark.parametrize("formula", ["y ~ {9**9**9**9}", f"y ~ {DEEP}**40"])
def test_a_formula_in_a_file_of_someone_else_is_refused(formula: str, tmp_path: Path) -> None:
    bm.fit(bm.Model(), bm.Data.from_formula("y ~ a", FRAME)).save(tmp_path / "fit.nc")
    with h5py.File(tmp_path / "fit.nc", "a") as file:
        attributes = file["bayesml"].attrs
        config: dict[str, Any] = json.loads(attributes["config"])
        config["data"]["design"]["formula"] = formula
        attributes["config"] = json.dumps(config)
        attributes["checksum"] = checksum_of_text(attributes["config"])
    with pytest.raises(bm.StorageError, match=r"fit.nc' is damaged.*(64 bits|products of terms)"):
        bm.load(tmp_path / "fit.nc")
