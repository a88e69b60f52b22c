"""What a check found, and all that was found about one fit."""

import warnings
from dataclasses import dataclass, replace
from html import escape
from textwrap import fill

from bayesml.errors import ConvergenceWarning, ModelWarning

WIDTH = 100


@dataclass(frozen=True)
class Finding:
    """One check: what was measured, what it must satisfy, what it means and what to try.

    Attributes
    ----------
    name : str
    passed : bool
    value : float
    requirement : str
    meaning : str
    remedy : str
    category : type of Warning
        By which a failure is filtered: `ConvergenceWarning` where the computation failed, a
        `ModelWarning` where the model is doubtful.
    """

    name: str
    passed: bool
    value: float
    requirement: str
    meaning: str
    remedy: str
    category: type[Warning] = ConvergenceWarning

    @property
    def doubts(self) -> bool:
        """Whether it is about the model rather than about the computation."""
        return issubclass(self.category, ModelWarning)

    @property
    def measured(self) -> str:
        """What was measured, and what is needed."""
        return f"{self.name}: {self.value:.4g} (needs {self.requirement})"

    @property
    def failure(self) -> str:
        """What was measured, what it means and what to try."""
        return f"{self.measured}. {self.meaning} {self.remedy}"

    def __str__(self) -> str:
        """Give the line of the report."""
        if self.passed:
            return f"ok    {self.measured}"
        word = "DOUBT" if self.doubts else "FAIL "
        said = fill(
            f"{self.meaning} {self.remedy}",
            WIDTH,
            initial_indent=6 * " ",
            subsequent_indent=6 * " ",
        )
        return f"{word} {self.measured}\n{said}"


@dataclass(frozen=True, repr=False)
class CheckReport:
    """All findings about one fit.

    Attributes
    ----------
    kind : str
        The kind of answer that was checked.
    findings : tuple of Finding
    notes : tuple of str
        Failures that are words rather than numbers.
    not_judged : tuple of str
        What was not looked at, and why.

    Examples
    --------
    >>> import bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1]))
    >>> report = fit.check()
    >>> report.passed, report.failures
    (True, ())
    """

    kind: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    not_judged: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return not self.notes and all(finding.passed for finding in self.findings)

    @property
    def failures(self) -> tuple[str, ...]:
        """What failed, in words."""
        return (*self.notes, *(f.failure for f in self.findings if not f.passed))

    @property
    def computed(self) -> bool:
        """Whether the answer is that of the model, be the model right or not."""
        return not self.notes and all(f.passed or f.doubts for f in self.findings)

    @property
    def headline(self) -> str:
        """Say what failed of the computation, and in a line each what makes the model doubtful."""
        failed = [*self.notes, *(f.failure for f in self.findings if not (f.passed or f.doubts))]
        doubts = [f.measured for f in self.findings if f.doubts and not f.passed]
        said = [f"FAILED: {'; '.join(failed)}"] if failed else []
        if doubts:
            said.append("\n  ".join(["DOUBT the model, see fit.check():", *doubts]))
        return "; ".join(said) or "passed"

    def without(self, *categories: type[Warning]) -> "CheckReport":
        """Return the report without findings of some categories, such as `InfluenceWarning`."""
        kept = tuple(f for f in self.findings if not issubclass(f.category, categories))
        return replace(self, findings=kept)

    def warn(self, stacklevel: int) -> None:
        """Warn of failed computations together, and of every doubt by a category of its own."""
        failed = [*self.notes, *(f.failure for f in self.findings if not (f.passed or f.doubts))]
        if failed:
            said = f"Checks of this fit failed; see fit.check(). {' '.join(failed)}"
            warnings.warn(said, ConvergenceWarning, stacklevel=stacklevel + 1)
        for f in self.findings:
            if f.doubts and not f.passed:
                warnings.warn(f"{f.failure} See fit.check().", f.category, stacklevel + 1)

    def __repr__(self) -> str:
        """Give the whole report."""
        return str(self)

    def _repr_html_(self) -> str:
        """Show every finding in a row."""
        rows = [["FAIL", note, ""] for note in self.notes]
        for f in self.findings:
            word = "ok" if f.passed else "DOUBT" if f.doubts else "FAIL"
            rows.append([word, f.measured, "" if f.passed else f"{f.meaning} {f.remedy}"])
        rows += [["not judged", what, ""] for what in self.not_judged]
        cells = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
        )
        head = escape(str(self).split("\n", 1)[0])
        return f"<p>{head}</p><table><tbody>{cells}</tbody></table>"

    def __str__(self) -> str:
        """Give the whole report."""
        article = "an" if self.kind[0] in "aeiou" else "a"
        doubtful = "passed, but the model is DOUBTFUL" if self.computed else "FAILED"
        verdict = "passed" if self.passed else doubtful
        head = f"checks of {article} {self.kind} answer: {verdict}"
        notes = (f"FAIL  {note}" for note in self.notes)
        rest = (f"--    {what}" for what in self.not_judged)
        return "\n".join([head, *notes, *map(str, self.findings), *rest])
