"""Levels of grouping factors that grow, meet and leave: new groups, sites that merge or part."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bayesml.data.designs import Design
from bayesml.data.formulas.grouped_design import GroupedDesign
from bayesml.data.formulas.joined import JoinedDesign
from bayesml.data.formulas.levels import LevelsDesign


def grown(design: Design, new: Any) -> Design:
    """Return a design with the levels of new rows that were never seen, after the others."""
    return _changed(design, lambda factor: factor.grown(new))


def with_levels_of(design: Design, other: Design) -> Design:
    """Return a design with the levels of another one after its own."""
    there = {factor.factor: factor for factor in _factors(other)}
    return _changed(design, lambda factor: factor.joined(there[factor.factor]))


def with_levels(design: Design, names: Mapping[str, Sequence[str]]) -> Design:
    """Return a design with levels of these names only."""
    return _changed(design, lambda factor: factor.kept(names[factor.factor]))


def _factors(design: Design) -> tuple[LevelsDesign, ...]:
    return design.factors if isinstance(design, JoinedDesign | GroupedDesign) else ()


def _changed(design: Design, change: Callable[[LevelsDesign], LevelsDesign]) -> Design:
    if not isinstance(design, JoinedDesign | GroupedDesign):
        return design
    return design.with_factors(tuple(map(change, design.factors)))
