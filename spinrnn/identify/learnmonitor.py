"""A learned device beside a further recording: its error, and when the two part.

The error that is usual comes with the device: the largest running error of the parts
that it was learned and judged by.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spinrnn.errors import DataError
from spinrnn.files.atomic import make_folder, write_together
from spinrnn.files.text import to_json
from spinrnn.findings import findings
from spinrnn.identify.learn import Parting, first_parting
from spinrnn.identify.learnrecords import Records
from spinrnn.identify.learnwording import rows_of
from spinrnn.neurons.learned import LearnedDevice

FILES = "monitor.json", "monitor.csv"


class Monitored(NamedTuple):
    """A recording under a learned device.

    Attributes:
        device, records: what was compared.
        simulated: (time,) output of the device, NaN before its start in a case.
        error: NRMSE up to the parting; parting: see `Parting`.
        bound: NRMSE up to which the recording is that of the device.
    """

    device: LearnedDevice
    records: Records
    simulated: np.ndarray
    error: float
    parting: Parting
    bound: float

    @property
    def describes(self) -> bool:
        """Whether the recording is that of the device, throughout."""
        return self.error <= self.bound and self.parting.time is None


def monitored(device: LearnedDevice, records: Records, bound: float = 0.1) -> Monitored:
    """Runs a device under the drives of a recording, from its first outputs on.

    bound: see `Monitored`; what the device's noise makes comes on top of it.

    Raises:
        DataError: other drives, or another sampling step than the device's.
    """
    drives = _drives(device, records)
    simulated = np.full(len(records.output), np.nan)
    for first, last in records.cases:
        start = _start(records.output[first:last], device.delays)
        if start is None:
            continue
        own = slice(first + start, last)
        outputs = records.output[own][: device.delays]
        # on the grid that the times were checked to be on
        time = device.sampling_step * np.arange(last - first - start)
        simulated[own] = device.simulate(time, drives[:, own], outputs)
    errors = np.abs(simulated - records.output)
    if not np.isfinite(errors).any():
        raise DataError(f"{records.names[0]}: no case has {device.delays} successive values")
    usual = float(device.provenance.get("largest_running_error", np.inf))
    parting = first_parting(records, errors, np.zeros(len(errors), dtype=bool), usual)
    kept = slice(0, parting.sample)
    spread = float(np.nanstd(records.output[kept]))
    error = float(np.sqrt(np.nanmean(errors[kept] ** 2)) / spread) if spread else np.inf
    noise = float(device.provenance.get("expected_nrmse", 0.0))
    return Monitored(device, records, simulated, error, parting, float(np.hypot(bound, noise)))


def _drives(device, records):
    """(drive, time) in the device's order: by name where all names are known."""
    own, wanted = records.names[1:], [channel.name for channel in device.drives]
    if len(own) != len(wanted):
        raise DataError(
            f"drive: the device has {len(wanted)} ({', '.join(wanted)}), the recording {len(own)}"
        )
    step = device.sampling_step
    if abs(records.sampling_step - step) > 0.01 * step:
        raise DataError(
            f"time: the recording has steps of {records.sampling_step:.6g} s, the device was"
            f" learned at {step:.6g} s; give --every, or resample the recording"
        )
    if set(own) == set(wanted):
        return records.drives[[own.index(name) for name in wanted]]
    return records.drives


def _start(output, states):
    """The first sample with k recorded values; None where there is none."""
    there = np.isfinite(output)
    for start in range(len(output) - states + 1):
        if there[start : start + states].all():
            return start
    return None


def told(found: Monitored, source: str) -> list[str]:
    """Sentences for people."""
    parting, error = found.parting, f"{100 * found.error:.3g} %"
    lines = [f"{source}: {len(found.records.output)} samples under the learned device"]
    if parting.time is not None:
        lines.append(
            f"From {parting.time:.6g} s on the recording is not that of the learned device; up to"
            f" then the NRMSE is {error}."
        )
    elif found.describes:
        lines.append(f"The recording is that of the learned device: NRMSE {error}.")
    else:
        bound = f"{100 * found.bound:.3g} %"
        lines.append(f"The recording is not that of the learned device: NRMSE {error}, the bound"
                     f" is {bound}.")  # fmt: skip
    return lines


def report_of(found: Monitored, source: str, device: str) -> dict[str, Any]:
    """The numbers for JSON."""
    entries = {
        "describes": (found.describes, "", "the recording is that of the device"),
        "nrmse": (found.error, "1", "NRMSE up to the parting"),
        "bound": (found.bound, "1", "largest NRMSE of the device"),
        "parting_time": (found.parting.time, "s", "from when on recording and device part"),
    }
    return {"file": source, "device": device, "findings": findings(entries)}


def write_monitored(found: Monitored, out: str | Path, report: dict[str, Any]) -> list[str]:
    """Writes `FILES` into a folder; returns their names. StoreError: impossible."""
    out = Path(out)
    make_folder(out)
    table = rows_of(found.records, found.simulated)
    contents = dict(zip(FILES, (to_json(report), table), strict=True))
    write_together({out / name: content for name, content in contents.items()})
    return list(contents)
