"""The Spin-Neural ODE (arXiv:2108.02318; Nat. Commun. 13, 1016 (2022)): the weights
that its authors published as learned devices of ours.

Two skyrmions (micromagnetics) and a measured oscillator: their open loop, the
frequencies of two test tables, the fixed points, the Mackey-Glass series with one
device as a reservoir, and networks of such devices on the digits.
"""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spinrnn.config.run import NetworkConfig
from spinrnn.datasets.loading import load_digits
from spinrnn.networks.recurrent import Network
from spinrnn.neurons.learned import Channel, LearnedDevice
from spinrnn.neurons.learnedkind import Learned, at_rest
from spinrnn.neurons.published import learned_of_weights
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.systems.learning import accuracy, mean, trained
from spinrnn.systems.trials import Trial

STEP, UNIT = 5e-12, 0.025
"""D of the skyrmions in s, and in the weights' unit of time."""
MEASURED_STEP, MEASURED_UNIT = 100e-9, 0.0125
"""Of the measured oscillator; the 100 ns are inferred from the paper's "five
milliseconds" of 50,000 samples."""
PERIOD = 50
"""Sampling steps of a period of the drive, 4 GHz."""
TRAINED = 10_000
"""Points that the authors trained on."""
COLLAPSE_FROM = 20_000
SEGMENT, LAST = 800, 600
"""Points of each value of the test tables, and those of the spectrum."""
HORIZONS = (0, 1, 2, 5, 12, 22, 30, 40)
MASK, DROPPED, LEARNED, RIDGE, AMPLITUDE = 50, 300, 5000, 1e-4, 0.4
"""Of the reservoir: values of a point, points that are dropped and trained on."""
CONSTANT_DRIVES = (-3, -2, -1, 0, 1, 2, 3)
EPOCHS, SEEDS = 30, 5


# ---- the devices ----


def skyrmion(folder: Path, mz: float) -> LearnedDevice:
    """The skyrmion under bursts of voltage; mz: at the start of its table."""
    drive = Channel("Ku1", "J/m3", 8e5, 1 / 2e5, 6e5, 1e6)
    return _device(folder, "1skyrmion_voltage", mz, (drive,))


def two_drives(folder: Path, mz: float, name: str) -> LearnedDevice:
    """The skyrmion under anisotropy and Dzyaloshinskii-Moriya interaction."""
    drives = (
        Channel("Ku1", "J/m3", 8e5, 1 / 0.5e5, 7.5e5, 8.5e5),
        Channel("Dind", "J/m2", 3e-3, 1 / 0.4e-3, 2.6e-3, 3.4e-3),
    )
    return _device(folder, name, mz, drives)


def _device(folder, name, mz, drives):
    path = folder / "published" / f"node_{name}.npz"
    return learned_of_weights(path, Channel("mz", "1", mz, 10.0, -1, 1), drives, STEP, UNIT)


def measured_oscillator(folder: Path, name: str) -> LearnedDevice:
    """The twin of a real oscillator: "spectrogram" or "cochlear"; volts, presumably."""
    output = Channel("voltage", "V", 0.0, 10.0, -0.3, 0.3)
    drive = Channel("drive", "V", 0.0, 10.0, -0.3, 0.3)
    path = folder / "published" / f"node_measured_oscillator_{name}.npz"
    return learned_of_weights(path, output, (drive,), MEASURED_STEP, MEASURED_UNIT)


# ---- open loop ----


class Recorded(NamedTuple):
    """A table of mumax3 from the end of what is discarded on.

    y: 10 (mz - mz(0)); mz: mz(0); drive: (points) -> (drives,) u at a time in sampling
    steps.
    """

    y: np.ndarray
    mz: float
    drive: Callable[[float], np.ndarray]


def voltage_table(folder: Path) -> Recorded:
    """The training table of the bursts, every second row."""
    mz = _table(folder / "1skyrmion_voltage_train")[::2, 3]
    amplitudes = 2 * np.random.RandomState(6).rand(6001) - 1
    first = 30 * PERIOD
    return Recorded(10 * (mz[first:] - mz[0]), float(mz[0]), _sines(amplitudes, first))


