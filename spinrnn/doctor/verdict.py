"""What a check of the doctor says of one thing that it looked at."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was looked at. state: "fine", "note" or "problem"; text: one line, what it is; fix: one line, what to do, or None."""

    subject: str
    state: str
    text: str
    fix: str | None = None


def _dotted(numbers):
    return ".".join(map(str, numbers))


def _line(error):
    return " ".join(str(error).split())
