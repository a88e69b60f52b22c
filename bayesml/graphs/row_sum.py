"""The sum over rows as one operation of a PyMC model, which then needs no compilation.

The priors are PyMC's own expressions. The likelihood is `RowSum.sums`, with its gradient; the graph
that is left has a few dozen scalar operations, which Python walks through in a fraction of a
millisecond, where compiling them takes a minute.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from bayesml.graphs.model import coordinates, variables
from bayesml.log_joint import RowSum
from bayesml.log_joint.joint import row_sum
from bayesml.model import Problem
from bayesml.typing import Array

if TYPE_CHECKING:
    import pymc


class RowSumOp(Op):  # type: ignore[misc]
    """Σ wᵢ log p(yᵢ | β, φ) and its derivatives, of β and the inferred parameters φ (J1).

    Parameters
    ----------
    rows : RowSum
    names : sequence of str
        Of φ, in the order of the inputs.
    known : mapping of name to float
        Parameters that are known numbers.
    """

    def __init__(self, rows: RowSum, names: Sequence[str], known: dict[str, float]) -> None:
        self.rows = rows
        self.names = tuple(names)
        self.known = known

    def make_node(self, beta: Any, *values: Any) -> Any:
        """Return the node: the sum, its gradient in β, and its slope in every parameter."""
        inputs = [pt.as_tensor_variable(v) for v in (beta, *values)]
        return Apply(self, inputs, [pt.dscalar(), pt.dvector(), *(pt.dscalar() for _ in values)])

    def perform(self, node: Any, inputs: Sequence[Array], storage: Any) -> None:
        """Evaluate all of them in one pass over the rows."""
        beta, *values = inputs
        named = {name: float(v) for name, v in zip(self.names, values, strict=True)}
        with np.errstate(all="ignore"):  # what is not finite is a divergence, and is counted
            sums = self.rows.sums(np.asarray(beta), self.known | named)
        out = (sums.value, sums.gradient, *(sums.by_value[name] for name in self.names))
        for cell, value in zip(storage, out, strict=True):
            cell[0] = np.asarray(value, dtype=np.float64)

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Return the derivatives, which are outputs already."""
        return [cotangents[0] * slope for slope in outputs[1:]]

    L_op = pullback


def build_of_row_sum(problem: Problem) -> "pymc.Model":
    """Return a resolved problem as a PyMC model whose likelihood is one operation."""
    import pymc as pm

    with pm.Model(coords=coordinates(problem)) as pymc_model:
        parameters, values = variables(problem)
        flat = [pt.flatten(pt.as_tensor_variable(parameters[name])) for name in problem.shapes]
        names = tuple(name for name in problem.model.likelihood.parameters if name in values)
        operation = RowSumOp(row_sum(problem), names, problem.known)
        total = operation(pt.concatenate(flat), *(values[name] for name in names))
        pm.Potential("log_likelihood", total[0])
    return pymc_model
