"""A formula as text: split where no bracket and no quote is open."""

from collections.abc import Iterator

OPENING, CLOSING, QUOTES = "({[", ")}]", "\"'`"


def is_name(text: str) -> bool:
    """Say whether a text may be the name of a column: in backticks, or without brackets."""
    if text.startswith("`"):
        return text.endswith("`") and text.count("`") == 2 and bool(text.strip("`").strip())
    return "".join(c for _, c in outside(text)) == text


def signed_terms(text: str) -> list[tuple[str, str]]:
    """Split a right side into its terms, each with the sign before it."""
    marks = [k for k, c in outside(text) if c in "+-"]
    signs = ["", *(text[k] for k in marks)]
    starts = [0, *(k + 1 for k in marks)]
    return [(s, text[a:b]) for s, a, b in zip(signs, starts, [*marks, len(text)], strict=True)]


def halves(text: str) -> tuple[str, str, str]:
    """Split at the first `~` that stands by itself."""
    at = next((k for k, c in outside(text) if c == "~"), None)
    return (text, "", "") if at is None else (text[:at], "~", text[at + 1 :])


def split(text: str, mark: str) -> list[str]:
    """Split at a mark that is in no brackets and no quotes."""
    ends = [k for k, c in outside(text) if c == mark]
    starts = [0, *(k + 1 for k in ends)]
    return [text[a:b] for a, b in zip(starts, [*ends, len(text)], strict=True)]


def outside(text: str) -> Iterator[tuple[int, str]]:
    """Yield the characters in no brackets and no quotes, and where they are."""
    depth, quote = 0, ""
    for k, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in QUOTES:
            quote = c
        elif c in OPENING:
            depth += 1
        elif c in CLOSING:
            depth -= 1
        elif depth == 0:
            yield k, c


def left_open(text: str) -> str:
    """Say which bracket or quote is not closed, or closes nothing, and where; empty if all are.

    >>> left_open("y ~ x + (1 | ")
    "'(' at '(1 | ' is not closed by ')'"
    """
    waiting: list[int] = []
    quote = -1
    for k, c in enumerate(text):
        if quote >= 0:
            quote = -1 if c == text[quote] else quote
        elif c in QUOTES:
            quote = k
        elif c in OPENING:
            waiting.append(k)
        elif c in CLOSING:
            wanted = CLOSING[OPENING.index(text[waiting[-1]])] if waiting else ""
            if c != wanted:
                return f"{c!r} at the end of {text[max(0, k - 20) : k + 1]!r} closes nothing"
            waiting.pop()
    if quote >= 0:
        return f"the quote {text[quote]} at {text[quote : quote + 20]!r} is not closed"
    if waiting:
        k = waiting[-1]
        closing = CLOSING[OPENING.index(text[k])]
        return f"{text[k]!r} at {text[k : k + 20]!r} is not closed by {closing!r}"
    return ""


def is_call(text: str, name: str) -> bool:
    """Say whether a text is `name(…)` with something in it, and nothing before or after it."""
    return (
        text.startswith(f"{name}(")
        and "".join(c for _, c in outside(text)) == name
        and bool(arguments_of(text, name))
    )


def arguments_of(text: str, name: str) -> str:
    """Return what stands in the brackets of `name(…)`."""
    return text[len(name) + 1 : -1].strip()
