"""The errors that users see. Each is one line that says what is wrong, where, and what to do; the command line prints it and exits with status 2."""

import errno

_NETWORK = {
    errno.ENOLCK: "its file system has no working file locks",
    errno.ENOSYS: "its file system has no working file locks",
    errno.EOPNOTSUPP: "its file system has no working file locks",
    errno.ESTALE: "its network file system lost it, as it was removed or the server restarted",
    errno.EREMOTEIO: "its network file system does not answer as it should",
}


def reason_of(error):
    """One line with the system's reason for an OSError, or what another error says; those of network file systems with what to do."""
    text = (
        getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]
    )
    why = _NETWORK.get(getattr(error, "errno", None))
    if "lock file" in text:  # HDF5's words
        why = "HDF5 asked for a lock; export HDF5_USE_FILE_LOCKING=FALSE, as spinrnn needs none"
    return (
        f"{text}: {why}; choose a folder on another one, spinrnn doctor FOLDER examines it"
        if why
        else text
    )


class SpinrnnError(Exception):
    """Base of all errors that are the input's fault and not a bug of spinrnn."""

    def __str__(
        self,
    ):  # names and texts of a foreign file may hold line breaks, or what a terminal obeys
        return "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode() for c in super().__str__()
        )


class ConfigError(SpinrnnError, ValueError):
    """A configuration that cannot be used. `problems` lists every mistake found, as strings ``"key: what is wrong"``."""

    def __init__(self, problems, where=None):
        self.problems = list(problems)
        prefix = f"{where}: " if where else ""
        super().__init__(prefix + "; ".join(self.problems))


class DataError(SpinrnnError, ValueError):
    """Inputs, labels or lengths that the network cannot take, or a data set that cannot be read."""


class StoreError(SpinrnnError, OSError):
    """A file or folder that cannot be read or written: missing, truncated, foreign, too new, a full or read-only disk."""


class DivergenceError(SpinrnnError, ArithmeticError):
    """A state or loss became infinite or NaN. Attributes say where, as far as known: `case`, `layer`, `neuron`, `step` (substep, from 0)."""

    def __init__(self, message, *, case=None, layer=None, neuron=None, step=None):
        super().__init__(message)
        self.case, self.layer, self.neuron, self.step = case, layer, neuron, step


class MemoryLimitError(SpinrnnError, MemoryError):
    """A computation that does not fit into the memory it may take; said before anything is allocated."""


class EngineError(SpinrnnError, RuntimeError):
    """Workers that cannot be had: a library that is not installed, a scheduler that does not answer, processes that die at once."""


def listed(names):
    """Names out of a file in a message: ten at most, each on one line and not long."""
    names = list(names)
    shown = ", ".join(
        name.encode("unicode_escape").decode()[:60] if not name.isprintable() else name[:60]
        for name in names[:10]
    )
    return (shown + (f" and {len(names) - 10} more" if len(names) > 10 else "")) or "nothing"
