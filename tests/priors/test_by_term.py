"""Priors of terms by name: what they resolve to, and what is refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from bayesml.distributions import StudentT


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "y": rng.normal(size=30),
            "x": 3.0 * rng.normal(size=30) + 1.0,
            "z": rng.normal(size=30),
            "g": list("abc") * 10,
        }
    )


def data() -> bm.Data:
    return bm.Data.from_formula("y ~ x + z + C(g)", frame())


def resolved(prior: bm.ByTerm, of: bm.Data | None = None) -> Any:
    return bm.Model(prior=prior).resolve(of or data()).prior


def test_a_term_names_all_its_columns_and_the_rest_has_the_scale_of_a_column() -> None:
    prior = resolved(bm.ByTerm({"C(g)": bm.Normal(0, 5), "z": StudentT(4, 0, 2)}))
    y, x = frame()["y"], frame()["x"]
    assert prior.weights["C(g)[T.b]"] == prior.weights["C(g)[T.c]"] == bm.Normal(0, 5)
    assert prior.weights["z"] == StudentT(4, 0, 2)
    assert prior.weights["x"].sd == pytest.approx(2.5 * y.std() / x.std(), rel=1e-12)
    assert prior.intercept.mean == pytest.approx(y.mean(), abs=1e-15)
    assert prior.intercept.sd == pytest.approx(2.5 * y.std(), rel=1e-12)


def test_sequences_are_entries_of_the_columns_of_a_term() -> None:
    prior = resolved(bm.ByTerm({"C(g)": bm.Normal((1.0, 2.0), 5)}, rest=bm.Flat()))
    assert prior.weights["C(g)[T.c]"] == bm.Normal(2, 5)
    assert prior.weights["x"] == bm.Flat()
    with pytest.raises(bm.IncompatibleModelError, match=r"'C\(g\)' = .* has \[3\] entries"):
        resolved(bm.ByTerm({"C(g)": bm.Normal((1.0, 2.0, 3.0), 5)}))


def test_features_of_arrays_are_named_too() -> None:
    arrays = bm.Data([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0]], [1.0, 2.0, 4.0])
    prior = resolved(bm.ByTerm({"x1": bm.Normal(0, 7)}, bm.Normal(0, 9)), arrays)
    assert prior.weights["x1"] == bm.Normal(0, 7)
    assert prior.intercept == bm.Normal(0, 9)


def test_the_posterior_is_that_of_the_priors_written_out() -> None:
    prior = bm.ByTerm({"C(g)": bm.Normal(0, 0.1)}, bm.Normal(0, 1), bm.Normal(0, 2))
    names = data().feature_names
    out = bm.Independent(
        {n: bm.Normal(0, 0.1 if n.startswith("C") else 2) for n in names}, bm.Normal(0, 1)
    )
    tables = [bm.fit(bm.Model(prior=p), data()).summary() for p in (prior, out)]
    pd.testing.assert_frame_equal(*tables, rtol=1e-14)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"C(h)": bm.Normal()}, r"'C\(h\)' is neither a term .*did you mean 'C\(g\)'"),
        ({"C(g)": bm.Normal(), "C(g)[T.b]": bm.Normal()}, "names .* once more"),
        ({"x": bm.HalfNormal(1)}, r"ByTerm: terms\['x'\] = .* no negative values"),
        ({"x": 3.0}, r"ByTerm: terms\['x'\] must be a distribution"),
    ],
)
def test_wrong_names_and_priors_are_refused(terms: Any, message: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=message):
        resolved(bm.ByTerm(terms))


def test_a_constant_target_has_no_default() -> None:
    constant = bm.Data([[0.0], [1.0], [2.0]], [1.0, 1.0, 1.0])
    model = bm.Model(likelihood=bm.Gaussian(1.0), prior=bm.ByTerm({"x0": bm.Normal()}))
    with pytest.raises(bm.DataError, match="constant"):
        _ = model.resolve(constant).prior
    stated = bm.ByTerm({"x0": bm.Normal()}, bm.Normal(0, 1))
    assert bm.Model(likelihood=bm.Gaussian(1.0), prior=stated).resolve(constant).prior


def test_terms_survive_storage(tmp_path: Any) -> None:
    fit = bm.fit(bm.Model(prior=bm.ByTerm({"C(g)": bm.Normal(0, 5)})), data())
    fit.save(tmp_path / "fit.zarr")
    again = bm.load(tmp_path / "fit.zarr")
    assert again.model == fit.model
    assert again.data.design.terms == fit.data.design.terms
    assert again.data.design.terms["C(g)"] == ("C(g)[T.b]", "C(g)[T.c]")
