"""What is told of a learned device: sentences, findings, and the files device.h5,
device.json, device.csv and device.png."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.files.atomic import make_folder, write_together
from spinrnn.files.text import to_json
from spinrnn.findings import findings
from spinrnn.identify.learn import LearnedFit
from spinrnn.identify.learnadvice import advice_lines, doubts
from spinrnn.identify.learnrecords import Records
from spinrnn.notebook import plural
from spinrnn.plotting import picture_or_none

FILES = ("device.h5", "device.json", "device.csv", "device.png")


def lines_of(fit: LearnedFit, source: str) -> Iterator[str]:
    """Text about a learned device, line by line."""
    records, device = fit.records, fit.device
    step = f"{records.sampling_step:.4g} s apart"
    cases = plural(len(records.cases), "case")
    yield f"{source}: {len(records.output)} samples, {step}, in {cases}"
    yield from doubts(records)
    for channel in (device.output, *device.drives):
        ends = f"{channel.low:.5g} to {channel.high:.5g}"
        unit = "" if channel.unit == "1" else f" {channel.unit}"
        what = "output" if channel is device.output else "drive"
        yield f"{what} {channel.name}: seen from {ends}{unit}"
    if fit.scouted:
        errors = ", ".join(f"{100 * error:.3g} % with {k}" for k, error in fit.scouted.items())
        yield f"number of states by the held-out error: {errors}"
    yield f"states: {device.delays}, {device.output.name} at so many successive samples"
    sizes = [a.shape[0] for a, _ in device.weights[:-1]]
    yield f"hidden units: {' and '.join(map(str, sizes))}"
    yield f"open-loop NRMSE: training {_percent(fit.training_error)}, held out " + _percent(
        fit.held_out_error
    )
    yield f"noise: {fit.noise.sentence}"
    yield from _verdict(fit)
    yield from advice_lines(fit)
    interval = device.provenance["input_interval"]
    yield f"for a network of it: [network] input_interval = {interval:.4g}  # s"


def _percent(share):
    return f"{100 * share:.3g} %"


def _verdict(fit):
    if fit.describes:
        yield f"The learned device describes what was held out, to {_percent(fit.excess)}."
    else:
        yield (
            f"The learned device does not describe what was held out: {_percent(fit.excess)}"
            f" are beyond its noise, the bound is {_percent(fit.bound)}."
        )
    parting = fit.parting
    if parting.time is not None:
        yield (
            f"From {parting.time:.6g} s on the recording is not that of the learned device:"
            f" NRMSE {_percent(parting.error)} from there."
        )


def report_of(fit: LearnedFit, source: str) -> dict[str, Any]:
    """The numbers for JSON."""
    device = fit.device
    return {
        "file": source,
        "findings": findings(_errors(fit) | _noise(fit)),
        "output": device.output._asdict(),
        "drives": [drive._asdict() for drive in device.drives],
        "provenance": dict(device.provenance),
    }


def _errors(fit):
    """{key: (value, unit, meaning)} of how well the device is described."""
    scouted = {str(k): error for k, error in fit.scouted.items()}
    parting, step = fit.parting, fit.device.sampling_step
    return {
        "describes": (fit.describes, "", "the excess is within the bound"),
        "states": (fit.device.delays, "1", "number of states, k"),
        "training_nrmse": (fit.training_error, "1", "open loop, of the training part"),
        "held_out_nrmse": (fit.held_out_error, "1", "open loop, of the held-out part"),
        "expected_nrmse": (fit.expected_error, "1", "what the noise makes of it"),
        "excess_nrmse": (fit.excess, "1", "held-out NRMSE beyond the noise"),
        "bound": (fit.bound, "1", "largest excess of a device that is described"),
        "compared_states": (scouted, "1", "held-out NRMSE of short trainings by k"),
        "sampling_step": (step, "s", "time between two samples"),
        "input_interval": (fit.device.provenance["input_interval"], "s", "for a network of it"),
        "parting_time": (parting.time, "s", "from when on recording and device part"),
        "parting_nrmse": (parting.error, "1", "NRMSE from then on"),
    }


def _noise(fit):
    """{key: (value, unit, meaning)} of the noise that was found."""
    unit, scale, noise = fit.device.output.unit, fit.device.output.scale, fit.noise
    process, readout = noise.process / scale, noise.readout / scale
    return {
        "noise_of_device": (process, unit, "root mean square of its kick in a sampling step"),
        "noise_varies": (noise.varies, "", "it depends on state and drive"),
        "noise_of_readout": (readout, unit, "standard deviation of the readout's noise"),
        "noise_told_apart": (noise.told_apart, "", "readout noise would be seen"),
        "noise": (noise.sentence, "", "what was found of noise"),
    }


def write_learned(fit: LearnedFit, out: str | Path, source: str) -> list[str]:
    """Writes `FILES` into a folder; returns the names of those that were written.

    A picture that fails costs no number: there is a warning in its place.

    Raises:
        StoreError: that is impossible.
    """
    from spinrnn.identify.learnfigures import learned_fit

    out = Path(out)
    make_folder(out)
    device, numbers, table, picture = FILES
    fit.device.save(out / device)
    contents: dict[str, str | bytes] = {numbers: to_json(report_of(fit, source))}
    contents[table] = rows_of(fit.records, fit.predicted)
    drawn = picture_or_none(lambda: learned_fit(fit)[0], picture)
    if drawn is not None:
        contents[picture] = drawn
    write_together({out / name: content for name, content in contents.items()})
    return [device, *contents]


def rows_of(records: Records, run: np.ndarray) -> str:
    """CSV of all samples and a run (time,); empty where there is no number."""
    names = [f"{n} ({u})" for n, u in zip(records.names, records.units, strict=True)]
    rows = [",".join(["case,time (s)", *names, "learned"])]
    for case, (first, last) in enumerate(records.cases):
        for t in range(first, last):
            numbers = (records.output[t], *records.drives[:, t], run[t])
            texts = ["" if np.isnan(x) else f"{x:.8g}" for x in numbers]
            rows.append(f"{case},{records.time[t]:.12g},{','.join(texts)}")
    return "\n".join(rows) + "\n"
