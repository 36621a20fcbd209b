"""Trajectory files: read to the bit, by other programs too; the command."""

import shutil
import signal
import subprocess
import warnings

import h5py
import numpy as np
import pytest
from conftest import refused

import spinrnn
from spinrnn.cli import main as cli
from spinrnn.datasets.parts import split
from spinrnn.machine import memory, threads


@pytest.fixture
def command(capsys):
    """Function that runs the command line here, as `subprocess.run` would."""
    kept = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    }

    def call(*arguments):
        capsys.readouterr()
        with memory.using(memory.get_memory_limit()), warnings.catch_warnings():
            status = cli.main([str(argument) for argument in arguments])
        return subprocess.CompletedProcess(arguments, status, *capsys.readouterr())

    yield call
    for number, handler in kept.items():
        signal.signal(number, handler)


# ---- what is in a file ----


def same(file, trajectory):
    """Checks that the file holds this trajectory, to the bit in float32."""
    for layer in range(len(trajectory.state)):
        for stored, array in (
            (file.state, trajectory.state),
            (file.output, trajectory.output),
            (file.drive, trajectory.drive),
        ):
            assert stored[layer].shape == array[layer].shape
            np.testing.assert_array_equal(stored[layer][:], array[layer].astype(np.float32))
    np.testing.assert_array_equal(file.time, trajectory.time)
    np.testing.assert_array_equal(file.logits, trajectory.logits.astype(np.float32))


def test_attributes_of_the_caller(net, given, tmp_path):
    """What would make the file unreadable, or cannot be stored, is told before the
    simulation.
    """
    u, _, _ = given
    path = tmp_path / "t.h5"
    for name, value, words in (
        ("format", "mine", "one of the file's own"),
        ("complete", 0, "one of the file's own"),
        ("layers", 3, "one of the file's own"),
        ("", 1, "must have a name"),
        ("x", None, "a text or numbers"),
        ("x", [1, "a"], "a text or numbers"),
        ("x", b"bytes", "a text or numbers"),
    ):
        with pytest.raises(spinrnn.ConfigError, match=words):
            net.simulate_to(path, u, attributes={name: value})
    with pytest.raises(spinrnn.DataError, match="noise_seed"):
        net.simulate_to(path, u, noise_seed=np.array([1, 2]))
    assert not list(tmp_path.iterdir())
    net.simulate_to(
        path,
        u,
        attributes={
            "device": "sample é",
            "current": [1.5, 2.5],
            "count": 3,
            "seed": 2**70,
            "large": 2**40,
        },
        layers=0,
    )
    with spinrnn.open_trajectory(path) as file:
        assert (file.attributes["seed"], file.attributes["large"]) == (str(2**70), 2**40)
        assert (
            file.attributes["device"],
            file.attributes["current"].tolist(),
            file.attributes["count"],
        ) == ("sample é", [1.5, 2.5], 3)
        assert [state is None for state in file.state] == [False] + [True] * (
            len(net.config.layers) - 1
        )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dtype": "float64"},
        {"neuron": "ctrnn"},
        {"scheme": "euler", "density_int": 1.0},
        {"relaxation_time": 3e-9, "highpass_time": 20e-9},
        {"thermal_power": 1e-3, "spread_gamma": 0.2, "spread_gain": 0.1},
    ],
)
def test_both_ways_of_writing_hold_the_simulation(net, given, tmp_path, changes):
    u, lengths, labels = given
    net = spinrnn.Network(spinrnn.NetworkConfig(**{**vars(net.config), **changes}), seed=2)
    trajectory = net.simulate(u, lengths, noise_seed=[7, np.int64(2**40)])
    trajectory.save(tmp_path / "saved.h5", labels=labels)
    further = {
        "cases": np.arange(37) + 100,
        "attributes": {"seed": 2**40 + 1, "note": "µ"},
        "noise_seed": [7, 2**40],
    }
    net.simulate_to(tmp_path / "streamed.h5", u, lengths, labels=labels, **further)
    for name in ("saved.h5", "streamed.h5"):
        with spinrnn.Trajectory.open(tmp_path / name) as file:
            same(file, trajectory)
            assert file.mean is None
            assert file.config == net.config
            assert file.network.parameters.tobytes() == net.parameters.tobytes()
            np.testing.assert_array_equal(file.network.mask, net.mask)
            np.testing.assert_array_equal(file.lengths, lengths)
            np.testing.assert_array_equal(file.labels, labels)
            assert file.labels.dtype == np.int64
            assert (file.time.dtype, file.state[0].dtype, file.inputs.dtype) == (
                np.float64,
                np.float32,
                np.dtype(net.config.dtype),
            )
            assert (file.network.devices is None) == (net.devices is None)
            assert net.devices is None or file.network.devices.same(net.devices)
            again = file.network.simulate(file.inputs, file.lengths, noise_seed=file.noise_seed)
            np.testing.assert_array_equal(again.state[2], trajectory.state[2])
            assert file.cases[3] == (3 if name == "saved.h5" else 103)
            assert name == "saved.h5" or (file.attributes["seed"], file.attributes["note"]) == (
                2**40 + 1,
                "µ",
            )
            file.check()


