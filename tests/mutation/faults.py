"""Faults to plant: where, what stands there, what is put in its place, and who has to notice."""

from typing import NamedTuple


class Fault(NamedTuple):
    """One fault."""

    file: str
    old: str
    new: str
    tests: str


INPUTS = "tests/reliability/test_inputs.py"
BOUNDS = "tests/data/formulas/test_bounds.py"
SAVING = "tests/results/test_saving.py"
PAIRING = "tests/results/test_pairing.py"
NOTEBOOKS = "tests/results/test_notebooks.py"
STATISTICS = "tests/data/test_statistics.py"
PRECISION = "tests/likelihoods/test_precision.py"
CHECKS = "tests/results/test_checks.py"
LOO = "tests/posteriors/test_leave_one_out.py"

FAULTS = (
    Fault(
        "bayesml/arguments.py",
        "int(value) >= 1\n\n\ndef as_numbers",
        "int(value) >= 0\n\n\ndef as_numbers",
        f"{INPUTS} -k sample",
    ),
    Fault(
        "bayesml/arguments.py",
        "return isinstance(value, Real) and not is_flag(value)",
        "return isinstance(value, Real)",
        f"{INPUTS} -k NUTS",
    ),
    Fault(
        "bayesml/arguments.py",
        "np.all((array > 0) & (array < 1))",
        "np.all((array > 0) & (array <= 1))",
        f"{INPUTS} -k quantile",
    ),
    Fault("bayesml/arguments.py", "or not array.size or not", "or not", f"{INPUTS} -k quantile"),
    Fault(
        "bayesml/arguments.py",
        "    if array.ndim:\n",
        "    if array.ndim > 1:\n",
        f"{INPUTS} -k summary",
    ),
    Fault("bayesml/arguments.py", "int(rng) >= 0)", "True)", f"{INPUTS} -k rng"),
    Fault(
        "bayesml/arguments.py",
        '    if not text or "\\0" in text or',
        '    if "\\0" in text or',
        f"{INPUTS} -k save",
    ),
    Fault(
        "bayesml/arguments.py",
        "if suffixes and path.suffix not in suffixes:",
        "if False:",
        f"{INPUTS} -k save",
    ),
    Fault(
        "bayesml/arguments.py",
        "return isinstance(part, role) and not isinstance(part, type)",
        "return isinstance(part, role)",
        f"{INPUTS} -k MLE",
    ),
    Fault(
        "bayesml/arguments.py",
        "if needed > there:",
        "if needed > 1e30 * there:",
        f"{INPUTS} -k draws",
    ),
    Fault(
        "bayesml/arguments.py",
        "is_real(value) and 0 <= value < 1,",
        "is_real(value) and 0 <= value <= 1,",
        f"{INPUTS} -k Training",
    ),
    Fault(
        "bayesml/arguments.py",
        "is_real(value) and 0 < value < 1,",
        "is_real(value) and 0 < value <= 1,",
        f"{INPUTS} -k NUTS",
    ),
    Fault(
        "bayesml/arguments.py",
        "value is None or is_positive(value),",
        "value is None or is_real(value),",
        f"{INPUTS} -k Auto",
    ),
    Fault(
        "bayesml/posteriors/rows.py",
        "if np.isnan(array).any():",
        "if np.isnan(array).all() and array.ndim:",
        f"{INPUTS} -k cdf",
    ),
    Fault(
        "bayesml/data/statistics.py",
        "(sizes < SMALLEST)",
        "(sizes < 0.0)",
        f"{INPUTS} -k statistics",
    ),
    Fault(
        "bayesml/data/checks.py",
        "if isinstance(item, np.timedelta64):",
        "if False:",
        f"{INPUTS} -k timedelta",
    ),
    Fault(
        "bayesml/data/inputs.py", "not one.index.equals(other.index)", "False", f"{INPUTS} -k Data"
    ),
    Fault(
        "bayesml/sklearn.py", '    common_labels({"X": X, "y": y})\n', "", f"{INPUTS} -k Bayesian"
    ),
    Fault(
        "bayesml/predictors/mlp.py",
        "or not all(map(is_count, widths)):",
        "or not all(isinstance(w, int) and w for w in widths):",
        f"{INPUTS} -k MLP",
    ),
    Fault(
        "bayesml/results/fitting.py",
        "if isinstance(chosen, type) or not",
        "if not",
        f"{INPUTS} -k fit",
    ),
    Fault("bayesml/data/formulas/bounds.py", "MOST_BITS = 64", "MOST_BITS = 65", BOUNDS),
    Fault("bayesml/data/formulas/bounds.py", "MOST_COLUMNS = 1000", "MOST_COLUMNS = 1001", BOUNDS),
    Fault(
        "bayesml/data/formulas/bounds.py",
        "formed = counts[0] ** _power(node.args[1], formula)",
        "formed = counts[0] * _power(node.args[1], formula)",
        BOUNDS,
    ),
    Fault(
        "bayesml/data/formulas/bounds.py",
        "formed = counts[0] * counts[1]\n",
        "formed = counts[0] + counts[1]\n",
        BOUNDS,
    ),
    Fault(
        "bayesml/data/formulas/bounds.py",
        "case ast.BoolOp() | ast.IfExp():  # either may be taken",
        "case ast.BoolOp():",
        BOUNDS,
    ),
    Fault(
        "bayesml/data/formulas/bounds.py",
        "return holds or any(map(_has_text, ast.iter_child_nodes(node)))",
        "return holds",
        BOUNDS,
    ),
    Fault(
        "bayesml/data/formulas/bounds.py",
        "    if any(keyword.arg is None for keyword in call.keywords):",
        "    if False:",
        BOUNDS,
    ),
    Fault(
        "bayesml/data/formulas/bounds.py",
        "    if isinstance(value, complex):",
        "    if False:",
        BOUNDS,
    ),
    Fault(
        "bayesml/data/formulas/design.py",
        "    parse(design.formula, design.words)  # someone else may have written it\n",
        "",
        BOUNDS,
    ),
    Fault("bayesml/results/checksums.py", "if checksum(arrays[key]) != made:", "if False:", SAVING),
    Fault(
        "bayesml/results/checksums.py",
        'f"{array.dtype.kind} {array.shape}".encode()',
        'b""',
        "bayesml/results/checksums.py",
    ),
    Fault(
        "bayesml/results/loading.py",
        'if checksum_of_text(text) != group.attrs["checksum"]:',
        "if False:",
        SAVING,
    ),
    Fault("bayesml/results/loading.py", "    if found == FORMAT:", "    if found:", SAVING),
    Fault(
        "bayesml/results/files.py",
        "        yield beside\n        _onto_disk(beside)\n        _put(beside, place)",
        "        yield path\n        _onto_disk(path)",
        SAVING,
    ),
    Fault(
        "bayesml/results/files.py",
        "    finally:\n        _remove(beside)",
        "    finally:\n        pass",
        SAVING,
    ),
    Fault(
        "bayesml/results/files.py",
        "if folder and place.exists() and not _is_store(place):",
        "if False:",
        SAVING,
    ),
    Fault(
        "bayesml/results/files.py", "place = Path(os.path.realpath(path))", "place = path", SAVING
    ),
    Fault(
        "bayesml/results/files.py",
        "        if not folder and place.is_dir():",
        "        if False:",
        SAVING,
    ),
    Fault(
        "bayesml/results/files.py",
        '    except OSError as error:\n        raise StorageError(\n            f"{str(path)!r} could not',
        '    except KeyError as error:\n        raise StorageError(\n            f"{str(path)!r} could not',
        SAVING,
    ),
    Fault(
        "bayesml/posteriors/exact.py",
        "        return g.reference + deviation @ g.joint.basis.T, g.sigma_0 * np.exp(u)",
        "        return g.reference + deviation @ g.joint.basis.T, g.sigma_0 * np.exp(u)[::-1]",
        f"{PAIRING} -k coefficients",
    ),
    Fault(
        "bayesml/results/sequential.py",
        "np.random.default_rng([earlier.seed, RESUMED, length])",
        "np.random.default_rng(earlier.seed)",
        f"{PAIRING} -k seed",
    ),
    Fault(
        "bayesml/results/sequential.py",
        "[earlier.seed, RESUMED, length]",
        "[earlier.seed, RESUMED]",
        f"{PAIRING} -k seed",
    ),
    Fault(
        "bayesml/inference/engines.py",
        "        chains = joint.coordinates.named(frame.position(drawn.positions))",
        '        chains = joint.coordinates.named(frame.position(drawn.positions))\n        chains["sigma"] = chains["sigma"][::-1]',
        f"{PAIRING} -k nuts",
    ),
    Fault(
        "bayesml/inference/networks/density.py",
        "shape = prior.shape + 0.5 * groups.sizes",
        "shape = prior.shape + groups.sizes",
        f"{PAIRING} -k precisions",
    ),
    Fault(
        "bayesml/inference/networks/density.py",
        "(prior.rate + 0.5 * squares)",
        "(prior.rate + squares)",
        f"{PAIRING} -k precisions",
    ),
    Fault(
        "bayesml/inference/networks/density.py",
        "joint_objective(without_prior, single).joint.unconstrained()",
        "joint_objective(without_prior, single).joint",
        f"{PAIRING} -k jacobian",
    ),
    Fault(
        "bayesml/results/checks.py",
        "        rhat <= 1.01,",
        "        rhat <= 1.1,",
        f"{PAIRING} -k third",
    ),
    Fault("bayesml/posteriors/atoms.py", "- 0.5 * self.weights[order]", "", f"{PAIRING} -k hazens"),
    Fault(
        "bayesml/posteriors/coordinates.py",
        'parameters["intercept"] = np.asarray(high + (low + rest))',
        'parameters["intercept"] = np.asarray(high + low)',
        f"{PAIRING} -k intercept",
    ),
    Fault(
        "bayesml/results/datatree.py",
        "    beta, values = problem.frame.unnamed(draws), {**problem.known, **draws}",
        '    beta, values = problem.frame.unnamed(draws), {**problem.known, **draws}\n    beta[..., 0] = draws["intercept"]',
        f"{PAIRING} -k origin",
    ),
    Fault(
        "bayesml/data/statistics.py",
        "weight, precisions = self.weight + other.weight,",
        "weight, precisions = self.weight + 2 * other.weight,",
        STATISTICS,
    ),
    Fault(
        "bayesml/data/statistics.py",
        "move = step * (other.mass / mass) + self.mean_error",
        "move = step * (self.mass / mass) + self.mean_error",
        STATISTICS,
    ),
    Fault(
        "bayesml/data/statistics.py",
        "error = (self.mean - mean) + move\n        between = sqrt(self",
        "error = 0.0 * move\n        between = sqrt(self",
        STATISTICS,
    ),
    Fault(
        "bayesml/data/statistics.py",
        "between = sqrt(self.mass) * sqrt(other.mass / mass) * step",
        "between = sqrt(other.mass / mass) * step",
        STATISTICS,
    ),
    Fault(
        "bayesml/data/statistics.py",
        "np.vstack([self.R, other.R, between])",
        "np.vstack([self.R, other.R])",
        STATISTICS,
    ),
    Fault(
        "bayesml/data/statistics.py",
        "order = [self.names.index(name) for name in names]",
        "order = list(range(len(names)))",
        f"{STATISTICS} tests/results/test_as_prior.py",
    ),
    Fault(
        "bayesml/data/statistics.py",
        "weight, precisions = self.weight - other.weight,",
        "weight, precisions = self.weight,",
        STATISTICS,
    ),
    Fault(
        "bayesml/data/statistics.py",
        "return self.weight if self.precisions is None else self.precisions.total",
        "return self.weight",
        PRECISION,
    ),
    Fault(
        "bayesml/data/statistics.py",
        "return self.sd_y * sqrt(self.mass / self.weight) if self.precisions else self.sd_y",
        "return self.sd_y",
        PRECISION,
    ),
    Fault(
        "bayesml/log_joint/least_squares.py",
        "return -self.weight * HALF_LOG_2PI + 0.5 * self.log_precisions",
        "return -self.weight * HALF_LOG_2PI",
        PRECISION,
    ),
    Fault(
        "bayesml/posteriors/coordinates.py",
        "X[:, self.precision] ** -0.5",
        "X[:, self.precision] ** 0.5",
        PRECISION,
    ),
    Fault(
        "bayesml/posteriors/leave_one_out.py",
        "return log_density - np.log(noise), mean * noise, leverage",
        "return log_density, mean * noise, leverage",
        PRECISION,
    ),
    Fault(
        "bayesml/inference/exact.py",
        "weights = block.row_weights * block.X[:, coordinates.precision]",
        "weights = block.row_weights",
        PRECISION,
    ),
    Fault(
        "bayesml/data/formulas/joined.py",
        "return own if own - set(frames.column_names(new)) else set()",
        "return own",
        PRECISION,
    ),
    Fault(
        "bayesml/posteriors/leave_one_out.py",
        "c, g = part.copy, scale**2 * shape / rate",
        "c, g = part.copy, scale**2",
        LOO,
    ),
    Fault(
        "bayesml/posteriors/leave_one_out.py",
        "left_shape = shape - 0.5 * c",
        "left_shape = shape - c",
        LOO,
    ),
    Fault(
        "bayesml/posteriors/leave_one_out.py",
        "left_rate = rate - 0.5 * c * away**2 * remaining",
        "left_rate = rate - 0.5 * c * away**2",
        LOO,
    ),
    Fault(
        "bayesml/losses.py",
        "return np.maximum(self.level * short, (self.level - 1.0) * short)",
        "return np.maximum(self.level * short, self.level * -short)",
        "bayesml/losses.py",
    ),
    Fault(
        "bayesml/losses.py",
        "        return forecast.quantile(self.level)",
        "        return forecast.quantile(1.0 - self.level)",
        "tests/posteriors/test_decisions.py bayesml/posteriors/prediction.py",
    ),
    Fault(
        "bayesml/results/findings.py", 'f"<td>{escape(cell)}</td>"', 'f"<td>{cell}</td>"', NOTEBOOKS
    ),
    Fault(
        "bayesml/results/table.py",
        "            color_system=None,",
        '            color_system="truecolor",',
        NOTEBOOKS,
    ),
    Fault(
        "bayesml/posteriors/prediction.py",
        '"upper": interval.upper}',
        '"upper": interval.lower}',
        NOTEBOOKS,
    ),
    Fault("bayesml/results/calibration.py", "{scores}{coverage}", "", NOTEBOOKS),
)
