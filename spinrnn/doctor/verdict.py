"""What a check of the doctor says of one thing that it looked at."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """One thing that was looked at.

    Attributes:
        subject: what it is, in a word or two.
        state: "fine", "note" or "problem".
        text: one line, what was found.
        fix: one line, what to do; None where all is well.
    """

    subject: str
    state: str
    text: str
    fix: str | None = None


def fine(subject: str, text: str) -> Verdict:
    """All is well."""
    return Verdict(subject, "fine", text)


def note(subject: str, text: str, fix: str) -> Verdict:
    """Worth knowing; may be meant so."""
    return Verdict(subject, "note", text, fix)


def problem(subject: str, text: str, fix: str) -> Verdict:
    """Costs time, results or runs."""
    return Verdict(subject, "problem", text, fix)


def dotted(numbers: Iterable[int]) -> str:
    """A version, as in 3.8.4."""
    return ".".join(map(str, numbers))


def one_line(error: Exception) -> str:
    """The name of an error's class and what it says, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
