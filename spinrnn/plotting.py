"""Pictures: PNG files, units with a prefix, our settings of matplotlib for all of them.

`settings` is the context in which a figure of ours is made and saved. `in_our_settings`
puts a drawing function into it where that makes a figure of its own; axes that a user
gives keep the user's settings.
"""

import contextlib
import functools
import inspect
import io
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinrnn.files.atomic import write_atomic

_settings_lock = threading.RLock()


@contextlib.contextmanager
def settings(changes: Mapping[str, Any] | tuple = ()) -> Iterator[None]:
    """Context in which matplotlib has its own defaults and the changes, {name: value}.

    A user's matplotlibrc (LaTeX for all text, fonts, sizes, formats) has no effect
    within, and holds again afterwards. The settings belong to the process: one thread
    at a time.
    """
    with _settings_lock, matplotlib.rc_context():
        matplotlib.rcdefaults()
        for name, value in dict(changes).items():
            matplotlib.rcParams[name] = value
        yield


def in_our_settings(draw: Callable) -> Callable:
    """Decorator of a function of `ax` or `axes`: in `settings` where that is None."""
    signature = inspect.signature(draw)

    @functools.wraps(draw)
    def drawn(*args, **kwargs):
        given = signature.bind(*args, **kwargs).arguments
        if given.get("ax") is not None or given.get("axes") is not None:
            return draw(*args, **kwargs)
        with settings():
            return draw(*args, **kwargs)

    return drawn


def prefixed(values: Any, unit: str) -> tuple[float, str]:
    """(factor, prefixed unit) that bring the largest value between 1 and 1000."""
    values = np.abs(np.asarray(values, dtype=float))
    largest = np.max(values[np.isfinite(values)], initial=0.0)
    power = int(np.clip(np.floor(np.log10(largest) / 3), -5, 4)) if largest > 0 else 0
    return 10.0 ** (-3 * power), ("f", "p", "n", "µ", "m", "", "k", "M", "G", "T")[power + 5] + unit


def save(ax: Axes, path: str | Path) -> None:
    """Writes the figure of these axes as PNG; StoreError if that is impossible."""
    write_atomic(path, picture(ax))


def picture(ax: Axes) -> bytes:
    """The figure of these axes as PNG, bytes, in our settings."""
    with settings():
        return figure_bytes(ax.figure, format="png", dpi=150)


def figure_bytes(figure: Figure, **options: Any) -> bytes:
    """A figure with the options of `savefig`, among them the format, as bytes."""
    content = io.BytesIO()
    figure.savefig(content, **options)
    return content.getvalue()


def picture_or_none(draw: Callable[[], Axes], name: str) -> bytes | None:
    """`picture` of the axes that draw() returns; None with a warning if that fails.

    A picture is drawn when the numbers are there already, and must not cost them.
    """
    try:
        return picture(draw())
    except MemoryError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        warnings.warn(
            f"{name} is not written, as drawing failed: {type(error).__name__}: {reason}",
            stacklevel=2,
        )
        return None
