"""WAV files, through SciPy: samples as shares of the full scale, and their rate."""

import io
import struct
import warnings
from pathlib import Path

import numpy as np

from spinrnn.errors import DataError
from spinrnn.files.hdf5 import first_line
from spinrnn.readers.table import Table

ENDINGS = (".wav",)
_FORMS = (b"RIFF", b"RIFX", b"RF64")
_UNKNOWN = (0, 0xFFFFFFFF)
"""Lengths that programs write who do not know it yet."""


def claims(content: bytes) -> bool:
    """Whether the bytes begin as such a file."""
    return content[:4] in _FORMS and content[8:12] == b"WAVE"


def read(path: str | Path, content: bytes) -> Table:
    """`Table` of the bytes of a file.

    Its arrays: `samples` (time,), or (channel, time) where there are several, between
    -1 and 1 where the file has whole numbers; `time` (time,) s from 0. Its attribute:
    `rate` in Hz.

    Raises:
        DataError: damaged, truncated, empty or packed in a way that SciPy cannot read.
    """
    from scipy.io import wavfile

    _check_length(path, content)
    try:
        with warnings.catch_warnings():
            # of chunks that hold no samples
            warnings.simplefilter("ignore")
            rate, samples = wavfile.read(io.BytesIO(content))
    # what is damaged raises errors of many classes
    except Exception as error:
        raise DataError(f"{path}: not a WAV file, or damaged ({first_line(error)})") from None
    if not samples.size or rate <= 0:
        raise DataError(f"{path}: holds no samples, or no rate")
    shares = _shares(samples)
    arrays = {
        "samples": shares if shares.ndim == 1 else np.ascontiguousarray(shares.T),
        "time": np.arange(len(samples)) / rate,
    }
    return Table(Path(path), arrays, {"rate": rate}, {"samples": "", "time": "s"})


def _check_length(path, content):
    """Raises DataError for a file that is shorter than its head says."""
    order = ">" if content[:4] == b"RIFX" else "<"
    if len(content) < 12 or not claims(content):
        raise DataError(f"{path}: not a WAV file")
    (length,) = struct.unpack_from(order + "I", content, 4)
    if length not in _UNKNOWN and length + 8 > len(content):
        raise DataError(
            f"{path}: truncated, its head tells {length + 8} bytes, it has {len(content)}"
        )


def _shares(samples):
    """Samples as shares of the full scale, in the smallest kind that holds them."""
    if samples.dtype.kind == "f":
        return samples
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    kind = np.float32 if samples.dtype.itemsize == 2 else np.float64
    return samples.astype(kind) / kind(2 ** (8 * samples.dtype.itemsize - 1))