def test_the_mean_power_and_the_ends_of_cases(written, given):
    _, trajectory, path = written
    with spinrnn.open_trajectory(path) as file:
        for layer in range(3):
            difference = trajectory.state[layer] - file.mean[layer][:] - trajectory.output[layer]
            assert np.nanmax(np.abs(difference)) < 1e-6
            for case, length in enumerate(given[1]):
                assert np.isfinite(file.state[layer][case, :, : 3 * length + 1]).all()
                assert np.isnan(file.state[layer][case, :, 3 * length + 1 :]).all()


@pytest.mark.parametrize("every", [2, 3, 5, 20, 21])
def test_every_so_many_substeps(net, given, tmp_path, every):
    """Also where the number does not divide the 21 substeps: the drive has always one
    time less.
    """
    u, lengths, _ = given
    trajectory = net.simulate(u, lengths)
    net.simulate_to(
        tmp_path / "t.h5", u, lengths, every=every, variables=["drive", "p"], layers=[2, 0, 2]
    )
    with spinrnn.open_trajectory(tmp_path / "t.h5") as file:
        times = len(file.time)
        assert times == 21 // every + 1
        np.testing.assert_allclose(file.time, trajectory.time[::every], rtol=1e-14)
        assert file.output is None
        assert file.state[1] is None
        assert file.drive[1] is None
        assert file.every == every
        assert file.attributes["stored_layers"].tolist() == [0, 2]
        for layer in (0, 2):
            np.testing.assert_array_equal(
                file.state[layer][:], trajectory.state[layer][:, :, ::every]
            )
            np.testing.assert_array_equal(
                file.drive[layer][:], trajectory.drive[layer][:, :, ::every][:, :, : times - 1]
            )


def test_results_do_not_depend_on_threads_or_memory(net, given, tmp_path):
    u, lengths, _ = given
    contents = set()
    for count, limit in ((1, None), (3, None), (3, 200_000)):
        with threads.using(count), memory.using(limit):
            net.simulate_to(tmp_path / "t.h5", u, lengths)
        with spinrnn.open_trajectory(tmp_path / "t.h5") as file:
            contents.add(b"".join(x[:].tobytes() for x in (*file.state, *file.output, *file.drive)))
    assert len(contents) == 1
    with memory.using(1000), pytest.raises(spinrnn.MemoryLimitError, match="shorter sequences"):
        net.simulate_to(tmp_path / "t.h5", u, lengths)