def both_table(folder: Path) -> Recorded:
    """The training table of both drives."""
    mz = _table(folder / "1skyrmion_input_PMA_DMI_train")[:, 3]
    amplitudes = 2 * np.random.RandomState(6).rand(6001) - 1
    drive = _sines(amplitudes, 1000, amplitudes[3000:])
    return Recorded(10 * (mz[1000:] - mz[0]), float(mz[0]), drive)


def _table(folder):
    """Rows of a table.txt.gz."""
    return np.loadtxt(folder / "table.txt.gz")


def _sines(fast, first, slow=None):
    """u of a time in sampling steps from `first` on."""

    def drive(at):
        at += first + 1e-9
        found = [fast[int(at / PERIOD)] * np.sin(2 * np.pi * at / PERIOD)]
        if slow is not None:
            long = 10 * PERIOD
            found.append(slow[int(at / long)] * np.sin(2 * np.pi * at / long))
        return np.array(found)

    return drive


def free_run(device: LearnedDevice, z: np.ndarray, drive: Callable, points: int) -> np.ndarray:
    """(points, ..., k) states from z on by the 3/8 rule; drive: of a time in sampling
    steps, gives (..., drives) scaled, not held.
    """
    h, found = device.unit_step, [z]

    def slope(at, z):
        delayed = [drive(at + i) for i in range(device.delays)]
        v = np.moveaxis(np.array(delayed), 0, -1)
        return device.slope(z, v.reshape(*v.shape[:-2], -1))

    for n in range(points - 1):
        k1 = slope(n, z)
        k2 = slope(n + 1 / 3, z + h * k1 / 3)
        k3 = slope(n + 2 / 3, z + h * (k2 - k1 / 3))
        k4 = slope(n + 1, z + h * (k1 - k2 + k3))
        z = z + h / 8 * (k1 + 3 * k2 + 3 * k3 + k4)
        found.append(z)
    return np.array(found)


def _open_loop(folder, name):
    recorded = voltage_table(folder) if name == "1skyrmion_voltage" else both_table(folder)
    known = skyrmion(folder, recorded.mz) if name == "1skyrmion_voltage" else None
    device = known or two_drives(folder, recorded.mz, name)
    y, found = recorded.y, {}
    for what, first in (("trained", 0), ("held_out", TRAINED)):
        start = y[first : first + 2]
        run = free_run(device, start, lambda at, f=first: recorded.drive(at + f), TRAINED)[:, 0]
        own = y[first : first + len(run)]
        run = run[: len(own)]
        mse = float(np.mean((run - own) ** 2))
        found |= {f"mse_{what}": mse, f"nrmse_{what}": float(np.sqrt(mse) / own.std())}
        if what == "trained":
            found |= {"recorded": own[:200].tolist(), "learned": run[:200].tolist()}
    return found


def _collapse(folder):
    """When table and learned device part for good, s of the table."""
    recorded = voltage_table(folder)
    device, first = skyrmion(folder, recorded.mz), COLLAPSE_FROM
    count = 2000
    run = free_run(
        device, recorded.y[first : first + 2], lambda at: recorded.drive(at + first), count
    )
    off = np.abs(run[:, 0] - recorded.y[first : first + count])
    # five times what it is off before
    apart = int(np.argmax(off > 5 * off[:500].max()))
    return {"time": 1e-9 + (30 * PERIOD + first + apart) * STEP, "off": off[::10].tolist()}


# ---- frequencies ----


