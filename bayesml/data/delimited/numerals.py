"""What the text of a cell says: a number, a number with marks, true or false, a date, or text."""

import re
from typing import Literal

MISSING_WORDS = ("NA", "NaN", "nan", "N/A", "n/a", "<NA>", "NULL", "null", "None", "#N/A", "-", ".")
"""What programs write for a missing number: certain among numbers, a word like others in text."""

BOOLEANS = {
    **dict.fromkeys(("True", "TRUE", "true"), True),
    **dict.fromkeys(("False", "FALSE", "false"), False),
}

PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
DATE = re.compile(
    r"\d{4}[-/]\d{1,2}([-/]\d{1,2}([T ].*)?)?|\d{1,2}[./]\d{1,2}[./](\d{2}|\d{4})( .*)?"
    rf"|\d{{1,2}}[ -]{MONTH}[ -](\d{{2}}|\d{{4}})|{MONTH} \d{{1,2}},? \d{{4}}|{MONTH}[ -]\d{{4}}"
    r"|\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[ap]\.?m\.?)?",
    re.IGNORECASE,
)
"""Days and times of day."""
DECORATED = re.compile(
    r"['’]\d[\d.,]*|=\"[+-]?\d[\d.,]*\"|−\d[\d.,]*|[+-]?\d[\d.,]*[dD][+-]?\d+|[+-]?0[xX][\da-fA-F]+"
    r"|[(+-]?\s*[$€£¥₹]?\s*[(+-]?\s*\d[\d.,'’\s\u00a0\u202f]*\s*[%‰$€£¥₹]?\s*\)?|[+-]?\d[\d.,]*\s*(USD|EUR|GBP|CHF)"
)

Kind = Literal["number", "grouped", "decorated", "boolean", "date", "text"]


def kind_of(text: str) -> Kind:
    """Say what a cell holds that is not missing.

    >>> [kind_of(x) for x in ("1.5", "12,345", "12 %", "True", "2024-01-31", "20-29")]
    ['number', 'grouped', 'decorated', 'boolean', 'date', 'text']
    """
    if PLAIN.fullmatch(text):
        return "number"
    if text in BOOLEANS:
        return "boolean"
    if DATE.fullmatch(text):
        return "date"
    if number(text, ".") is not None or number(text, ",") is not None:
        return "grouped"
    return "decorated" if DECORATED.fullmatch(text) else "text"


def number(text: str, decimal: str) -> float | None:
    """Read a number whose decimals follow `decimal`, thousands marked by the other of `.` and `,`.

    >>> number("1.234,5", ","), number("12,345", "."), number("12,34", ".")
    (1234.5, 12345.0, None)
    """
    other = "." if decimal == "," else ","
    d, t = re.escape(decimal), re.escape(other)
    shape = rf"[+-]?(\d+|\d{{1,3}}({t}\d{{3}})+)?({d}\d*)?([eE][+-]?\d+)?"
    if not re.fullmatch(shape, text, re.ASCII) or not any(c.isdigit() for c in text):
        return None
    return float(text.replace(other, "").replace(decimal, "."))
