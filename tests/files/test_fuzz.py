"""Files with mistakes, of chance and of malice, of every kind.

Some of those that `python tests/fuzz.py` makes, and attacks that are made by hand.
"""

import time
import zipfile
import zlib
from pathlib import Path

import fuzz
import h5py
import numpy as np
import pytest

import spinrnn
from spinrnn.config import toml
from spinrnn.recordings.measurement import load_measurement
from spinrnn.recordings.opening import open_recording
from spinrnn.runs import checkpoints
from spinrnn.sweep.folder import SweepFolder
from spinrnn.sweep.status import look


@pytest.mark.slow
@pytest.mark.parametrize("each", [30])
def test_mutated_files_are_refused_or_harmless(each):
    """So many files of each kind; most are refused."""
    counts, wrong, _, most = fuzz.fuzz(each * len(fuzz.READERS))
    assert wrong == []
    assert most < fuzz.MEMORY
    for kind in fuzz.READERS:
        outcomes = {
            outcome: sum(n for (k, _, o), n in counts.items() if (k, o) == (kind, outcome))
            for outcome in ("refused", "same", "other")
        }
        assert sum(outcomes.values()) == each
        assert outcomes["refused"] >= each // 3, (kind, outcomes)


def test_a_reader_that_accepts_what_is_wrong_is_seen(tmp_path, monkeypatch):
    """The judge itself: other numbers, other errors, long texts and warnings."""
    import warnings

    def reader(what):
        monkeypatch.setitem(fuzz.READERS, "network", what)
        return fuzz.judge("network", "bytes", tmp_path, ["1"])

    def fails(_):
        raise fuzz.SpinrnnError("x" * 3000)

    assert reader(lambda _: ["1"]) == "same"
    assert reader(lambda _: ["2"]).startswith("WRONG: other")
    assert reader(lambda _: 1 / 0).startswith("WRONG: Trace")
    assert reader(fails).startswith("WRONG: message")
    assert str(fuzz.SpinrnnError("one\ntwo\x1b[2J ä")) == r"one\ntwo\x1b[2J ä"
    assert reader(lambda _: warnings.warn("x", stacklevel=1)).startswith("WRONG: Trace")


def _fan(file):
    """Two groups and a thousand ways from each to the next: a million ways through
    them.
    """
    group = file.create_group("g")
    for _ in range(2):
        below = file.create_group(None)
        for number in range(1000):
            group[f"x{number}"] = below
        group = below


def _twice(file):
    """30 MB of zeros packed twice, in a piece that claims 480 bytes."""
    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_chunk((60,))
    how.set_deflate(9)
    how.set_deflate(9)
    kind, space = h5py.h5t.py_create(np.dtype("f8")), h5py.h5s.create_simple((60,))
    dataset = h5py.h5d.create(file.id, b"x", kind, space, how)
    dataset.write_direct_chunk((0,), zlib.compress(zlib.compress(bytes(3 * 10**7), 9), 9))


def _named(file):
    file["lengths_\x1b[2J\n"] = 1


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (_fan, "more than 10000"),
        (_twice, "packed more than once"),
        (_named, r"unknown array .*\\x1b\[2J\\n"),
    ],
)
def test_hostile_data_are_refused_at_once(tmp_path, attack, words):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["inputs"], file["labels"] = np.zeros((3, 1, 2)), np.arange(3)
        attack(file)
    began = time.perf_counter()
    with pytest.raises((spinrnn.DataError, spinrnn.StoreError), match=words):
        spinrnn.load_dataset(path)
    assert time.perf_counter() - began < 20


