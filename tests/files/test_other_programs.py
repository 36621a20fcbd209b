"""What files say to other programs, and what is too large for the oldest form of
HDF5.
"""

import shutil
import subprocess

import h5py
import numpy as np
import pytest
from conftest import here

import spinrnn
from spinrnn.files import container, hdf5, lazy, seal, streaming
from spinrnn.files.container import AXIS_ORDER, in_oldest_form, write_container, write_file
from spinrnn.files.hdf5 import read_arrays


def octave(script):
    """What Octave prints."""
    if not shutil.which("octave"):
        pytest.skip("Octave is not installed")
    result = subprocess.run(
        ["octave", "--no-gui", "--norc", "--quiet", "--eval", script],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


# ---- the order of axes ----


@pytest.fixture
def network_file(net, tmp_path):
    """The network of layers 5, 4, 6 and two inputs, saved."""
    net.save(tmp_path / "network.h5")
    return tmp_path / "network.h5"


def test_a_network_names_the_axes_of_its_matrices(network_file, net):
    with h5py.File(network_file) as file:
        assert file.attrs["axis_order"] == AXIS_ORDER
        axes = {name: item.attrs["axes"] for name, item in file["parameters"].items()}
        assert {item.attrs["axes"] for item in file["mask"].values()} == set(axes.values())
        assert file["parameters/w_ext_1"].shape == (4, 5)
    assert axes == {
        "w_ext_0": "neuron_0, channel",
        "w_ext_1": "neuron_1, neuron_0",
        "w_ext_2": "neuron_2, neuron_1",
        "w_int_0": "neuron_0, source_0",
        "w_int_1": "neuron_1, source_1",
        "w_int_2": "neuron_2, source_2",
        "bias_0": "neuron_0",
        "bias_1": "neuron_1",
        "bias_2": "neuron_2",
        "w_out": "class, neuron_2",
        "b_out": "class",
    }


def test_a_trajectory_says_the_order_of_its_axes(written):
    with h5py.File(written[2]) as file:
        assert file.attrs["axis_order"].decode() == AXIS_ORDER


def test_files_without_the_order_of_axes_are_read(network_file, net, tmp_path):
    """As version 0.1 wrote them: it is no part of the checksum."""
    with h5py.File(network_file, "a") as file:
        del file.attrs["axis_order"]
        for name in ("parameters", "mask"):
            for item in file[name].values():
                del item.attrs["axes"]
    np.testing.assert_array_equal(spinrnn.load(network_file).parameters, net.parameters)


@pytest.mark.slow
def test_octave_shows_matrices_in_reverse(network_file, net):
    """The example of docs/FILES.md."""
    lines = octave(
        f's = load("{network_file}"); W = s.parameters.w_ext_1.\';\n'
        'printf("%d %d\\n", size(W)); printf("%.9g\\n", W(3, 5));'
    ).split()
    assert lines[:2] == ["4", "5"]
    assert np.float32(lines[2]) == net.views()["w_ext"][1][2, 4]


# ---- attributes beyond 64 KiB ----


@pytest.fixture
def small():
    """A network of two neurons, quick to simulate."""
    config = spinrnn.NetworkConfig(layers=(2,), inputs=1, outputs=2, substeps=1)
    return spinrnn.Network(config, seed=3)


def test_a_trajectory_of_many_noise_seeds(small, tmp_path):
    """20,000 of them, as JSON, are 109 kB."""
    path, seeds, u = tmp_path / "t.h5", list(range(20000)), np.ones((2, 1, 3))
    note = np.arange(30000.0)
    spinrnn.write_trajectory(path, small, u, noise_seed=seeds, attributes={"note": note})
    expected = small.simulate(u, noise_seed=seeds)
    with spinrnn.open_trajectory(path) as file:
        assert file.noise_seed == seeds
        np.testing.assert_array_equal(file.attributes["note"], note)
        np.testing.assert_array_equal(file.state[0][:], expected.state[0])
        file.check()
    with h5py.File(path) as file:
        assert len(file.attrs["noise_seed"]) > 2**16
        assert file.attrs["complete"] == 1
        assert file["power_0"].dims[0][0].name == "/case"
    assert octave_or(f's = load("{path}"); printf("%d ", size(s.power_0));', "4 2 2")


def octave_or(script, expected):
    """Whether Octave prints what is expected, where it is installed."""
    return not shutil.which("octave") or octave(script).split() == expected.split()


def test_simulate_takes_many_cases(small, tmp_path):
    """The command keeps its --input; 16,000 numbers of cases are 92 kB."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "u.npz", inputs=rng.random((16100, 1, 2)), labels=np.zeros(16100, int))
    small.save(tmp_path / "network.h5")
    cases = np.delete(np.arange(16100), np.arange(5, 16000, 160))
    source = f"{tmp_path / 'u.npz'}[{','.join(map(str, cases))}]"
    out = tmp_path / "t.h5"
    arguments = ["--input", source, "--out", out, "--variables", "p"]
    result = here("simulate", tmp_path / "network.h5", *arguments)
    assert result.returncode == 0, result.stderr
    with spinrnn.open_trajectory(out) as file:
        assert file.attributes["source"] == source
        assert len(source) > 2**16
        np.testing.assert_array_equal(file.cases, cases)


def test_what_fits_has_the_oldest_form(network_file, written):
    """The first form has version 0 of HDF5's superblock, which every program reads."""
    for path in (network_file, written[2]):
        assert path.read_bytes()[8] == 0


def test_an_attribute_of_a_file_in_memory_may_be_large(tmp_path):
    path, numbers = tmp_path / "x.h5", np.arange(20000)

    def fill(file):
        file.create_dataset("x", data=numbers).attrs["flag_values"] = numbers
        file.attrs["numbers"] = numbers

    write_file(path, fill)
    attributes, arrays = read_arrays(path.read_bytes(), path, 1)
    np.testing.assert_array_equal(attributes["numbers"], numbers)
    np.testing.assert_array_equal(arrays["x"], numbers)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["x"].attrs["flag_values"], numbers)


