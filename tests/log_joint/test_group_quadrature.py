"""Effects of groups integrated by quadrature: adaptive integrals, differences, a dense grid."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import bayesml as bm
from bayesml.inference.groups import group_prior, grouped
from bayesml.log_joint.group_nested import Nested, nested
from bayesml.log_joint.group_quadrature import expected, hermite_nodes, integral, slopes
from bayesml.typing import Array

LIKELIHOODS: dict[str, Any] = {
    "bernoulli": bm.Bernoulli(),
    "binomial": bm.Binomial(),
    "poisson": bm.Poisson(),
    "negative binomial": bm.NegativeBinomial(),
    "gamma": bm.GammaResponse(),
    "student": bm.StudentT(df=4.0),
}


def frame(rng: np.random.Generator, m: int = 24) -> dict[str, Any]:
    g, h = rng.integers(0, 5, m), rng.integers(0, 3, m)
    x = rng.standard_normal(m)
    eta = 0.3 + 0.5 * x + 0.8 * rng.standard_normal(5)[g] + 0.5 * rng.standard_normal(3)[h]
    n = rng.integers(2, 9, m)
    return {
        "x": x,
        "n": n,
        "g": [f"g{k}" for k in g],
        "h": [f"h{k}" for k in h],
        "bernoulli": (rng.random(m) < 1 / (1 + np.exp(-eta))).astype(float),
        "binomial": rng.binomial(n, 1 / (1 + np.exp(-eta))),
        "poisson": rng.poisson(np.exp(eta)),
        "negative binomial": rng.poisson(np.exp(eta) * rng.gamma(2.0, 0.5, m)),
        "gamma": np.exp(eta) * rng.gamma(3.0, 1 / 3, m),
        "student": eta + 0.5 * rng.standard_t(4, m),
    }


def density_of(name: str, terms: str, rng: np.random.Generator) -> Nested:
    target = f"{name} | trials(n)" if name == "binomial" else name
    table = frame(rng)
    formula = f"{target.replace(name, 'y')} ~ x + {terms}"
    data = bm.Data.from_formula(formula, table | {"y": table[name]})
    problem = bm.Model(likelihood=LIKELIHOODS[name]).resolve(data)
    return nested(problem, grouped(problem), group_prior(problem))


def value(density: Nested, c: Array, h: Array, nodes: int) -> float:
    rule = hermite_nodes(nodes, density.rows.terms)
    return float(
        density.integral(c[None], h[None], density.blank().centre[None], rule, 1e-6).value[0]
    )


def start(density: Nested, rng: np.random.Generator) -> tuple[Array, Array]:
    h = rng.uniform(-0.5, 0.3, density.size)
    return 0.3 * rng.standard_normal(density.n), h


@pytest.mark.parametrize("name", ["bernoulli", "binomial", "negative binomial", "gamma"])
def test_the_integral_is_that_of_every_level_by_itself(name: str, rng: np.random.Generator) -> None:
    density = density_of(name, "(1 | g)", rng)
    c, h = start(density, rng)
    rows, values, sd = density.rows, density.values(h), float(density.roots(h)[0][0, 0])
    e = density.eta(c[None], h[None])[0]

    def of_level(k: int) -> float:
        own = np.flatnonzero(rows.of == k)

        def log_density(u: float) -> float:
            eta = e[own] + u
            read = np.stack([eta, *rows.known[:, own]]) if len(rows.known) else eta
            inside = np.sum(rows.likelihood.log_density(rows.y[own], read, values))
            return float(inside + norm.logpdf(u, scale=sd))

        grid = np.linspace(-4, 4, 41)
        top = max(grid, key=log_density)
        peak = log_density(top)
        found = [
            quad(lambda u: np.exp(log_density(u) - peak), *ends, epsabs=0, epsrel=1e-10, limit=200)
            for ends in ((top - 8, top), (top, top + 8))
        ]
        return float(np.log(found[0][0] + found[1][0]) + peak)

    by_quad = sum(map(of_level, range(len(rows.levels))))
    assert value(density, c, h, 61) == pytest.approx(by_quad, abs=1e-8)
    assert value(density, c, h, 7) == pytest.approx(by_quad, abs=5e-3)


def test_two_terms_a_level_are_integrated_as_on_a_dense_grid(rng: np.random.Generator) -> None:
    density = density_of("poisson", "(x | g)", rng)
    c, h = start(density, rng)
    rows, root, e = density.rows, density.roots(h)[0], density.eta(c[None], h[None])[0]
    line = np.linspace(-8, 8, 161)
    v = np.stack(np.meshgrid(line, line, indexing="ij")).reshape(2, -1)
    eta = e[:, None] + rows.z.T @ (root @ v)
    logs = rows.y[:, None] * eta - np.exp(eta)
    total = 0.0
    for k in range(len(rows.levels)):
        own = logs[rows.of == k].sum(axis=0) - 0.5 * np.sum(v * v, axis=0) - np.log(2 * np.pi)
        total += np.log(np.sum(np.exp(own - own.max())) * 0.1**2) + own.max()
    constant = np.sum(rows.likelihood.log_density(rows.y, 0.0 * e, {})) + len(e)
    assert value(density, c, h, 15) == pytest.approx(total + constant, abs=1e-6)


@pytest.mark.parametrize("name", ["bernoulli", "binomial", "negative binomial", "student"])
@pytest.mark.parametrize("terms", ["(1 | g) + (1 | h)", "(x | g) + (1 | h)"])
def test_derivatives_are_those_of_differences(
    name: str, terms: str, rng: np.random.Generator
) -> None:
    density = density_of(name, terms, rng)
    c, h = start(density, rng)
    rule, roots = hermite_nodes(21, density.rows.terms), density.roots(h)
    blank = density.blank().centre[None]

    def at(a: Array) -> Any:
        e = density.rows.eta(a[None])
        found = integral(density.rows, e, density.values(h), roots[0][None], blank, rule, 1e-8)
        return found, slopes(density.rows, e, density.values(h), roots[0][None], found, rule)

    _, here = at(c)
    E = 1e-4 * np.eye(density.n)
    up, down = [at(c + step) for step in E], [at(c - step) for step in E]
    gradient = [(a[0].value[0] - b[0].value[0]) / 2e-4 for a, b in zip(up, down, strict=True)]
    curvature = [(b[1].gradient - a[1].gradient) / 2e-4 for a, b in zip(up, down, strict=True)]
    assert here.gradient == pytest.approx(np.array(gradient), abs=1e-5)
    assert here.curvature == pytest.approx(np.array(curvature), abs=1e-4)


def test_expected_curvature_is_that_of_laplace_for_a_gaussian(rng: np.random.Generator) -> None:
    table = frame(rng)
    data = bm.Data.from_formula("y ~ x + (1 | g) + (1 | h)", table | {"y": table["student"]})
    problem = bm.Model(likelihood=bm.Gaussian(sigma=0.7)).resolve(data)
    density = nested(problem, grouped(problem), group_prior(problem))
    c, h = start(density, rng)
    e, root, values = density.eta(c[None], h[None]), density.roots(h)[0][None], density.values(h)
    rule = hermite_nodes(3, 1)
    found = density.integral(c[None], h[None], density.blank().centre[None], rule, 1e-9)
    by_louis = slopes(density.rows, e, values, root, found, rule).curvature
    by_information = expected(density.rows, e, values, root, found.centre[0])
    assert by_information.curvature(root[0]) == pytest.approx(by_louis, abs=1e-8)


def test_few_numbers_and_many_are_multiplied_alike(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = density_of("bernoulli", "(1 | g) + (x | h)", rng).rows
    spread = rng.standard_normal((3, len(rows.y)))
    dense = rows.explained(spread)
    monkeypatch.setattr("bayesml.log_joint.level_rows.DENSE", 0)
    assert rows.explained(spread) == pytest.approx(dense, abs=1e-12)
    A = np.hstack([rows.X, rows.Z.toarray()])
    t = [
        spread[k, rows.of == j] @ A[rows.of == j] for k in range(3) for j in range(rows.of[-1] + 1)
    ]
    assert dense == pytest.approx(np.array(t).T @ np.array(t), abs=1e-12)
