"""Standard output and standard error, on which no work depends.

A stream may be closed (`2>&-`, a daemon), its reader may leave (`| head -1`), the disk
behind it may be full, and it may be unable to show a character. Training, sweeps and
files go on all the same: what cannot be written is dropped, and what cannot be shown is
replaced.
"""

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

_SPELLED = {
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{EN DASH}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{MICRO SIGN}": "u",
}
"""What stands for a character that a stream cannot show; "?" for any other."""


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Error handler of a codec: spells the characters that cannot be encoded."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_SPELLED.get(character, "?") for character in lost), error.end


codecs.register_error("spinrnn_spell", _spell)


class Stream:
    """A text stream that never fails. It has all attributes of the stream that it
    stands for.

    Attributes:
        error: the first error of writing, None if there was none.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._errors = stream.errors if isinstance(stream, io.TextIOWrapper) else None
        self._kept: int | None = None
        self.error: OSError | ValueError | None = None
        self._reconfigure("spinrnn_spell")

    def write(self, text: str) -> int:
        try:
            self._stream.write(text)
        except (OSError, ValueError) as error:
            self._give_up(error)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._give_up(error)

    def isatty(self) -> bool:
        with contextlib.suppress(OSError, ValueError):
            return self._stream.isatty()
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def end(self) -> None:
        """Writes what is left; the stream below is as it was before."""
        self.flush()
        self._reconfigure(self._errors)
        if self._kept is not None:
            os.dup2(self._kept, self._stream.fileno())
            os.close(self._kept)

    def _reconfigure(self, errors: str | None) -> None:
        if isinstance(self._stream, io.TextIOWrapper):
            with contextlib.suppress(OSError, ValueError):
                self._stream.reconfigure(errors=errors)

    def _give_up(self, error: OSError | ValueError) -> None:
        """Remembers the first error and sends all that follows to the null device.

        What the stream still holds goes there too; else Python would complain of it
        when it ends.
        """
        if self.error is not None:
            return
        self.error = error
        with contextlib.suppress(OSError, ValueError):
            number = self._stream.fileno()
            self._kept = os.dup(number)
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, number)
            os.close(null)
            self._stream.flush()


def _reserve_numbers() -> None:
    """Opens the null device where one of the numbers 0, 1 and 2 is closed.

    Else the next file that is opened gets the number, and what a library writes to its
    standard error lands in that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # the system gives the lowest free number, which is this one
            if os.open(os.devnull, os.O_RDWR) == number:
                os.set_inheritable(number, True)


@contextlib.contextmanager
def careful() -> Iterator[tuple[Stream, Stream]]:
    """Within it `sys.stdout` and `sys.stderr` are `Stream`s; afterwards as before."""
    _reserve_numbers()
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w") as null:
        # Python has None for a stream that was closed when it started
        output, complaints = (Stream(stream or null) for stream in before)
        sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, complaints)
        try:
            yield output, complaints
        finally:
            output.end()
            complaints.end()
            sys.stdout, sys.stderr = before