def test_progress_is_told_in_cases_and_bytes(net, given, tmp_path):
    started, done = [], []
    with threads.using(1):
        net.simulate_to(tmp_path / "t.h5", given[0], on_start=started.append, on_block=done.append)
    assert done == [16, 32, 37]
    # what follows are checksums and the seal
    assert 0 < (tmp_path / "t.h5").stat().st_size - started[0] < 2000


CASES = np.arange(37)
KEYS = [
    3,
    -1,
    np.int64(5),
    slice(None),
    slice(30, 2, -7),
    slice(5, 5),
    ...,
    (),
    None,
    (3, 1),
    (3, 1, 2),
    (..., 2),
    (2, ...),
    (..., 1, 2),
    (..., 1, 2, 3),
    (slice(2, 20, 3), 1),
    (slice(None), slice(1, 3), slice(None, None, -2)),
    (slice(None), 2, [1, 5, 3]),
    [4, 30, 4, -2],
    (np.array([[1, 20], [36, 1]]), 2),
    ([1, 20, 36], [0, 1, 2], [5, 6, 7]),
    CASES % 5 == 0,
    (CASES % 5 == 0, ..., 1),
    (slice(3), None, 2),
    (3, None),
    np.zeros(37, bool),
    [],
    (slice(10), slice(None), 3),
    (slice(10), ..., 3),
    ([3, 2], slice(None), 1),
]


def test_slices_are_those_of_numpy(written):
    _, trajectory, path = written
    array = trajectory.state[1]
    for key in (*KEYS, np.isfinite(array)):
        # nothing of it has been read before
        with spinrnn.open_trajectory(path) as file:
            np.testing.assert_array_equal(
                file.state[1][key], array[key], err_msg=repr(key), strict=True
            )


def test_what_is_stored_is_like_an_array(written):
    _, trajectory, path = written
    array = trajectory.state[1]
    with spinrnn.open_trajectory(path) as file:
        stored = file.state[1]
        assert (len(stored), stored.shape, stored.ndim) == (37, array.shape, 3)
        assert (stored.size, stored.nbytes) == (array.size, array.nbytes)
        np.testing.assert_array_equal(np.asarray(stored), array)
        assert np.asarray(stored, dtype=np.float64).dtype == np.float64
        for bad in (37, -38, (0, 4), "a", (0, 0, 0, 0), [37]):
            with pytest.raises(IndexError):
                stored[bad]
        pieces = [block for _, block in stored.blocks()]
        np.testing.assert_array_equal(np.concatenate(pieces), array)
    with pytest.raises(spinrnn.StoreError, match="has been closed"):
        stored[0]


def test_what_cannot_be_asked_for(net, given, tmp_path):
    u, lengths, _ = given
    wrong = (
        ({"every": 0}, "every"),
        ({"every": 22}, "every: must be a whole number from 1 to 21"),
        ({"every": True}, "every"),
        ({"variables": ["pp"]}, "did you mean p"),
        ({"layers": [3]}, "from 0 to 2"),
        ({"layers": []}, "at least one"),
        ({"variables": ["x"], "layers": [-1], "every": 1.5}, r"every.*variables.*layers"),
    )
    for options, words in wrong:
        with pytest.raises(spinrnn.ConfigError, match=words):
            net.simulate_to(tmp_path / "t.h5", u, lengths, **options)
    twin = spinrnn.Network(spinrnn.NetworkConfig(**{**vars(net.config), "neuron": "ctrnn"}))
    with pytest.raises(spinrnn.ConfigError, match="has no filter"):
        twin.simulate_to(tmp_path / "t.h5", u, lengths, variables=["m"])
    for options in ({"labels": [1]}, {"cases": np.zeros(37)}, {"labels": np.full(37, 2**40)}):
        with pytest.raises(spinrnn.DataError):
            net.simulate_to(tmp_path / "t.h5", u, lengths, **options)
    with pytest.raises(spinrnn.DataError, match="no cases"):
        net.simulate_to(tmp_path / "t.h5", u[:0])
    trajectory = net.simulate(u, lengths)
    trajectory.network = None
    with pytest.raises(spinrnn.DataError, match="has no network"):
        trajectory.save(tmp_path / "t.h5")
    assert list(tmp_path.iterdir()) == []


