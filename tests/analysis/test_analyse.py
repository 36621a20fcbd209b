"""`spinrnn analyse`: what it reads, what it skips and why, and the folder it writes."""

import csv
import dataclasses
import json

import h5py
import matplotlib
import numpy as np
import pytest

import spinrnn
from spinrnn import analysis
from spinrnn.analysis import figures
from spinrnn.analysis.answer import Settings
from spinrnn.analysis.measures import MEASURES
from spinrnn.cli import main as cli

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def bench():
    """A test bench: 3 uncoupled oscillators with Q = 1 and tau = 10 ns, whose drives
    step between levels held for 40 relaxation times.

    Returns (network, inputs, trajectory).
    """
    config = spinrnn.NetworkConfig(
        layers=(3,), input_interval=400e-9, nonlinear_damping=1.0, substeps=200
    )
    net = spinrnn.Network(config)
    net.parameters[:] = 0
    net.views()["w_ext"][0][:] = 1
    net.views()["bias"][0][:] = [0, 0.25, 0.5]
    inputs = np.array([[[-0.4, 1.0, 0.2, -1.7, 2.0, 0.6]], [[0.5, -0.3, 1.5, -1.6, 0.9, 2.5]]])
    return net, inputs, net.simulate(inputs)


@pytest.fixture
def recording(bench):
    net, inputs, trajectory = bench
    return analysis.recording_of(trajectory, net.config, inputs, None, net)


def measured(path, **arrays):
    """Writes a user's file with a relaxation of 2 neurons, the arrays changed or added,
    those that are None left out."""
    time = 1e-9 * np.arange(200)
    power = 0.5 - np.array([[0.3], [0.2]]) * np.exp(-time / 10e-9)
    content = {"time": time, "power": power, "drive": np.full((2, 200), 2e8)} | arrays
    content = {name: array for name, array in content.items() if array is not None}
    if path.suffix == ".npz":
        np.savez(path, **content)
    else:
        with h5py.File(path, "w") as file:
            for name, array in content.items():
                file[name] = array
    return path


def rows(path):
    return list(csv.DictReader(path.open()))


def test_devices_that_differ_are_each_compared_with_their_own_theory(bench, tmp_path):
    net, inputs, _ = bench
    net = net.replace(substeps=200)
    gamma, damping, bias = (
        np.array([0.8, 1.0, 1.2]),
        np.array([0.5, 1.0, 2.0]),
        np.array([1.1, 0.9, 1.0]),
    )
    net.devices = spinrnn.Devices(gamma, damping, bias, np.array([1.2, 1.0, 0.9]))
    recording = analysis.recording_of(net.simulate(inputs), net.config, inputs, None, net)
    report = analysis.analyse(
        recording, tmp_path / "report", measures=["steady", "relaxation", "transfer", "drive"]
    )
    assert not report.skipped
    steady = rows(tmp_path / "report/steady.csv")
    off = np.array([float(row["power"]) - float(row["expected"]) for row in steady])
    assert {row["neuron"] for row in steady} == {"0", "1", "2"}
    assert np.median(np.abs(off)) < 1e-5
    for row in rows(tmp_path / "report/relaxation.csv"):
        assert float(row["rate_per_s"]) == pytest.approx(
            float(row["expected_rate_per_s"]), rel=5e-3
        )
    for neuron, row in enumerate(rows(tmp_path / "report/transfer.csv")):
        assert float(row["expected_threshold_per_s"]) == pytest.approx(1e8 * gamma[neuron])
        assert float(row["expected_nonlinear_damping"]) == pytest.approx(damping[neuron])
        assert float(row["threshold_per_s"]) == pytest.approx(1e8 * gamma[neuron], rel=1e-2)
        assert float(row["nonlinear_damping"]) == pytest.approx(damping[neuron], rel=5e-2)
    assert "of each device in theory" in report.text
    integral = (
        net.simulate(inputs).drive[0].reshape(2, 3, 6, -1).mean(axis=-1) - 2e8 * bias[:, None]
    )
    cumulative = [float(row["cumulative_drive"]) for row in rows(tmp_path / "report/drive.csv")]
    assert cumulative == pytest.approx(np.abs(integral * 400e-9).mean(axis=(0, 2)), rel=1e-4)
    assert np.mean(cumulative) == pytest.approx(spinrnn.cumulative_drive(net, inputs), rel=1e-4)
    for own in ((10e-9 / gamma, 1.0), (10e-9, damping)):
        found = analysis.steady_states(
            recording.time, recording.powers(0), recording.drives(0), *own
        )
        assert (
            figures.steady_states(found)
            .get_legend_handles_labels()[1][0]
            .endswith("of each device")
        )
    for wrong in ((10e-9 / gamma[:2], 1.0), (10e-9, damping[:2])):
        with pytest.raises(spinrnn.DataError, match="one for each of 3 neurons"):
            analysis.steady_states(recording.time, recording.powers(0), recording.drives(0), *wrong)


