"""A number that the user sets for the whole process, or for a block of code alone."""

import contextlib
from contextvars import ContextVar
from typing import Any


class Setting:
    """A value of the process; None where nothing was set.

    A block holds for the thread that entered it, and for those that run a copy of its
    context. So two threads in blocks at the same time neither see the other's value nor
    leave theirs behind, in whatever order they end.
    """

    def __init__(self, name):
        self._process: Any = None
        self._block: ContextVar[list | None] = ContextVar(name, default=None)

    def get(self):
        """The value that holds here."""
        block = self._block.get()
        return self._process if block is None else block[0]

    def set(self, value):
        """Sets it: within a block until its end, else for the process."""
        block = self._block.get()
        if block is None:
            self._process = value
        else:
            block[0] = value

    @contextlib.contextmanager
    def within(self, value):
        """A block with this value; None: with the one that holds now."""
        before = self._block.get()
        self._block.set([self.get() if value is None else value])
        try:
            yield
        finally:
            self._block.set(before)