# ---- other programs ----


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_xarray_opens_it(written, engine):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip({"netcdf4": "netCDF4"}.get(engine, engine))
    net, trajectory, path = written
    with xarray.open_dataset(path, engine=engine) as data:
        sizes = {
            "case": 37,
            "time": 22,
            "drive_time": 21,
            "input_time": 7,
            "channel": 2,
            "class": 3,
        }
        sizes |= {"neuron_0": 5, "neuron_1": 4, "neuron_2": 6}
        assert dict(data.sizes) == sizes | {"source_0": 5, "source_1": 4, "source_2": 6}
        assert set(data.coords) == set(data.sizes)  # each axis has its coordinate
        for layer in range(3):
            for name, array, last, units in (
                ("power", trajectory.state, "time", "1"),
                ("output", trajectory.output, "time", "1"),
                ("drive", trajectory.drive, "drive_time", "1/s"),
            ):
                found = data[f"{name}_{layer}"]
                assert found.dims == ("case", f"neuron_{layer}", last)
                assert (found.dtype, found.attrs["units"]) == (np.float32, units)
                assert f"layer {layer}" in found.attrs["long_name"]
                np.testing.assert_array_equal(found.values, array[layer])
        assert data.time.dtype == np.float64
        assert data.time.attrs["units"] == "s"
        np.testing.assert_array_equal(data.time.values, trajectory.time)
        np.testing.assert_array_equal(data.w_int_1.values, net.views()["w_int"][1])
        assert data.w_int_1.dims == ("neuron_1", "source_1")
        assert data.power_2.sel(case=3, neuron_2=1).sel(time=5e-9, method="nearest").shape == ()
        for name in data.variables:
            assert data[name].attrs["units"] in ("1", "s", "1/s")
            assert data[name].attrs["long_name"]
        own = [data.attrs[name] for name in ("neuron", "substeps", "complete")]
        assert own == ["oscillator", 3, 1]
        assert data.attrs["relaxation_time"] == 10e-9
        assert "layers = [5, 4, 6]" in data.attrs["config"]