def test_devices_of_a_layer_recorded_alone_and_curves_of_devices_that_differ(bench, tmp_path):
    """The layers need not begin with 0; a neuron with too few steady states costs the
    others nothing, and one curve for all is said to be of none."""
    net, inputs, _ = bench
    net = net.replace(substeps=200)
    net.views()["w_ext"][0][2] = 0
    gamma, damping, bias = (
        np.array([0.8, 1.0, 1.2]),
        np.array([0.5, 1.0, 2.0]),
        np.array([1.0, 1.0, 1.25]),
    )
    net.devices = spinrnn.Devices(gamma, damping, bias, np.ones(3))
    trajectory = net.simulate(inputs)
    whole = spinrnn.Network(
        spinrnn.NetworkConfig(layers=(2, 3), input_interval=400e-9, nonlinear_damping=1.0)
    )
    whole.devices = spinrnn.Devices(
        *(np.append([0.5, 2.0], own) for own in (gamma, damping, bias, np.ones(3)))
    )

    def report(name, cases, times):
        power, drive = (
            trajectory.state[0][cases, :, :times],
            trajectory.drive[0][cases, :, : times - 1],
        )
        recording = analysis.Recording(
            name,
            trajectory.time[:times],
            {1: power},
            {1: drive},
            inputs[cases],
            None,
            400e-9,
            10e-9,
            1.0,
            2.0,
            "oscillator",
            whole,
        )
        return analysis.analyse(
            recording, tmp_path / name, measures=["steady", "transfer", "drive"]
        )

    text = report("long", slice(2), len(trajectory.time)).text
    steady = rows(tmp_path / "long/steady.csv")
    assert np.median([abs(float(row["power"]) - float(row["expected"])) for row in steady]) < 1e-4
    curves = rows(tmp_path / "long/transfer.csv")
    assert [row["curve"] for row in curves] == ["layer 1, neuron 0", "layer 1, neuron 1"], (
        "the drive of neuron 2 is constant"
    )
    assert [float(row["expected_threshold_per_s"]) for row in curves] == pytest.approx(
        1e8 * gamma[:2]
    )
    at_rest = 1e8 * (2 * bias[2] + 0.5) - 2e8 * bias[2]  # its parameter "bias" is 0.5
    assert float(rows(tmp_path / "long/drive.csv")[2]["cumulative_drive"]) == pytest.approx(
        400e-9 * at_rest, rel=1e-4
    )
    assert "one curve is that of none" not in text
    assert (
        "the devices differ, so that one curve is that of none"
        in report("short", slice(1, 2), 601).text
    )
    pooled = rows(tmp_path / "short/transfer.csv")[0]
    assert (pooled["curve"], pooled["expected_threshold_per_s"]) == ("all neurons", "")


def test_a_picture_of_steady_states_without_theory_or_without_any():
    time, drive = 1e-9 * np.arange(201), np.full((1, 2, 200), 2e8)
    for power, count in (
        (np.full((1, 2, 201), 0.5), 2),
        (np.full((1, 2, 201), np.linspace(0.1, 0.5, 201)), 0),
    ):
        found = analysis.steady_states(time, power, drive)
        assert len(found.power) == count
        assert figures.steady_states(found).get_legend_handles_labels()[1] == ["measured"]


def test_the_theory_beside_a_single_steady_state_is_a_line():
    time, drive = 1e-9 * np.arange(201), np.full((1, 1, 200), 2e8)
    power = np.full((1, 1, 201), 0.5)
    found = analysis.steady_states(time, power, drive, relaxation_time=10e-9, nonlinear_damping=0.0)
    ax = figures.steady_states(found)
    (theory,) = [line for line in ax.lines if line.get_color() == "k"]
    np.testing.assert_allclose(theory.get_xdata()[[0, -1]], [190, 210])
    np.testing.assert_allclose(theory.get_ydata()[[0, -1]], [0.9 / 1.9, 1.1 / 2.1])


