"""WAV files that SciPy writes and TDMS files that npTDMS writes; damaged ones."""

import sys

import numpy as np
import pytest
from scipy.io import wavfile

import spinrnn
from spinrnn.readers.formats import read_table


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (np.array([0, 16384, -32768], np.int16), [0, 0.5, -1]),
        (np.array([128, 192, 0], np.uint8), [0, 0.5, -1]),
        (np.array([0, 2**30, -(2**31)], np.int32), [0, 0.5, -1]),
        (np.array([0, 0.25, -2], np.float32), [0, 0.25, -2]),
    ],
)
@pytest.mark.parametrize("name", ["a.wav", "a.WAV", "a.dat"])
def test_samples_are_shares_of_the_full_scale(tmp_path, stored, expected, name):
    wavfile.write(tmp_path / name, 8000, stored)
    table = read_table(tmp_path / name)
    np.testing.assert_array_equal(table.arrays["samples"], expected)
    np.testing.assert_array_equal(table.arrays["time"], [0, 1 / 8000, 2 / 8000])
    assert table.attributes == {"rate": 8000}
    assert table.units["time"] == "s"


def test_channels_come_first(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.array([[0, 1], [2, 3], [4, 5]], np.float32))
    assert read_table(tmp_path / "a.wav").arrays["samples"].tolist() == [[0, 2, 4], [1, 3, 5]]


def test_24_bits(tmp_path):
    """Written by hand: SciPy writes none."""
    data = bytes.fromhex("000000 000040 000080")
    head = b"WAVEfmt " + bytes.fromhex("10000000 0100 0100 401f0000 c05d0000 0300 1800")
    body = head + b"data" + len(data).to_bytes(4, "little") + data + b"\0"
    (tmp_path / "a.wav").write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)
    assert read_table(tmp_path / "a.wav").arrays["samples"].tolist() == [0, 0.5, -1]


def test_damaged_wav_files_end_in_one_line(tmp_path):
    path, rng, messages = tmp_path / "a.wav", np.random.default_rng(0), []
    wavfile.write(path, 8000, np.arange(20, dtype=np.int16))
    good = path.read_bytes()
    for trial in range(500):
        bad = bytearray(good[: rng.integers(len(good))] if trial % 3 == 0 else good)
        for place in rng.integers(0, 44, 2):
            if place < len(bad):
                bad[place] = rng.integers(256)
        path.write_bytes(bad)
        try:
            read_table(path)
        except spinrnn.SpinrnnError as error:
            messages.append(str(error))
    assert len(messages) > 100
    assert not any("\n" in message for message in messages)
    path.write_bytes(good[:-5])
    with pytest.raises(spinrnn.DataError, match="truncated, its head tells 84 bytes, it has 79"):
        read_table(path)
    wavfile.write(path, 8000, np.zeros(0, np.int16))
    with pytest.raises(spinrnn.DataError, match="holds no samples"):
        read_table(path)


# ---- TDMS ----


def test_tdms_without_its_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nptdms", None)
    (tmp_path / "a.tdms").write_bytes(b"TDSm")
    with pytest.raises(spinrnn.DataError, match=r"pip install 'spinrnn\[lab\]' brings it"):
        read_table(tmp_path / "a.tdms")


@pytest.fixture
def tdms(tmp_path):
    """Writes a file of npTDMS: groups {name: {channel: (values, properties)}}."""
    nptdms = pytest.importorskip("nptdms", reason="npTDMS is not installed (the extra lab)")

    def write(groups):
        objects = [nptdms.RootObject({"author": "P. Ysicist"})]
        for group, channels in groups.items():
            for name, (values, properties) in channels.items():
                objects.append(nptdms.ChannelObject(group, name, values, properties))
        with nptdms.TdmsWriter(tmp_path / "a.tdms") as file:
            file.write_segment(objects)
        return tmp_path / "a.tdms"

    return write


def test_what_nptdms_writes(tdms):
    step = {"wf_increment": 0.5, "wf_start_offset": 1.0, "unit_string": "V"}
    channels = {
        "power": (np.arange(3.0), step),
        "state": (["a", "b"], {}),
        "when": (np.array(["2024-01-01"], "M8[us]"), {}),
    }
    table = read_table(tdms({"run": channels}))
    assert table.arrays["power"].tolist() == [0, 1, 2]
    assert table.arrays["time"].tolist() == [1, 1.5, 2]
    assert table.arrays["state"].tolist() == ["a", "b"]
    assert dict(table.units) == {"power": "V", "time": "s"}
    assert list(table.left_out) == ["when"]
    assert table.attributes == {"author": "P. Ysicist"}
    two = read_table(tdms({"a": channels, "b": {"x": (np.arange(2), {})}}))
    assert two.arrays["a/power"].tolist() == [0, 1, 2]
    assert two.arrays["b/x"].tolist() == [0, 1]


def test_damaged_tdms_files_end_in_one_line(tdms):
    path = tdms({"run": {"power": (np.arange(30.0), {"wf_increment": 0.5})}})
    good, rng, messages = path.read_bytes(), np.random.default_rng(0), []
    for trial in range(300):
        bad = bytearray(good[: rng.integers(len(good))] if trial % 3 == 0 else good)
        for place in rng.integers(4, len(good), 2):
            if place < len(bad):
                bad[place] = rng.integers(256)
        path.write_bytes(bad)
        try:
            read_table(path)
        except spinrnn.SpinrnnError as error:
            messages.append(str(error))
    assert len(messages) > 30
    assert not any("\n" in message for message in messages)