def run_program(*arguments):
    if shutil.which(arguments[0]) is None:
        pytest.skip(f"{arguments[0]} is not installed")
    result = subprocess.run(
        [str(a) for a in arguments], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return " ".join(result.stdout.split())


def test_ncdump_shows_names_coordinates_and_units(written):
    _, trajectory, path = written
    text = run_program("ncdump", "-v", "time,logits", path)
    for part in (
        "float power_0(case, neuron_0, time) ;",
        'drive_1:units = "1/s" ;',
        'time:units = "s" ;',
        "double time(time) ;",
        "case = 37 ;",
        'drive_1:long_name = "drive I of the neurons of layer 1, held from drive_time on" ;',
        ":complete = 1 ;",
        "float w_int_2(neuron_2, source_2) ;",
    ):
        assert part in text
    assert "phony" not in text
    values = text.split("time = 0, ")[1].split(";")[0].split(",")
    np.testing.assert_allclose([0, *map(float, values)], trajectory.time, rtol=1e-5)


def test_h5dump_shows_scales_and_units(written):
    _, trajectory, path = written
    text = run_program("h5dump", "-d", "/drive_0", "-s", "2,1,3", "-c", "1,1,1", path)
    for part in (
        '"DIMENSION_LIST"',
        '"1/s"',
        '"drive I of the neurons of layer 0, held from drive_time on"',
        "H5T_IEEE_F32LE",
    ):
        assert part in text
    assert f"(2,1,3): {trajectory.drive[0][2, 1, 3]:.5g}"[:14] in text
    assert '"DIMENSION_SCALE"' in run_program("h5dump", "-d", "/time", path)


def test_octave_reads_arrays_and_units(written, tmp_path):
    net, trajectory, path = written
    script = tmp_path / "read.m"
    script.write_text(
        f's = load("{path}"); printf("%d ", size(s.power_1));\n'
        'printf("%.9g ", s.power_1(6, 2, 4), s.time(6), s.w_out(5, 3));\n'
        "try, pkg load netcdf;\n"
        f'printf("%s|", ncreadatt("{path}", "drive_1", "units"));\n'
        f'printf("%s|", ncreadatt("{path}", "power_1", "long_name"));\n'
        f'd = ncinfo("{path}", "power_1").Dimensions; printf("%s,", d.Name);\n'
        'catch, printf("no netcdf"); end\n'
    )
    text = run_program("octave", "--no-gui", "--norc", script)
    numbers = [trajectory.state[1][3, 1, 5], trajectory.time[5], net.views()["w_out"][2, 4]]
    assert text.startswith("22 4 37 ")  # Octave counts axes from the fastest one
    np.testing.assert_allclose([float(word) for word in text.split()[3:6]], numbers, rtol=1e-6)
    if "no netcdf" in text:
        pytest.skip("Octave's package netcdf, which reads units, is not installed")
    assert "1/s|normalised power p of the neurons of layer 1|time,neuron_1,case," in text


# ---- the command ----


@pytest.fixture
def trained(tiny_file, tmp_path):
    """(folder of a run on `tiny_data`, its network, its parts)."""
    config = spinrnn.load_config(tiny_file, ["train.epochs=1"])
    result = spinrnn.train(config, out=tmp_path / "run")
    data = spinrnn.load_dataset(tiny_file.parent / "tiny.npz")
    return tmp_path / "run", result.network, split(data, config.data, config.resolved_split_seed)


def test_simulate_cases_of_a_run(command, trained, tiny_file, tiny_data, tmp_path):
    (run, network, parts), out = trained, tmp_path / "t.h5"
    source = f"{tiny_file.parent}/tiny.npz:test[2:9:2]"
    done = command(
        "simulate", run, "--input", source, "--out", out, "--variables", "p,m", "--layers", "1"
    )
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.splitlines()
    assert first.startswith(f"{out}: 4 cases, ")
    assert first.endswith(" to write")
    assert f"{out}: 4 cases, " in last
    chosen = parts[2][2:9:2]
    trajectory = network.simulate(tiny_data.inputs[chosen], tiny_data.lengths[chosen])
    with spinrnn.open_trajectory(out) as file:
        np.testing.assert_array_equal(file.cases, chosen)
        np.testing.assert_array_equal(file.labels, tiny_data.labels[chosen])
        np.testing.assert_array_equal(file.lengths, tiny_data.lengths[chosen])
        np.testing.assert_array_equal(file.state[1][:], trajectory.state[1])
        mean = trajectory.state[1] - trajectory.output[1]
        np.testing.assert_allclose(file.mean[1][:], mean, atol=1e-6)
        assert file.state[0] is file.output is file.drive is None
        assert file.attributes["seed"] == 0
        assert file.attributes["source"].endswith("tiny.npz:test[2:9:2]")
        assert file.attributes["data_sha256"] == tiny_data.digest()
    refused(command("simulate", run, "--out", out), "t.h5 exists", "--overwrite")
    # by default the test part of the run's data; keys of the network may be overruled
    changes = ("--set", "network.substeps=5", "--every", "5")
    done = command("simulate", run, "--out", out, "--overwrite", *changes)
    assert done.returncode == 0, done.stderr
    with spinrnn.open_trajectory(out) as file:
        np.testing.assert_array_equal(file.cases, parts[2])
        assert (file.config.substeps, file.every) == (5, 5)


def test_simulate_a_fresh_network(command, tiny_file, tiny_data, tmp_path):
    """That of the configuration's seed, all cases."""
    out, settings = tmp_path / "t.h5", ("--set", "train.seed=3")
    done = command("simulate", tiny_file, "--input", ":all", "--out", out, *settings)
    assert done.returncode == 0, done.stderr
    fresh = spinrnn.Network(spinrnn.load_config(tiny_file).network, seed=3)
    trajectory = fresh.simulate(tiny_data.inputs, tiny_data.lengths)
    with spinrnn.open_trajectory(out) as file:
        assert file.network.parameters.tobytes() == fresh.parameters.tobytes()
        np.testing.assert_array_equal(file.state[0][:], trajectory.state[0])
        assert file.attributes["seed"] == 3


def test_simulate_the_network_of_a_file(command, net, tmp_path):
    """On a user's inputs without labels; and that of a trajectory file."""
    u, out = np.random.default_rng(3).normal(size=(3, 2, 7)), tmp_path / "u.h5"
    np.savez(tmp_path / "mine.npz", inputs=u)
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file["inputs"] = u
    net.save(tmp_path / "net.h5")
    net.simulate_to(tmp_path / "t.h5", u[:1])
    for network, data, cases in (
        ("net.h5", "mine.npz", [0, 1, 2]),
        ("t.h5", "mine.h5[0,2]", [0, 2]),
    ):
        source = ("--input", tmp_path / data)
        done = command("simulate", tmp_path / network, *source, "--out", out, "--overwrite")
        assert done.returncode == 0, done.stderr
        with spinrnn.open_trajectory(out) as file:
            assert file.labels is None
            assert file.cases.tolist() == cases
            np.testing.assert_array_equal(file.state[2][:], net.simulate(u[cases]).state[2])


def test_what_simulate_refuses(command, trained, tiny_file, tiny_data, tmp_path):
    run, out, source = trained[0], tmp_path / "t.h5", tiny_file.parent / "tiny.npz"
    for arguments, words in (
        ([tmp_path / "none"], ["No such file"]),
        ([run, "--input", f"{source}:tets"], ["did you mean test"]),
        ([run, "--input", f"{source}[200]"], ["no case 200"]),
        ([run, "--input", f"{source}[5:5]"], ["names no case"]),
        ([run, "--input", f"{source}[a]"], ["cases must be"]),
        ([run, "--input", "digits"], ["digits: has 1 channel, the network reads 2"]),
        ([run / "network.h5", "--input", f"{source}:test"], ["give its folder"]),
        ([run / "network.h5"], ["names no data"]),
        ([run, "--set", "train.seed=2"], ["takes keys of [network], [neuron] and [spread]"]),
        ([run / "network.h5", "--set", "network.substeps=2", "--input", source], ["--set"]),
        ([run, "--variables", "q", "--layers", "7"], ["variables: q", "layers"]),
        ([run, "--layers", "a"], ["--layers"]),
        ([run, "--memory", "1000"], ["are allowed"]),
    ):
        refused(command("simulate", *arguments, "--out", out), *words)
        assert not list(tmp_path.glob("*t.h5*"))
    refused(command("simulate", run, "--out", tmp_path), "is a folder")
    changed = tiny_data.inputs + 1
    np.savez(source, inputs=changed, labels=tiny_data.labels, lengths=tiny_data.lengths)
    refused(command("simulate", run, "--out", out), "other data")


@pytest.mark.parametrize("readout", ["end", "mean", "both", "points", "power", "end_power"])
def test_states_of_any_readout_are_written(tmp_path, readout):
    config = spinrnn.NetworkConfig(layers=(3,), inputs=1, outputs=2, readout=readout)
    net, u = spinrnn.Network(config), np.ones((2, 1, 3))
    net.simulate_to(tmp_path / "a.h5", u)
    with spinrnn.open_trajectory(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file.state[0][:], net.simulate(u).state[0])