def test_the_test_bench_shows_its_device(recording, tmp_path, real_pictures):
    report = analysis.analyse(
        recording, tmp_path / "a/report", measures=["steady", "relaxation", "transfer", "drive"]
    )
    assert not report.skipped
    steady = rows(tmp_path / "a/report/steady.csv")
    assert len(steady) > 30
    off = np.array([float(row["power"]) - float(row["expected"]) for row in steady])
    assert np.abs(off).max() < 2.5e-3  # near threshold, where it is slow
    assert np.median(np.abs(off)) < 1e-5
    relaxation = rows(tmp_path / "a/report/relaxation.csv")
    assert len(relaxation) > 25
    for row in relaxation:
        assert float(row["rate_per_s"]) == pytest.approx(
            float(row["expected_rate_per_s"]), rel=2e-3
        )
    transfer = rows(tmp_path / "a/report/transfer.csv")
    assert [row["curve"] for row in transfer] == [f"layer 0, neuron {n}" for n in range(3)]
    for row in transfer:
        assert float(row["threshold_per_s"]) == pytest.approx(1e8, rel=1e-3)
        assert float(row["nonlinear_damping"]) == pytest.approx(1, rel=1e-2)
    mean = np.mean(
        [float(row["cumulative_drive"]) for row in rows(tmp_path / "a/report/drive.csv")]
    )
    assert mean == pytest.approx(
        spinrnn.cumulative_drive(recording.network, recording.inputs), rel=1e-4
    )
    for name in report.findings:
        assert (tmp_path / f"a/report/{name}.png").read_bytes().startswith(PNG)
    assert (tmp_path / "a/report/report.txt").read_text() == report.text
    assert sorted(report.files) == sorted(str(path) for path in (tmp_path / "a/report").iterdir())


def test_a_network_that_reads_classes(tiny_data, tmp_path):
    """Everything but what only a test bench shows; cases of unequal length."""
    config = spinrnn.NetworkConfig(layers=(6, 5), inputs=2, outputs=3, substeps=4)
    net = spinrnn.Network(config, seed=1)
    trajectory = net.simulate(tiny_data.inputs, tiny_data.lengths)
    recording = analysis.recording_of(trajectory, config, tiny_data.inputs, tiny_data.labels, net)
    report = analysis.analyse(recording, tmp_path, settings=Settings(start=10e-9))
    assert {"steady", "relaxation", "transfer"} >= set(report.skipped)
    last = [row for row in rows(tmp_path / "classifier.csv") if row["layer"] == "1"][-2]
    assert float(last["accuracy"]) > 0.9  # the patterns are clear
    share = [
        float(row["share_between_classes"])
        for row in rows(tmp_path / "variance.csv")
        if row["share_between_classes"]
    ]
    assert 0.5 < max(share) <= 1
    assert len(rows(tmp_path / "dimension.csv")) == 11
    assert {row["states"] for row in rows(tmp_path / "memory.csv")} == {"layer 0", "layer 1", "all"}
    joule = float(rows(tmp_path / "energy.csv")[-1]["total_j"])
    assert joule == pytest.approx(spinrnn.inference_energy(config, 5), rel=1e-6)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_a_minimal_file_of_a_users_own(tmp_path, suffix):
    """Time and power alone: what needs more is skipped and the report says what it
    lacks."""
    path = measured(tmp_path / f"mine{suffix}", drive=None)
    report = spinrnn.analyse(path, tmp_path / "out")
    assert set(report.findings) == {"spectrum", "correlation", "activity", "dimension"}
    assert set(report.skipped) == set(MEASURES) - set(report.findings)
    assert "drive, which is not in the file" in report.skipped["relaxation"]
    assert "labels, which are not in the file" in report.skipped["classifier"]
    assert all(f"skipped. {reason}" in report.text for reason in report.skipped.values())
    assert "power that a neuron of yours takes" in report.skipped["energy"], (
        "the paper's says nothing of another device"
    )
    assert not (tmp_path / "out/relaxation.csv").exists()


def test_times_that_were_not_measured_cost_no_plateau(tmp_path):
    """NaN here and there, a gap, and an end that is missing: the same steady states and
    rates from what is left."""
    time, levels = 1e-9 * np.arange(801), np.array([2e8, 3e8])
    power, start = np.empty((1, 801)), 0.05
    for k, level in enumerate(levels):
        end, t = (level - 1e8) / level, time[:401]
        z = np.exp(-(level - 1e8) * t)
        power[0, 400 * k : 400 * k + 401] = start = end / (1 + (end / start - 1) * z)
        start = start[-1]
    for gone in (slice(None, None, 97), slice(450, 490), slice(800, None), slice(0, 3)):
        left = power.copy()
        left[0, gone] = np.nan
        path = measured(
            tmp_path / "mine.npz",
            time=time,
            power=left,
            drive=np.repeat(levels, 400)[None],
            relaxation_time=10e-9,
        )
        report = spinrnn.analyse(path, tmp_path / "out", measures=["steady", "relaxation"])
        assert [float(row["power"]) for row in rows(tmp_path / "out/steady.csv")] == pytest.approx(
            [1 / 2, 2 / 3], rel=1e-4
        )
        assert [
            float(row["rate_per_s"]) for row in rows(tmp_path / "out/relaxation.csv")
        ] == pytest.approx([1e8, 2e8], rel=1e-3)
        assert "0 plateaus of the drive ended before" in report.text
    left[0, 400:] = np.nan
    path = measured(
        tmp_path / "half.npz", time=time, power=left, drive=np.repeat(levels, 400)[None]
    )
    report = spinrnn.analyse(path, tmp_path / "out", measures=["steady", "relaxation"])
    assert "1 steady states, 0 plateaus of the drive ended before" in report.text, (
        "one that was not measured is none"
    )


