"""Figures. Every function takes an `ax` to draw into, makes a figure of its own without one, returns the axes, and never shows or saves."""

import io

import numpy as np

from spinrnn.files.atomic import write_atomic


def prefixed(values, unit):
    """(factor, prefixed unit) that brings the largest of the values between 1 and 1000."""
    values = np.abs(np.asarray(values, dtype=float))
    largest = np.max(values[np.isfinite(values)], initial=0.0)
    power = int(np.clip(np.floor(np.log10(largest) / 3), -5, 4)) if largest > 0 else 0
    return 10.0 ** (-3 * power), ("f", "p", "n", "µ", "m", "", "k", "M", "G", "T")[power + 5] + unit


def save(ax, path):
    """Writes the figure of these axes as PNG, atomically; StoreError if that is impossible."""
    write_atomic(path, picture(ax))


def picture(ax):
    """The figure of these axes as PNG, bytes."""
    return figure_bytes(ax.figure, format="png", dpi=150)


def figure_bytes(figure, **options):
    """A figure with the options of `savefig`, among them the format, as bytes."""
    content = io.BytesIO()
    figure.savefig(content, **options)
    return content.getvalue()
