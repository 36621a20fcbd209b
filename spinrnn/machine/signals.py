"""Signals that ask a run to stop after the current batch, with a checkpoint.

The exit status says which signal it was.
"""

import os
import signal
import threading
import time

REQUEUE = 75
"""Exit status after SIGUSR1, by which a batch queue says that the time is nearly over:
run the same command again, it goes on.
"""
GRACE = 2.0
"""Seconds in which a SIGTERM after another signal is taken for the same request: a
batch queue and its script may both send one.
"""
_ENDED = b"spinrnn: ended at once by a second signal; the last checkpoint stays\n"


class StopSignals:
    """Turns Ctrl-C, SIGTERM and SIGUSR1 into a request to stop.

    True when called once one has come. A second Ctrl-C stops at once.

    Args:
        watched: whether it does so also while compiled code runs, in which Python hears
            no signal; so does a SIGTERM then, `GRACE` after any other signal.
    Attributes:
        number: of the first signal, or None.
    """

    def __init__(self, watched=False):
        self.number = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, self._note)
        self._pipe = _watch() if watched else None

    def close(self):
        """Ends the watch; signals go on being noted."""
        if self._pipe is not None:
            signal.set_wakeup_fd(-1)
            os.close(self._pipe)
            self._pipe = None

    def _note(self, number, _):
        self.number = self.number or int(number)
        # the others may come several times, from a batch queue and from its script
        if number == signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)

    def __call__(self):
        return self.number is not None

    @property
    def status(self):
        """Exit status: 130 after Ctrl-C, 75 after SIGUSR1, 143 after SIGTERM or
        none.
        """
        number = self.number or int(signal.SIGTERM)
        return REQUEUE if number == signal.SIGUSR1 else 128 + number


def _watch():
    """Begins a thread that reads the numbers of signals as they come, from a pipe into
    which the interpreter writes them at once; returns its end for that.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    # a child's signals are not this process's
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    threading.Thread(target=_end, args=(read,), name="signals", daemon=True).start()
    return write


def _end(read):
    """Ends the process when a second signal comes that shall do so: a queue sends
    SIGUSR1 before its time is over, and SIGTERM when it is.
    """
    first = {}
    while data := os.read(read, 1):
        number, now = data[0], time.monotonic()
        waited = now - min(first.values(), default=now)
        again = number == signal.SIGINT and number in first
        if again or (number == signal.SIGTERM and waited >= GRACE):
            os.write(2, _ENDED)
            os._exit(128 + number)
        if number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            first.setdefault(number, now)
    os.close(read)