def test_another_error_of_making_a_file_is_told():
    forms = []

    def make(form):
        forms.append(form)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        in_oldest_form(make)
    assert forms == ["earliest", ("v108", "v108")]


def test_an_attribute_that_claims_more_than_the_file(tmp_path, monkeypatch):
    """What is read of a user's file is never larger than the file."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
        file.attrs["numbers"] = np.arange(100)
        file.attrs["one"] = 7
    attributes, _ = read_arrays(path.read_bytes(), path)
    assert attributes["one"] == 7
    np.testing.assert_array_equal(attributes["numbers"], np.arange(100))
    with h5py.File(path) as file:
        small = type("File", (), {"attrs": file.attrs, "id": type("I", (), {})})
        small.id.get_filesize = lambda: 799
        assert hdf5.read_attribute(small, "numbers") is None
        assert hdf5.read_attribute(small, "one") == 7


# ---- many datasets ----


@pytest.mark.parametrize("least", [10, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_file_of_many_datasets_is_read(tmp_path, monkeypatch, least):
    """A sparse network of 1,700 layers has 10,200. Each dataset takes its bytes."""
    monkeypatch.setattr(hdf5, "LARGEST_COUNT", least)
    path, count = tmp_path / "x.h5", least + 200
    arrays = {f"parameters/x{number}": np.full(4, number, "f4") for number in range(count)}
    write_container(path, "network", "", arrays)
    assert path.stat().st_size > hdf5.SMALLEST_DATASET * count
    kind, _, found = container.read_container(path)
    assert kind == "network"
    assert len(found) == count
    assert all((found[name] == array).all() for name, array in arrays.items())


@pytest.mark.slow
def test_a_network_of_many_layers_is_loaded(tmp_path):
    config = spinrnn.NetworkConfig(layers=(1,) * 1700, inputs=1, outputs=2, density_int=0.5)
    net = spinrnn.Network(config, seed=1)
    net.save(tmp_path / "network.h5")
    other = spinrnn.load(tmp_path / "network.h5")
    assert other.config == config
    np.testing.assert_array_equal(other.parameters, net.parameters)
    np.testing.assert_array_equal(other.mask, net.mask)


@pytest.mark.slow
def test_many_datasets_share_an_axis(tmp_path):
    """From 4,086 on the list of them, which HDF5 keeps with the axis, is beyond 64
    KiB.
    """
    names, path = [f"x{number}" for number in range(4100)], tmp_path / "x.h5"
    axis = streaming.Variable("case", ("case",), "i4", "1", "x", np.arange(3))
    variables = [axis, *(streaming.Variable(name, ("case",), "i4", "1", "x") for name in names)]
    with streaming.StreamWriter(path, variables, {}, 2) as file:
        for number, name in enumerate(names):
            for start in (0, 2):
                file.write(name, start, np.arange(start, min(start + 2, 3), dtype="i4") + number)
    with lazy.StreamReader(path) as reader:
        for number in (0, 4085, 4099):
            np.testing.assert_array_equal(reader.stored[f"x{number}"][:], np.arange(3) + number)
    with h5py.File(path) as file:
        assert file["x4099"].dims[0][0].name == "/case"


def test_attributes_keep_their_kinds(small, tmp_path):
    """Whole numbers are int32 where they fit, else int64 and beyond that digits."""
    given = {"a": 7, "b": 2**40, "c": 2**70, "d": True, "e": 1.5, "f": "ä", "g": [1, 2**31]}
    path = tmp_path / "t.h5"
    spinrnn.write_trajectory(path, small, np.ones((1, 1, 2)), attributes=given)
    with spinrnn.open_trajectory(path) as file:
        found = {name: file.attributes[name] for name in given}
    assert found.pop("g").tolist() == [1, 2**31]
    assert found == {"a": 7, "b": 2**40, "c": str(2**70), "d": 1, "e": 1.5, "f": "ä"}
    with h5py.File(path) as file:
        kinds = {name: file.attrs.get_id(name).dtype.str for name in given}
    assert kinds == {
        "a": "<i4", "b": "<i8", "c": "|S22", "d": "<i4", "e": "<f8", "f": "|S2", "g": "<i8",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[", b"[]", b"{}", b'{"end": 100, "block": 1, "streamed": [["x", 0, 1]]}',
        b'{"end": 100, "block": 0, "streamed": []}', b'{"end": -1, "block": 1, "streamed": []}',
        b'{"end": 100, "block": 1.0, "streamed": []}', b'{"end": true, "block": 1, "streamed": []}',
        b'{"end": 100, "block": 1, "streamed": [["x", 0, 10, 5], ["y", 49, 10, 5]]}',
        b'{"end": 99, "block": 1, "streamed": [["x", 0, 10, 5], ["y", 50, 10, 5]]}',
        b'{"end": 100, "block": 1, "streamed": [[["x"], 0, 1, 1]]}', b"[" * 100000, b"\xff",
    ],
)  # fmt: skip
def test_places_that_cannot_be(text):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        seal.Places.from_json(text)


def test_places_and_back():
    places = seal.Places(100, 4, {"x": (0, 10, 5), "y": (50, 10, 5)})
    assert seal.Places.from_json(places.to_json()) == places
    assert places.first_blocks() == ({"x": 0, "y": 2}, 4)
