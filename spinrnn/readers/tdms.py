"""National Instruments' TDMS files, through npTDMS, which the extra `lab` brings."""

import io
import math
from pathlib import Path

import numpy as np

from spinrnn.errors import DataError
from spinrnn.files.hdf5 import first_line
from spinrnn.readers.table import Table

ENDINGS = (".tdms",)
SIGNATURE = b"TDSm"
_UNITS = ("unit_string", "NI_UnitDescription")
"""Properties of a channel that programs write its unit to."""


def claims(content: bytes) -> bool:
    """Whether the bytes begin as such a file."""
    return content.startswith(SIGNATURE)


def read(path: str | Path, content: bytes) -> Table:
    """`Table` of the bytes of a file: an array for each channel, called group/channel
    where there are several groups; and `time` in s where all channels of a group have
    one step.

    Raises:
        DataError: npTDMS is not installed, or the file is damaged.
    """
    try:
        import nptdms
    except ImportError:
        raise DataError(
            f"{path}: TDMS files need npTDMS; pip install 'spinrnn[lab]' brings it"
        ) from None
    try:
        with nptdms.TdmsFile.read_metadata(io.BytesIO(content)) as head:
            claimed = sum(len(channel) for group in head.groups() for channel in group.channels())
        if claimed > len(content):
            raise DataError(f"{path}: claims {claimed} values, more than it has bytes")
        file = nptdms.TdmsFile.read(io.BytesIO(content))
        return _table(path, file)
    except DataError:
        raise
    # what is damaged raises errors of many classes
    except Exception as error:
        raise DataError(f"{path}: not a TDMS file, or damaged ({first_line(error)})") from None


def _table(path, file):
    arrays, units, left_out, notes = {}, {}, {}, []
    groups = file.groups()
    for group in groups:
        prefix = f"{group.name}/" if len(groups) > 1 else ""
        for channel in group.channels():
            name, values = f"{prefix}{channel.name}", channel[:]
            if values.dtype.kind in "fiub":
                arrays[name] = values.astype(values.dtype.newbyteorder("="))
            elif values.dtype.kind in "OU":
                arrays[name] = np.array([str(value) for value in values], dtype=np.str_)
            else:
                left_out[name] = "is a channel of dates, which are not read"
            unit = next((channel.properties[k] for k in _UNITS if k in channel.properties), None)
            if unit is not None:
                units[name] = str(unit)
        times = _times(group)
        if times is not None and f"{prefix}time" not in arrays:
            arrays[f"{prefix}time"], units[f"{prefix}time"] = times, "s"
            notes.append(f"{prefix}time follows from the channels' first time and step")
    attributes = {str(key): value for key, value in file.properties.items()}
    return Table(Path(path), arrays, attributes, units, left_out=left_out, notes=tuple(notes))


def _times(group):
    """(time,) s of all channels of a group, or None where they have no common ones."""
    found = set()
    for channel in group.channels():
        step = channel.properties.get("wf_increment")
        if step is None:
            continue
        found.add((len(channel), float(channel.properties.get("wf_start_offset", 0)), float(step)))
    if len(found) != 1:
        return None
    ((count, start, step),) = found
    return start + step * np.arange(count) if math.isfinite(start) and step > 0 else None