def test_a_fit_that_does_not_tell_the_rate_is_no_relaxation_time(tmp_path):
    """Slopes without an end beside clear responses: those whose interval of the rate
    holds 0 are told and do not move the median."""
    time, rng = 1e-9 * np.arange(801), np.random.default_rng(1)
    power = 0.5 - 0.3 * np.exp(-time / 10e-9) + 1e-4 * rng.normal(size=(7, 801))
    power[:4] = (
        0.2 + 3e-3 * time / 800e-9 * np.arange(1, 5)[:, None] + 3e-4 * rng.normal(size=(4, 801))
    )
    path = measured(
        tmp_path / "mine.npz",
        time=time,
        power=power,
        drive=np.full((7, 801), 2e8),
        relaxation_time=10e-9,
    )
    text = spinrnn.analyse(path, tmp_path / "out", measures=["relaxation"]).text
    found = rows(tmp_path / "out/relaxation.csv")
    unknown = [row for row in found if float(row["rate_low_per_s"]) <= 0]
    assert f"{len(unknown)} of them do not tell the rate" in text
    assert unknown
    times = [float(row["relaxation_time_s"]) for row in found if float(row["rate_low_per_s"]) > 0]
    assert len(times) >= 3
    assert f"relaxation time after a step {np.median(times):.4g} s" in text
    assert all(abs(float(row["last_power"])) < 10 for row in found)


def test_a_file_with_drive_and_numbers(tmp_path):
    path = measured(tmp_path / "mine.h5", relaxation_time=10e-9, nonlinear_damping=0.0)
    with h5py.File(path, "a") as file:
        file.attrs["bias_ratio"] = 2.0
        file.attrs["operator"] = "anybody"
    recording = analysis.open_recording(path)
    assert (recording.relaxation_time, recording.nonlinear_damping, recording.bias_ratio) == (
        10e-9,
        0.0,
        2.0,
    )
    assert recording.powers(0).shape == (1, 2, 200)
    assert recording.drives(0).shape == (1, 2, 199)
    spinrnn.analyse(path, tmp_path, measures=["steady", "relaxation"])
    assert [float(row["expected"]) for row in rows(tmp_path / "steady.csv")] == [0.5, 0.5]
    assert [
        float(row["expected_rate_per_s"]) for row in rows(tmp_path / "relaxation.csv")
    ] == pytest.approx([1e8, 1e8])


def test_theory_takes_no_q_that_nobody_has_said(tmp_path):
    path = measured(tmp_path / "mine.npz", relaxation_time=10e-9)
    report = spinrnn.analyse(path, tmp_path / "out", measures=["steady"])
    assert (
        report.findings["steady"][-1] == "not compared with theory, without Q (--nonlinear-damping)"
    )
    assert [row["expected"] for row in rows(tmp_path / "out/steady.csv")] == ["", ""]


def test_a_folder_and_a_trajectory_that_was_changed_are_named(bench, tmp_path):
    with pytest.raises(spinrnn.StoreError, match="is a folder; give a trajectory file"):
        spinrnn.analyse(tmp_path, tmp_path / "out")
    path = tmp_path / "t.h5"
    bench[2].save(path)
    with h5py.File(path, "r+") as file:
        file.attrs["note"] = "mine"
    with pytest.raises(spinrnn.StoreError, match="changed by another program"):
        spinrnn.analyse(path, tmp_path / "out")


