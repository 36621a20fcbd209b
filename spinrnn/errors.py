"""The errors that users see, and how their sentences are made.

Each is one line that says what is wrong, where, and what to do; the command line prints
it and exits with status 2.
"""

import errno

_NETWORK = {
    errno.ENOLCK: "its file system has no working file locks",
    errno.ENOSYS: "its file system has no working file locks",
    errno.EOPNOTSUPP: "its file system has no working file locks",
    errno.ESTALE: "its network file system lost it, as it was removed or the server restarted",
    errno.EREMOTEIO: "its network file system does not answer as it should",
}


# ---- classes ----


class SpinrnnError(Exception):
    """Base of all errors that are the input's fault and not a bug of spinrnn."""

    def __str__(self):
        # texts of a foreign file may hold line breaks, or what a terminal obeys
        return "".join(map(_printable, super().__str__()))


class ConfigError(SpinrnnError, ValueError):
    """A configuration that cannot be used.

    Attributes:
        problems: every mistake found, as strings ``"key: what is wrong"``.
    """

    problems: list[str]

    def __init__(self, problems, where=None):
        self.problems = list(problems)
        prefix = f"{where}: " if where else ""
        super().__init__(prefix + "; ".join(self.problems))


class OldKeyWarning(UserWarning):
    """A key of 0.1 in a configuration, with the key that it is now."""


class DataNote(UserWarning):
    """What was made of data, and their owner may have meant otherwise."""


class DataError(SpinrnnError, ValueError):
    """Inputs, labels or lengths that do not fit the network, or unreadable data."""


class StoreError(SpinrnnError, OSError):
    """A file or folder that cannot be read or written.

    Missing, truncated, foreign, too new, a full or read-only disk.
    """


class DivergenceError(SpinrnnError, ArithmeticError):
    """A state or loss became infinite or NaN.

    Attributes:
        case, layer, neuron, step: where, as far as known; the substep from 0.
    """

    case: int | None
    layer: int | None
    neuron: int | None
    step: int | None

    def __init__(self, message, *, case=None, layer=None, neuron=None, step=None):
        super().__init__(message)
        self.case, self.layer, self.neuron, self.step = case, layer, neuron, step


class DeviceError(SpinrnnError, RuntimeError):
    """A device in the loop that does not answer, or whose answer cannot be used."""


class MemoryLimitError(SpinrnnError, MemoryError):
    """A computation beyond its memory; said before anything is allocated."""


class EngineError(SpinrnnError, RuntimeError):
    """Workers that cannot be had.

    A library is not installed, a scheduler does not answer, processes die at once.
    """


# ---- sentences ----


def reason_of(error):
    """One line with the system's reason for an OSError, or what another error says.

    Reasons of network file systems come with what to do.
    """
    text = getattr(error, "strerror", None)
    text = text or (str(error).splitlines() or [type(error).__name__])[0]
    why = _NETWORK.get(getattr(error, "errno", None) or 0)
    # these are HDF5's words
    if "lock file" in text:
        why = "HDF5 asked for a lock; export HDF5_USE_FILE_LOCKING=FALSE, as spinrnn needs none"
    if why is None:
        return text
    return f"{text}: {why}; choose a folder on another one, spinrnn doctor FOLDER examines it"


def listed(names):
    """Names out of a file in a message: ten at most, each on one line and not long."""
    names = list(names)
    shown = ", ".join(_short(name) for name in names[:10])
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return shown + more or "nothing"


def _short(name):
    return (name if name.isprintable() else name.encode("unicode_escape").decode())[:60]


def _printable(character):
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()