def _frequencies(folder, table, name):
    rows = _table(folder / table)
    device = two_drives(folder, both_table(folder).mz, name)
    y = device.output.scaled(rows[:, 3])
    u = np.stack([d.scaled(rows[:, 4 + i]) for i, d in enumerate(device.drives)], axis=-1)
    count = len(rows) // SEGMENT
    ends = [n * SEGMENT for n in range(count)]
    u = np.stack([u[n : n + SEGMENT + 1] for n in ends], axis=1)
    start = np.array([y[n : n + 2] for n in ends])

    def drive(at):
        n = min(int(at), SEGMENT - 1)
        return u[n] + min(at - n, 1) * (u[n + 1] - u[n])

    run = free_run(device, start, drive, SEGMENT)[:, :, 0]
    of_table = [_peak(y[n + SEGMENT - LAST : n + SEGMENT]) for n in ends]
    of_device = [_peak(run[SEGMENT - LAST :, i]) for i in range(count)]
    error = np.abs(np.array(of_device) / np.array(of_table) - 1)
    column = 4 if table.startswith("Ku") else 5
    values = [float(rows[n + SEGMENT // 2, column]) for n in ends]
    found = {"value": values, "table_hertz": of_table, "device_hertz": of_device}
    return {**found, "largest": float(error.max()), "mean": float(error.mean())}


def _peak(y):
    """Frequency in Hz of the largest peak of the Hann-windowed spectrum."""
    padded = 2**16
    power = np.abs(np.fft.rfft((y - y.mean()) * np.hanning(len(y)), padded))
    return float(np.argmax(power) / (padded * STEP))


# ---- reservoir ----


def reservoir(device: LearnedDevice, series: np.ndarray) -> np.ndarray:
    """(points, MASK) y at the start of each masked value, which is held for two
    sampling steps: a network of one neuron without weights of its own.
    """
    mask = np.random.RandomState(3).randn(MASK)
    masked = (series[:, None] * mask).ravel()
    masked *= AMPLITUDE / abs(masked.min())
    neuron = Learned.of(device, time=4 * device.sampling_step)
    config = NetworkConfig(
        layers=(1,), inputs=1, outputs=1, neuron=neuron, readout="points", substeps=2,
        input_interval=2 * device.sampling_step, output_amplification=1.0, dtype="float64",
    )  # fmt: skip
    net = Network(config, seed=0)
    net.parameters[:] = 0
    for name in ("w_ext_0", "w_out"):
        net.parameters[net.layout.places(name)] = 1
    ends = net.forward(masked[None, None])[0, 0]
    # at the start of a value is the end of the one before
    return np.concatenate([[0.0], ends[:-1]]).reshape(-1, MASK)


def _mackey_glass(folder):
    series = np.loadtxt(folder / "mackey_glass.txt.gz")
    device = skyrmion(folder, 0.0)
    reservoir(device, series[:2])
    started = time.process_time()
    features = reservoir(device, series)
    seconds = time.process_time() - started
    errors = [_forecast(features, series, horizon) for horizon in HORIZONS]
    return {"horizons": list(HORIZONS), "log10_nrmse": errors, "seconds": seconds}


def _forecast(features, series, horizon):
    """log10 NRMSE of the series so many points ahead, on what was not trained on."""
    x = features[DROPPED : len(series) - horizon]
    y = series[DROPPED + horizon :]
    own, wanted = x[:LEARNED], y[:LEARNED]
    weights = np.linalg.solve(own.T @ own + RIDGE * np.eye(MASK), own.T @ wanted)
    rest = y[LEARNED:]
    error = np.mean((x[LEARNED:] @ weights - rest) ** 2)
    return float(np.log10(np.sqrt(error / rest.var())))


def _at_rest(folder, name):
    device = measured_oscillator(folder, name)
    y = at_rest(device, 0, np.array(CONSTANT_DRIVES, dtype=float))[:, 0]
    return {"u": list(CONSTANT_DRIVES), "y": y.tolist()}


# ---- digits ----


def digits_tables(folder: Path, epochs: int, seed: int) -> dict[str, Any]:
    """Tables of a network of skyrmions that reads the digits row by row."""
    neuron = Learned.of(skyrmion(folder, 0.0), file="node_1skyrmion_voltage.npz")
    network = {"layers": [32], "input_interval": 20e-12, "readout": "end", "highpass_time": 0.0}
    return {
        "network": network,
        "neuron": neuron.table(),
        "train": {"epochs": epochs, "learning_rate": 0.01, "seed": seed},
        "data": {"split_seed": 0},
    }


def _digits(folder, epochs, seed):
    data = load_digits()
    rows = np.reshape(data.inputs, (len(data), 8, 8)).transpose(0, 2, 1)
    data = dataclasses.replace(data, inputs=np.ascontiguousarray(rows))
    trainer = trained(digits_tables(folder, epochs, seed), data)
    return {"accuracy": accuracy(trainer.best_network(), trainer.test)}


# ---- the study ----

OPEN_LOOP = ("1skyrmion_voltage", "ku_dmi_seed6", "ku_dmi_used_for_figures")
TABLES = ("Ku_ext_DMI", "DMI_ext_Ku")
MEASURED = ("spectrogram", "cochlear")
FIGURES = "ku_dmi_used_for_figures"
"""The device that the authors' figures of frequencies are of."""


def trials(quick: bool, folders: dict[str, Path]) -> list[Trial]:
    """All of them need the authors' tables and weights, DIR/skyrmion."""
    folder = folders.get("skyrmion")
    if folder is None:
        return []
    epochs, seeds = (2, 1) if quick else (EPOCHS, SEEDS)
    runs: list[tuple[dict[str, Any], Any]] = [
        *(({"what": "at rest", "device": n}, (_at_rest, n)) for n in MEASURED),
        *(({"what": "open loop", "device": n}, (_open_loop, n)) for n in OPEN_LOOP),
        *(({"what": "frequencies", "table": n}, (_frequencies, n, FIGURES)) for n in TABLES),
        ({"what": "collapse"}, (_collapse,)),
        *[({"what": "mackey-glass"}, (_mackey_glass,))][: 0 if quick else 1],
        *(
            ({"what": "digits", "seed": seed, "epochs": epochs}, (_digits, epochs, seed))
            for seed in range(seeds)
        ),
    ]
    return [
        Trial(key, lambda run=run: run[0](folder, *run[1:]))  # type: ignore[misc]
        for key, run in runs
    ]


def numbers(rows: list[dict[str, Any]]) -> FigureNumbers:
    """Errors of open loop, frequencies and forecasts; fixed points, accuracy."""
    found: dict[str, tuple[Any, str, str]] = {}
    for row in rows:
        what = row["what"]
        if what == "open loop":
            name = row["device"]
            found[f"mse_{name}"] = row["mse_trained"], "1", f"open loop, {name}, MSE"
            held = 100 * row["nrmse_held_out"]
            found[f"held_out_{name}"] = held, "%", f"the next 10,000 points, {name}, NRMSE"
        elif what == "frequencies":
            name = row["table"]
            largest = 100 * row["largest"]
            found[f"frequency_{name.lower()}"] = (
                largest,
                "%",
                f"largest error of a frequency, {name}",
            )
        elif what == "collapse":
            found["collapse"] = row["time"], "s", "when table and device part for good"
        elif what == "at rest":
            text = f"y at rest under u = -3 to 3, measured oscillator, {row['device']}"
            found[f"rest_{row['device']}"] = row["y"], "1", text
        elif what == "mackey-glass":
            for horizon, value in zip(row["horizons"], row["log10_nrmse"], strict=True):
                text = f"log10 NRMSE of the Mackey-Glass series {horizon} points ahead"
                found[f"forecast_{horizon}"] = value, "1", text
            found["forecast_time"] = row["seconds"], "s", "processor time of the reservoir"
    value = mean(rows, "digits")
    if value is not None:
        found["digits"] = value, "%", "mean accuracy, digits by rows, 32 skyrmions"
    names = ("what", "device", "table", "seed", "epochs", "mse_trained", "nrmse_trained")
    names += ("nrmse_held_out", "largest", "mean", "time", "seconds", "accuracy")
    table = [{name: row.get(name, "") for name in names} for row in rows]
    return FigureNumbers({"rows": rows}, {"": table}, found)