def test_one_neuron_needs_one_axis(tmp_path):
    path = measured(tmp_path / "mine.npz", power=np.arange(200) // 100, drive=np.full(199, 2e8))
    recording = analysis.open_recording(path)
    assert recording.powers(0).shape == (1, 1, 200)
    assert recording.powers(0).dtype == np.float64
    assert recording.drives(0).shape == (1, 1, 199)


@pytest.mark.parametrize(
    ("arrays", "messages"),
    [
        ({"time": None, "power": None}, ["no array time and no array power; it holds drive"]),
        ({"time": np.zeros(200)}, ["time: does not increase after sample 0"]),
        (
            {"power": np.zeros((200, 2))},
            [
                "power: must have the axes",
                "200 times, got the shape (200, 2); are the axes in another order?",
            ],
        ),
        ({"power": np.zeros((2, 100))}, ["got the shape (2, 100)"]),
        (
            {"power": np.full((2, 200), np.nan)},
            ["power: holds nothing but NaN for neuron 0, 1; leave out"],
        ),
        (
            {"power": np.full((2, 200), np.inf)},
            ["power: neuron 0 has an infinite value at sample 0", "neuron 1 has"],
        ),
        ({"power": np.zeros((2, 200), bool)}, ["power: must be real numbers, got bool"]),
        (
            {
                "drive": np.zeros((2, 198)),
                "labels": np.zeros(3, int),
                "inputs": np.zeros((2, 1, 4)),
                "relaxation_time": -1.0,
            },
            [
                "drive: its shape (2, 198) does not fit the power's (2, 200)",
                "labels: must be 1 whole numbers",
                "inputs: must have the axes",
                "relaxation_time: must be one positive number",
            ],
        ),
        ({"inputs": np.zeros((1, 1, 4))}, ["inputs: give input_interval"]),
        ({"powers": np.zeros(3), "power": None}, ["unknown array powers; did you mean power?"]),
        (
            {"gamma": np.float64(1e8)},
            ["unknown array gamma; give relaxation_time, 1 / gamma in s, in its place"],
        ),
        ({"bias_ratio": np.array([2.0, 3.0])}, ["bias_ratio: must be one number from 0"]),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_all_its_mistakes(
    tmp_path, capsys, arrays, messages
):
    path = measured(tmp_path / "mine.npz", **arrays)
    assert cli.main(["analyse", str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    for message in [str(path), *messages]:
        assert message in error
    assert not (tmp_path / "out").exists()


def test_what_is_no_recording_is_refused(tmp_path):
    with pytest.raises(spinrnn.StoreError, match="cannot read"):
        analysis.open_recording(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("time,power\n")
    with pytest.raises(spinrnn.StoreError, match="not an HDF5 file"):
        analysis.open_recording(tmp_path / "text.h5")
    np.savez(tmp_path / "objects.npz", time=np.arange(3.0), power=np.array([{}, 1, 2], object))
    with pytest.raises(spinrnn.DataError, match="not a NumPy archive of plain arrays"):
        analysis.open_recording(tmp_path / "objects.npz")
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["time"] = np.arange(3.0)
        file["power"] = h5py.ExternalLink("/etc/passwd", "x")
    with pytest.raises(spinrnn.StoreError, match="link elsewhere"):
        analysis.open_recording(tmp_path / "link.h5")
    whole = measured(tmp_path / "whole.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(spinrnn.StoreError, match="truncated or damaged"):
        analysis.open_recording(tmp_path / "cut.h5")


class File:
    """Stands for an open trajectory file: the interface of `spinrnn.open_trajectory`,
    with layer 1 not stored and arrays that note what is read."""

    def __init__(self, bench):
        net, inputs, t = bench
        self.config, self.network, self.time, self.inputs, self.labels = (
            net.config,
            net,
            t.time,
            inputs,
            None,
        )
        self.read, self.open = [], True
        self.state, self.output, self.drive = (
            [self.lazy(t.state[0]), None],
            None,
            [self.lazy(t.drive[0]), None],
        )

    def lazy(self, array):
        return SimpleLazy(array, self.read)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open = False


class SimpleLazy:
    def __init__(self, array, read):
        self.array, self.read, self.shape = array, read, array.shape

    def __getitem__(self, key):
        found = self.array[key]
        self.read.append(found.size)
        return found


def test_a_trajectory_file_is_read_as_far_as_needed_and_closed(bench, tmp_path, monkeypatch):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file.attrs["format"] = "spinrnn"
    file = File(bench)
    monkeypatch.setattr("spinrnn.recordings.opening.open_trajectory", lambda path: file)
    report = spinrnn.analyse(
        tmp_path / "t.h5", tmp_path / "out", measures=["activity"], settings=Settings(start=2000e-9)
    )
    assert not file.open
    assert (
        sum(file.read) < 1.5 * file.state[0].array.size
    )  # the heading looks once, the measure at the last sixth
    assert "3 neurons in layer 0" in report.text
    assert len(rows(tmp_path / "out/activity.csv")) == 3
    with pytest.raises(spinrnn.DataError, match="has its own relaxation_time"):
        analysis.open_recording(tmp_path / "t.h5", relaxation_time=1e-8)

    def damaged(key):
        raise spinrnn.StoreError("damaged")

    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    monkeypatch.setattr(
        SimpleLazy,
        "__getitem__",
        lambda self, key: damaged(key) if self is file.drive[0] else self.array[key],
    )
    with pytest.raises(
        spinrnn.StoreError, match="damaged"
    ):  # in the second measure: the earlier report stays as it was
        spinrnn.analyse(tmp_path / "t.h5", tmp_path / "out", measures=["dimension", "steady"])
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    file.open, file.state = True, None
    with pytest.raises(spinrnn.DataError, match="holds no powers"):
        analysis.open_recording(tmp_path / "t.h5")
    assert not file.open


def test_little_memory_takes_fewer_cases():
    power = np.arange(400, dtype=float)[:, None, None] * np.ones((1, 50, 100))
    recording = analysis.Recording("x", np.arange(100.0), {0: power}, labels=np.arange(400))
    assert recording.stride == 1
    spinrnn.set_memory_limit(power.nbytes)
    try:
        assert recording.stride == 16
        assert recording.powers(0)[:, 0, 0].tolist() == list(range(0, 400, 16))
        spinrnn.set_memory_limit(1)
        assert recording.stride == 40  # ten cases are taken whatever happens
    finally:
        spinrnn.set_memory_limit(None)


def test_the_ends_of_the_input_intervals():
    def ends(time, interval):
        return (
            analysis.Recording(
                "x", np.asarray(time), {0: np.zeros((1, 1, len(time)))}, input_interval=interval
            )
            .point_ends()
            .tolist()
        )

    assert ends(5 + 1e-9 * np.arange(0, 41, 2.5), 10e-9) == [4, 8, 12, 16]
    assert ends(np.array([0, 0.9, 1.7, 2.2]), 1.0) == [1, 2]
    with pytest.raises(spinrnn.DataError, match="at least one time in each"):
        ends(np.array([0, 0.9, 2.2, 3.0]), 1.0)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("model", False),
        ("noisy", False),
        pytest.param("nearly", False, marks=pytest.mark.slow),
        ("saturating", True),
    ],
)
def test_a_transfer_curve_that_is_not_the_models_is_told(tmp_path, kind, told):
    levels = 1e8 * np.linspace(0.5, 1.5 if kind == "noisy" else 4, 15)
    power = np.maximum(levels - 1e8, 0) / (levels + 1e8)
    if kind == "saturating":
        power = 0.4 * np.tanh(np.maximum(levels / 1e8 - 1, 0) * 3)
    elif kind == "nearly":
        power = power * (1 + 0.02 * np.sin(levels / 3e7))
    drive, power = (
        np.repeat(levels, 60),
        np.roll(np.repeat(power, 60), 1),
    )  # the power follows the drive
    if kind == "noisy":
        power = power + 0.03 * np.random.default_rng(0).normal(size=power.shape)
    path = measured(
        tmp_path / "mine.npz", time=1e-9 * np.arange(len(drive)), power=power, drive=drive
    )
    text = analysis.analyse(
        path, tmp_path / "report", measures=["transfer"], relaxation_time=10e-9
    ).text
    assert ("does NOT follow (xi - 1)/(xi + Q)" in text) == told
    row = rows(tmp_path / "report/transfer.csv")[0]
    assert float(row["expected_threshold_per_s"]) == pytest.approx(1e8)
    assert row["expected_nonlinear_damping"] == "", "nobody has said it"


def test_the_twin_has_no_threshold(tmp_path):
    config = spinrnn.NetworkConfig(layers=(2,), neuron="ctrnn", input_interval=100e-9, substeps=40)
    net = spinrnn.Network(config)
    net.parameters[:] = 0
    net.views()["w_ext"][0][:] = [[1], [-2]]
    trajectory = net.simulate(np.array([[[1.0, 0.1, -1.0]]]))
    recording = analysis.recording_of(trajectory, config, None, None, net)
    report = analysis.analyse(
        recording, tmp_path, measures=["steady", "transfer", "relaxation", "activity", "drive"]
    )
    assert report.skipped == {
        "steady": "the CTRNN has no threshold",
        "transfer": "the CTRNN has no threshold",
    }
    found = rows(tmp_path / "relaxation.csv")
    assert len(found) == 6
    for row in found:
        assert float(row["rate_per_s"]) == pytest.approx(1e8, rel=1e-3)
        assert float(row["expected_rate_per_s"]) == 1e8
    assert float(rows(tmp_path / "drive.csv")[1]["cumulative_drive"]) == pytest.approx(
        10 * 2 * 2.1 / 3, rel=1e-5
    )


def test_the_report_for_machines(recording, tmp_path):
    """report.json: findings with value, unit and meaning under short keys, and what was
    skipped."""
    report = analysis.analyse(recording, tmp_path, measures=["steady", "drive", "classifier"])
    found = json.loads((tmp_path / "report.json").read_text())
    assert list(found) == ["recording", "cases", "cases_taken", "measures", "skipped"]
    assert (found["recording"], found["cases"], found["cases_taken"]) == ("trajectory", 2, 2)
    assert found["skipped"] == report.skipped == {"classifier": report.skipped["classifier"]}
    assert list(found["measures"]) == ["steady", "drive"]
    drive = found["measures"]["drive"]
    assert drive["title"] == "Cumulative drive"
    assert drive["files"] == ["drive.png", "drive.csv"]
    assert drive["findings"] == report.numbers["drive"]
    mean = spinrnn.cumulative_drive(recording.network, recording.inputs)
    entry = drive["findings"]["cumulative_drive_of_all"]
    assert entry["value"] == pytest.approx(mean, rel=1e-4)
    assert (entry["unit"], entry["meaning"]) == ("1", "mean over the neurons of all layers")
    for measure in found["measures"].values():
        for entry in measure["findings"].values():
            assert set(entry) == {"value", "unit", "meaning"}


def test_a_picture_that_fails_costs_no_number(recording, tmp_path, monkeypatch, real_pictures):
    """Nor the other pictures; an older one of the same name does not stay."""
    analysis.analyse(recording, tmp_path, measures=["steady", "drive"])
    assert (tmp_path / "drive.png").exists()

    def fail(*_):
        raise RuntimeError("latex could\nnot be found")

    broken = dataclasses.replace(MEASURES["drive"], draw=fail)
    monkeypatch.setitem(MEASURES, "drive", broken)
    with pytest.warns(UserWarning, match="drive.png is not written, .* latex could not be found"):
        report = analysis.analyse(recording, tmp_path, measures=["steady", "drive"])
    assert "Cumulative drive (drive.csv)\n" in report.text
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["drive.csv", "report.json", "report.txt", "steady.csv", "steady.png"]
    assert json.loads((tmp_path / "report.json").read_text())["measures"]["drive"]["files"] == [
        "drive.csv"
    ]
    analysis.analyse(recording, tmp_path, measures=["steady"])
    assert not (tmp_path / "drive.csv").exists(), "the report before named it"


def test_latex_in_a_users_settings_does_not_reach_the_pictures(
    recording, tmp_path, recwarn, real_pictures
):
    with matplotlib.rc_context({"text.usetex": True}):
        analysis.analyse(recording, tmp_path, measures=["activity"])
    assert (tmp_path / "activity.png").read_bytes().startswith(PNG)
    assert not recwarn.list


def test_an_earlier_report_leaves_nothing_behind(recording, tmp_path):
    analysis.analyse(recording, tmp_path, measures=["steady", "activity"])
    (tmp_path / "mine.txt").write_text("keep")
    (tmp_path / "energy.csv").write_text("keep: no report of ours names it")
    analysis.analyse(recording, tmp_path, measures=["activity", "classifier"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "activity.csv",
        "activity.png",
        "energy.csv",
        "mine.txt",
        "report.json",
        "report.txt",
    ]


def test_the_command_line(tmp_path, capsys):
    path = measured(tmp_path / "mine.npz")
    arguments = [
        "analyse",
        str(path),
        "--only",
        "relaxation, energy",
        "--relaxation-time",
        "10e-9",
        "--neuron-power",
        "1e-6",
        "--memory",
        "1G",
    ]
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    assert "1.99e-07 s, assuming 1e-06 W for each of 2 neurons" in " ".join(out.split())
    expected = [
        (float(row["rate_low_per_s"]) <= 1e8 <= float(row["rate_high_per_s"]))
        for row in rows(tmp_path / "mine-analysis/relaxation.csv")
    ]
    assert len(expected) == 2
    assert f"apart (median), {100 * np.mean(expected):.0f} % of the intervals hold it" in out
    assert (tmp_path / "mine-analysis/report.txt").read_text().strip() in out
    spinrnn.set_memory_limit(None)
    assert cli.main(["analyse", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(MEASURES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "FILE: give the trajectory"),
        (["--only", "steadiness"], "measure steadiness: unknown; there are steady, relaxation"),
        (["--only", ","], "name at least one"),
        (
            ["--tolerance", "2", "--neuron-power", "-1"],
            "neuron_power: must be a number from 0, got -1.0; tolerance: must be in [0, 1), got "
            "2.0",
        ),
        (["--start", "1"], "start: 1 s leaves fewer than 2 of the 200 times"),
        (["--relaxation-time", "0"], "relaxation_time: must be one positive number"),
        (["--out", ""], "--out: give the name"),
        (["--out", "FILE"], "is a file; choose another folder"),
    ],
)
def test_what_the_command_line_refuses(tmp_path, capsys, arguments, message):
    path = str(measured(tmp_path / "mine.npz"))
    arguments = [path if argument == "FILE" else argument for argument in arguments]
    assert cli.main(["analyse", *([path] if arguments else []), *arguments]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert message in error
    assert not (tmp_path / "mine-analysis").exists()


def test_a_file_that_has_its_own_number_does_not_take_another(tmp_path):
    path = measured(tmp_path / "mine.npz", relaxation_time=1e-8)
    with pytest.raises(
        spinrnn.DataError, match="has its own relaxation_time; leave the option out"
    ):
        analysis.open_recording(path, relaxation_time=2e-8)


def test_powers_that_are_not_normalised_are_noticed(tmp_path):
    path = measured(tmp_path / "mine.npz", power=np.linspace(0, 30, 400).reshape(2, 200))
    assert (
        "warning: powers from 0 to 30"
        in spinrnn.analyse(path, tmp_path / "out", measures=["activity"]).text
    )
    path = measured(tmp_path / "watts.npz", power=np.linspace(0, 3e-6, 400).reshape(2, 200))
    assert (
        "warning: powers up to 3e-06 only; are they normalised?"
        in spinrnn.analyse(path, tmp_path / "out", measures=["activity"]).text
    )


def test_a_measure_that_was_asked_for_and_is_not_there_shows_in_the_exit_status(tmp_path, capsys):
    path = str(measured(tmp_path / "mine.npz"))
    assert cli.main(["analyse", path, "--only", "activity,classifier"]) == 1
    assert (
        "Linear classifier on held-out cases: skipped. it needs labels" in capsys.readouterr().out
    )
    assert (tmp_path / "mine-analysis/activity.csv").exists()
    assert cli.main(["analyse", path]) == 0  # of all measures as many as the file allows


def test_a_report_on_nothing_is_an_error_and_leaves_no_folder(tmp_path, capsys):
    path = str(measured(tmp_path / "mine.npz"))
    assert cli.main(["analyse", path, "--only", "classifier", "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert "allows none of the measures; classifier: it needs labels" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"time": np.arange(200.0)}, "is the time in s?|are they in 1/s"),
        ({"time": np.arange(200.0), "relaxation_time": 10e-9}, "is the time in s?"),
        (
            {"time": np.arange(200.0), "relaxation_time": 10e-9, "drive": None},
            "relaxation times; is the time in s?",
        ),
        ({"drive": np.full((2, 200), 0.2)}, "are they in 1/s"),
        ({}, None),
        ({"relaxation_time": 10e-9}, None),
        ({"drive": np.zeros((2, 200))}, None),
    ],
)
def test_times_or_drives_in_another_unit_are_noticed(tmp_path, arrays, message):
    text = spinrnn.analyse(
        measured(tmp_path / "mine.npz", **arrays), tmp_path / "out", measures=["activity"]
    ).text
    if message is None:
        assert "warning" not in text
    else:
        assert any(f"{part}" in text for part in message.split("|"))


@pytest.mark.parametrize("name", ["power", "drive"])
def test_values_that_are_no_measurements_are_refused(tmp_path, name):
    with pytest.raises(spinrnn.DataError, match=f"{name}: holds values beyond 1e\\+30"):
        analysis.open_recording(measured(tmp_path / "mine.npz", **{name: np.full((2, 200), 1e200)}))


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_a_power_that_does_not_change_gives_no_numbers_and_no_warnings(tmp_path, recwarn, level):
    text = spinrnn.analyse(
        measured(tmp_path / "mine.npz", power=np.full(200, level), drive=None), tmp_path / "out"
    ).text
    assert "half of the variance lies below unknown" in text
    assert "unknown, as nothing changes" in text
    assert "nan" not in text
    # older versions of matplotlib call newer ones of pyparsing by old names
    assert not [w for w in recwarn.list if not issubclass(w.category, DeprecationWarning)]


def test_of_one_long_case_the_beginning_is_taken(monkeypatch):
    monkeypatch.setattr("spinrnn.recordings.recording.LARGEST", 8 * 2 * 1500)
    power = np.random.default_rng(0).uniform(size=(1, 2, 4000))
    recording = analysis.Recording("x", np.arange(4000.0), {0: power}, {0: power[:, :, 1:]})
    assert (len(recording.time), recording.all_times, recording.stride) == (1500, 4000, 1)
    assert np.array_equal(recording.powers(0, 100), power[:, :, 100:1500])
    assert recording.drives(0).shape == (1, 2, 1499)
    monkeypatch.setattr("spinrnn.recordings.recording.LARGEST", 1)
    assert len(analysis.Recording("x", np.arange(4000.0), {0: power}).time) == 1000


def test_tables_of_long_recordings_stay_short(tmp_path, monkeypatch):
    monkeypatch.setattr("spinrnn.analysis.consumption.MOST", 50)
    spinrnn.analyse(
        measured(tmp_path / "mine.npz"),
        tmp_path / "out",
        measures=["energy"],
        settings=Settings(neuron_power=1e-6),
    )
    found = [float(row["time_s"]) for row in rows(tmp_path / "out/energy.csv")]
    assert (len(found), found[0], found[-1]) == (50, 0, pytest.approx(199e-9))
