"""Any bytes under any name give a table or one line, and take no memory without bounds."""

import io
import tracemalloc

import h5py
import numpy as np
import pytest
import scipy.io

import spinrnn
from spinrnn.readers import delimited
from spinrnn.readers.formats import ENDINGS, read_table

TEXTS = {
    ".ts": b"@classLabel true a b\n@data\n1,2,3:a\n4,5,6:b\n",
    ".csv": b"# made\ntime (ns),P (mW),note\n0,1.5,a\n1,2.5,b\n2,3.5,c\n3,4.5,d\n",
    ".txt": b"t;I\n0,5;1\n1,5;2\n2,5;3\n",
    ".lvm": b"LabVIEW Measurement\t\nSeparator\tTab\n***End_of_Header***\t\n\nChannels\t1\t\n"
    b"X0\t0\t\nDelta_X\t1\t\n***End_of_Header***\t\nX_Value\tP\tComment\n0\t1\t\n1\t2\n",
    ".ovf": b"# OOMMF OVF 2.0\n# valuedim: 1\n# xnodes: 2\n# ynodes: 1\n# znodes: 1\n"
    b"# Begin: Data Text\n1\n2\n# End: Data Text\n",
    ".odt": b"# ODT 1.0\n# Columns: {a b} c\n# Units: s {}\n1 2\n3 4\n# Table End\n",
}


def binaries():
    """{ending: bytes of a small file}."""
    arrays, found = {"x": np.arange(6.0), "y": np.eye(2)}, {}
    for ending, write in ((".npz", np.savez), (".mat", scipy.io.savemat)):
        stream = io.BytesIO()
        write(stream, arrays) if ending == ".mat" else write(stream, **arrays)
        found[ending] = stream.getvalue()
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.update(arrays)
        file["x"].attrs.update(scale_factor=0.5, units=np.bytes_("mV"))
    return found | {".h5": stream.getvalue(), ".nc": stream.getvalue()}


def damaged(good, trial, rng):
    """The bytes with some changed, lost, twice or of other files'."""
    bad = bytearray(good)
    for place in rng.integers(0, len(good), 1 + trial % 4):
        bad[place] = rng.integers(256) if trial % 2 else rng.choice([*b'\t\n",;:0#@\xff\x00'])
    start, end = sorted(rng.integers(0, len(bad), 2))
    match trial % 5:
        case 0:
            del bad[start:]
        case 1:
            del bad[start:end]
        case 2:
            bad[start:start] = bad[start:end]
    return bytes(bad)


@pytest.mark.parametrize("ending", sorted({*TEXTS, *binaries()}))
def test_damaged_files(tmp_path, ending):
    good, rng = (TEXTS | binaries())[ending], np.random.default_rng(0)
    path, messages, read = tmp_path / f"a{ending}", [], 0
    for trial in range(300):
        path.write_bytes(damaged(good, trial, rng))
        try:
            read_table(path)
            read += 1
        except spinrnn.SpinrnnError as error:
            messages.append(str(error))
    assert read
    assert len(messages) > 30
    assert not any("\n" in message for message in messages)
    assert max(map(len, messages)) < 1000


# read by the reader of .csv, in the same way
TWINS = {*delimited.ENDINGS} - {".csv"}


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param(ending, marks=pytest.mark.slow if ending in TWINS else [])
        for ending in ENDINGS
        if ending != ".tdms"
    ],
)
@pytest.mark.parametrize("kind", ["random", "zeros", "commas", "lines", "quotes", "empty"])
def test_foreign_bytes(tmp_path, ending, kind):
    content = {
        "random": np.random.default_rng(0).bytes(100_000),
        "zeros": bytes(100_000),
        "commas": b"1," * 5_000,
        "lines": b"1\n" * 20_000,
        "quotes": b'"1,' * 30_000,
        "empty": b"",
    }[kind]
    path = tmp_path / f"a{ending}"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        read_table(path)
    except spinrnn.SpinrnnError as error:
        message = str(error)
    else:
        message = ""
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()
    assert len(message) < 1000
    assert "\n" not in message
