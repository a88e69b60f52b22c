"""A design of any kind, from the description that it was stored as."""

from collections.abc import Mapping
from typing import Any

from bayesml.data.array_designs import ArrayDesign, FrameDesign
from bayesml.data.designs import Design
from bayesml.data.formulas.design import formula_design_from_config
from bayesml.data.formulas.grouped_design import grouped_design_from_config
from bayesml.data.formulas.joined import joined_design_from_config
from bayesml.data.roles import Roles, roles_from_config
from bayesml.errors import DataError


def design_from_config(config: Mapping[str, Any]) -> Design:
    """Make the design that `to_config` described, which builds the same matrices to the last bit.

    Parameters
    ----------
    config : mapping
        What `Design.to_config` gave, for instance after a round trip through JSON.

    Raises
    ------
    DataError
        If `config` does not describe a design.

    Examples
    --------
    >>> from bayesml.data import Data, design_from_config
    >>> data = Data.from_formula("y ~ center(x)", {"x": [1, 2, 6], "y": [1, 3, 4]})
    >>> design = design_from_config(data.design.to_config())
    >>> design.matrix({"x": [3.0, 4.0]})
    array([[0.],
           [1.]])
    """
    try:
        match config["kind"]:
            case "array":
                return ArrayDesign(*_of_columns(config))
            case "frame":
                return FrameDesign(*_of_columns(config), config["weights_name"])
            case "formula":
                return formula_design_from_config(config)
            case "joined":
                return joined_design_from_config(config)
            case "grouped":
                return grouped_design_from_config(config, design_from_config(config["inner"]))
            case kind:
                raise DataError(f"{kind!r} is not a kind of design: 'array', 'frame', …")
    except KeyError as error:
        raise DataError(f"the description of the design lacks {error}") from error


def _of_columns(
    config: Mapping[str, Any],
) -> tuple[tuple[str, ...], str, Roles | None, tuple[Any, ...] | None]:
    stated, classes = config["roles"], config["classes"]
    return (
        tuple(config["feature_names"]),
        config["target_name"],
        None if stated is None else roles_from_config(stated),
        None if classes is None else tuple(classes),
    )