@pytest.mark.parametrize("read", [spinrnn.load_dataset, open_recording, load_measurement])
@pytest.mark.parametrize("name", ["power.npy", "inputs.npy", "note.txt", "time"])
def test_a_member_of_an_archive_that_is_no_array(tmp_path, read, name):
    """NumPy gives its bytes in the place of an array."""
    path = tmp_path / "data.npz"
    arrays = {"time": np.arange(9.0), "power": np.ones(9), "drive": np.ones(9)}
    arrays |= {"inputs": np.zeros((3, 1, 2)), "labels": np.arange(3)}
    np.savez(path, **{key: array for key, array in arrays.items() if f"{key}.npy" != name})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"hello")
    with pytest.raises(spinrnn.DataError, match="is no array") as error:
        read(path)
    assert name.removesuffix(".npy") in str(error.value)


def test_attributes_that_stand_for_very_much_are_passed_over(tmp_path):
    """Three thousand entries of an attribute that share 40 kB of the heap would be 120
    MB.
    """
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["inputs"], file["labels"] = np.zeros((3, 1, 2)), np.arange(3)
        fuzz._many_times(file, "shared", np.int32)
    content = fuzz.one_heap_object(path.read_bytes())
    assert content != path.read_bytes()
    path.write_bytes(content)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before = fuzz._status("VmRSS")
    assert len(spinrnn.load_dataset(path)) == 3
    assert fuzz._status("VmHWM") - before < 30e6


def test_a_configuration_that_would_take_minutes_is_refused(tmp_path):
    began = time.perf_counter()
    with pytest.raises(spinrnn.ConfigError, match="more than 200 dots"):
        toml.from_toml("a." * 20000 + "a = 1")
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("key", ["a. 1.1" * 9000, '", 1.1"." 1.5".' * 9000 + "a"])
def test_dots_of_long_keys_are_not_taken_for_those_of_numbers(key):
    for line in (f"{key} = 1", f"[{key}]", f"x = {{ {key} = 1 }}"):
        with pytest.raises(spinrnn.ConfigError, match="more than 200 dots"):
            toml.from_toml(line)


@pytest.mark.parametrize(
    "wrong",
    [
        {"history": None},
        {"epoch": "1"},
        {"steps": -1},
        {"sums": {"x": 1}},
        {"data_sha256": None},
        None,
    ],
)
def test_a_checkpoint_with_another_content_is_refused(tmp_path, tiny_config, tiny_data, wrong):
    """Its checksum fits; it is what somebody wrote, but not what a run did."""
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        spinrnn.train(tiny_config, out, data=tiny_data, on_epoch=_interrupt)
    path = checkpoints.checkpoint_paths(out)[0]
    config, arrays, state = checkpoints.load_checkpoint(path)
    if wrong is None:
        arrays["parameters"] = arrays["parameters"][:1]
    checkpoints.save_checkpoint(path, config, arrays, state | (wrong or {}))
    with pytest.raises(
        (spinrnn.StoreError, spinrnn.DataError), match=r"not one of a run|other data"
    ):
        spinrnn.train(tiny_config, out, resume=True, data=tiny_data)


def _interrupt(*_):
    raise KeyboardInterrupt


def test_a_result_with_another_content_is_a_damaged_one(tmp_path, sweep_file):
    sweep = spinrnn.load_sweep(sweep_file('[[axes]]\nkey = "train.epochs"\nvalues = [1]\n'))
    spinrnn.run_sweep(sweep, tmp_path / "out", executor="serial")
    folder, (point,) = SweepFolder(tmp_path / "out"), sweep.points
    arrays, state = folder.load(point.digest, point.name)
    del state["digest"]
    changes = [
        {"summary": []},
        {"summary": None},
        {"extra": 3},
        {"seconds": "1"},
        {"error": "x"},
        {"extra": {"cumulative_drive": 10**400}},
    ]
    for change, more in [
        *((change, {}) for change in changes),
        ({}, {"history/train_loss": np.zeros((2, 2))}),
    ]:
        folder.save(point.digest, point.name, "", arrays | more, state | change)
        assert spinrnn.collect_sweep(sweep, folder.path).states == {"damaged": 1}, change
        assert look(sweep, folder)["points"]["damaged"] == 1
    folder.save(point.digest, point.name, "", arrays, state)
    assert spinrnn.collect_sweep(sweep, folder.path).states == {"done": 1}
