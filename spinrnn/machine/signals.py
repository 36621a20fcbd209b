"""Signals that ask a run to stop after the current batch, with a checkpoint.

The exit status says which signal it was.
"""

import signal

REQUEUE = 75
"""Exit status after SIGUSR1, by which a batch queue says that the time is nearly over:
run the same command again, it goes on.
"""


class StopSignals:
    """Turns Ctrl-C, SIGTERM and SIGUSR1 into a request to stop.

    True when called once one has come. A second Ctrl-C stops at once.

    Attributes:
        number: of the first signal, or None.
    """

    def __init__(self):
        self.number = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, self._note)

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
