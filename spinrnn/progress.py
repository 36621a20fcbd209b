"""How far a long computation is: a bar in a notebook and on a terminal, lines in a log.

No computation depends on it: where nothing can be written, nothing is shown.
"""

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

SECONDS = 30.0
"""In a log between two lines, at most, as far as there is news."""


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config


def on_terminal() -> bool:
    """Whether standard error is a terminal."""
    try:
        return sys.stderr.isatty()
    # closed, or there is none
    except (AttributeError, OSError, ValueError):
        return False


def is_shown(wanted: bool | None) -> bool:
    """Whether progress is shown; None: in a notebook."""
    return in_notebook() if wanted is None else bool(wanted)


class Bar:
    """Progress of something that has a known size.

    Args:
        total: how much there is; unit: what is counted; done: what is there already.
        shown: whether anything is written.
    """

    def __init__(self, total: int, unit: str, done: int = 0, shown: bool = True) -> None:
        self._total, self._unit, self._done = total, unit, done
        self._bar: Any = None
        self._kind = ("log", "bar")[in_notebook() or on_terminal()] if shown else ""
        self._tenth, self._last = done * 10 // max(total, 1), time.monotonic()

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._write(self._bar.close)

    def __call__(self, done: int, text: str = "", line: str | None = None) -> None:
        """So much is done.

        Args:
            text: beside the bar; line: in a log, None for one of the numbers.
        """
        if self._kind == "bar":
            self._write(lambda: self._draw(done, text))
        elif self._kind == "log" and self._due(done):
            more = f", {text}" if text else ""
            own = f"{done} of {self._total} {self._unit}s{more}" if line is None else line
            self._write(lambda: print(own, flush=True))

    def _due(self, done: int) -> bool:
        """Whether a line is: at the first, at each tenth, after some seconds, at the
        end.
        """
        tenth, now = done * 10 // max(self._total, 1), time.monotonic()
        new = done > self._done
        first = new and self._done == 0
        self._done = done
        if not (first or tenth > self._tenth or now - self._last >= SECONDS):
            return False
        self._tenth, self._last = tenth, now
        return True

    def _draw(self, done: int, text: str) -> None:
        if self._bar is None:
            with warnings.catch_warnings():
                # a notebook without widgets gets a bar of text
                warnings.simplefilter("ignore")
                from tqdm.auto import tqdm

                own = {"unit": self._unit, "dynamic_ncols": True, "miniters": 1}
                self._bar = tqdm(total=self._total, initial=self._done, **own)
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(done - self._bar.n)

    def _write(self, action: Callable[[], object]) -> None:
        """Does it; after an error of a stream nothing more is written."""
        try:
            action()
        except (AttributeError, OSError, ValueError):
            self._kind, self._bar = "", None


def numbers_of(trainer: Any) -> str:
    """Loss and score of the latest epoch, in short."""
    record, name = trainer.history[-1], f"validation_{trainer.config.task.chooses}"
    value = record.get(name)
    own = "" if value is None else f", {name.replace('_', ' ')} {value:.4g}"
    return f"loss {record['train_loss']:.4g}{own}"


class TrainingBar:
    """Progress of a training, in epochs, and in a log within them.

    Args:
        text: what is said of a `Trainer` after an epoch.
    """

    def __init__(self, text: Callable[[Any], str] = numbers_of) -> None:
        self._text = text
        self._bar: Bar | None = None
        self._trainer: Any = None
        self._last = time.monotonic()

    def __enter__(self) -> "TrainingBar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.__exit__()

    def start(self, trainer: Any) -> None:
        """A training begins or goes on, or an ensemble's next member."""
        self.__exit__()
        self._bar = None
        self._trainer, self._last = trainer, time.monotonic()

    def __call__(self, trainer: Any) -> None:
        """An epoch has ended."""
        epoch, epochs = trainer.history[-1]["epoch"], trainer.epochs
        if self._bar is None:
            self._bar = Bar(epochs, "epoch", epoch - 1)
        text = self._text(trainer)
        line = f"epoch {epoch:>4} of {epochs}: {text}, {trainer.seconds():.1f} s"
        self._bar(epoch, text, line)
        self._last = time.monotonic()

    def tick(self) -> None:
        """A batch has been learned; a log gets a line where an epoch takes long."""
        trainer, now = self._trainer, time.monotonic()
        if trainer is None or now - self._last < SECONDS or in_notebook() or on_terminal():
            return
        self._last = now
        place = f"epoch {trainer.epoch + 1:>4} of {trainer.epochs}"
        batches = f"batch {trainer.batch} of {trainer.batches}"
        try:
            print(f"{place}, {batches}, {trainer.seconds():.1f} s", flush=True)
        except (AttributeError, OSError, ValueError):
            self._trainer = None

    def around(self, on_start: Any, on_epoch: Any, stop: Any) -> tuple[Any, Any, Any]:
        """The functions that a training calls, with this one after what they do."""

        def started(trainer: Any) -> None:
            if on_start:
                on_start(trainer)
            self.start(trainer)

        def ended(trainer: Any) -> None:
            if on_epoch:
                on_epoch(trainer)
            self(trainer)

        def stopped() -> bool:
            self.tick()
            return stop is not None and stop()

        return started, ended, stopped
