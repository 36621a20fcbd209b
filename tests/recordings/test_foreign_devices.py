"""A device's recording in the formats of laboratories: the same numbers from each, by
the user's names and units; commands take them.
"""

import json

import h5py
import numpy as np
import pytest
import scipy.io

import spinrnn
from spinrnn import analysis
from spinrnn.cli.main import main
from spinrnn.errors import DataNote
from spinrnn.readers.columns import Columns
from spinrnn.recordings.measurement import load_measurement

TIME = np.arange(60) * 1e-9
DRIVE = np.repeat([1e8, 3e8, 2e8], 20)
POWER = 0.2 + 0.1 * np.sin(TIME * 1e8)


LISTS = [array.tolist() for array in (TIME, POWER, DRIVE)]


def rows(form):
    return "".join(form.format(t, p, d) for t, p, d in zip(*LISTS, strict=True))


def csv(path):
    path.write_text("time,power,drive\n" + rows("{!r},{!r},{!r}\n"))


def decimal_comma(path):
    text = rows("{!r};{!r};{!r}\n").replace(".", ",")
    path.write_bytes(("Zeit (s);P;I\n" + text).encode("utf-16"))


def nanoseconds(path):
    lines = [f"{k} {p!r} {d / 1e6!r}\n" for k, (_, p, d) in enumerate(zip(*LISTS, strict=True))]
    path.write_text("# t P f_\n" + "".join(lines))


def mumax(path):
    path.write_text("# t (s)\tmz ()\tf (Hz)\n" + rows("{!r}\t{!r}\t{!r}\n"))


def labview(path):
    head = "LabVIEW Measurement\nSeparator\tTab\nX_Columns\tOne\n***End_of_Header***\n\n"
    head += "Channels\t2\n***End_of_Header***\nX_Value\tP\tI\tComment\n"
    path.write_text(head + rows("{!r}\t{!r}\t{!r}\n"))


def oommf(path):
    head = "# ODT 1.0\n# Columns: {Oxs::Simulation time} P drive\n# Units: s {} {}\n"
    path.write_text(head + rows(" {!r} {!r} {!r}\n"))


def matlab(path):
    scipy.io.savemat(path, {"time": TIME, "power": POWER, "drive": DRIVE})


def netcdf(path):
    with h5py.File(path, "w") as file:
        file.update({"t": TIME * 1e12, "power": POWER, "drive": DRIVE})
        file["t"].attrs["units"] = np.bytes_("ps")


FORMS = [
    (csv, "a.csv", None, None),
    (decimal_comma, "a.csv", "time=Zeit,power=P,drive=I", None),
    (mumax, "table.txt", "time=t,power=mz,drive=f", None),
    (nanoseconds, "a.dat", "time=1,power=P,drive=f_", "time=ns,f_=MHz"),
    (labview, "a.lvm", "time=X_Value,power=P,drive=I", "X_Value=s"),
    (oommf, "a.odt", "time=Simulation time,power=P", None),
    (matlab, "a.mat", None, None),
    (netcdf, "a.nc", "time=t", None),
]


@pytest.mark.parametrize(("write", "name", "columns", "units"), FORMS)
@pytest.mark.filterwarnings("ignore::spinrnn.errors.DataNote")
def test_the_same_recording_from_each_format(tmp_path, write, name, columns, units):
    write(tmp_path / name)
    said = Columns.of_texts(columns, units)
    data = load_measurement(tmp_path / name, columns=said)
    np.testing.assert_allclose(data.time[0], TIME, rtol=1e-15)
    np.testing.assert_array_equal(data.power[0], POWER)
    np.testing.assert_allclose(data.drive[0], DRIVE, rtol=1e-15)
    with analysis.open_recording(tmp_path / name, columns=said) as recording:
        np.testing.assert_allclose(recording.time, TIME, rtol=1e-15)
        np.testing.assert_array_equal(recording.powers(0)[0, 0], POWER)


def test_what_was_done_is_told_in_one_note(tmp_path):
    netcdf(tmp_path / "a.nc")
    with pytest.warns(DataNote, match=r"a\.nc: time is t, ps converted to s$"):
        load_measurement(tmp_path / "a.nc", columns=Columns.of_texts("time=t", None))


def test_names_that_are_not_those_of_spinrnn(tmp_path):
    mumax(tmp_path / "table.txt")
    words = "has no array time and no array power; it holds t, mz, f; say which .* by --columns"
    with pytest.raises(spinrnn.DataError, match=words):
        analysis.open_recording(tmp_path / "table.txt")
    (tmp_path / "a.csv").write_text("time,power,drive\n0,a,1\n1,b,1\n2,c,1\n")
    with pytest.raises(
        spinrnn.DataError, match="power: must be real numbers, got the text 'a' in row 1"
    ):
        load_measurement(tmp_path / "a.csv")


def test_units_go_by_numbers_too(tmp_path):
    np.savetxt(tmp_path / "a.csv", [[0, 2, 3], [1, 4, 5], [2, 6, 7]], delimiter=",")
    said = Columns.of_texts("time=1,drive=2,power=3", "1=ns,2=mA")
    with pytest.warns(DataNote, match="ns converted to s.* mA converted to A"):
        found = load_measurement(tmp_path / "a.csv", columns=said)
    np.testing.assert_allclose(found.drive, [[2e-3, 4e-3, 6e-3]])
    np.testing.assert_allclose(found.time, [[0, 1e-9, 2e-9]])
    with pytest.raises(spinrnn.DataError, match="--units: has no array 9"):
        load_measurement(tmp_path / "a.csv", columns=Columns.of_texts(None, "9=ns"))


def test_commands_take_names_and_units(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mumax(tmp_path / "table.txt")
    named = ["--columns", "time=t,power=mz,drive=f"]
    measure = ["--only", "drive", "--input-interval", "20e-9", "--relaxation-time", "8e-9"]
    measure += ["--bias-ratio", "0"]
    assert main(["analyse", "table.txt", *named, *measure]) in (0, 1)
    known = ["--fix", "gamma=1e8", "--fix", "Q=0.5"]
    assert main(["identify", "table.txt", *named, *known, "--out", "fit", "--json"]) in (0, 1)
    printed = capsys.readouterr()
    assert "note: table.txt: time is t; power is mz; drive is f" in printed.err
    assert json.loads((tmp_path / "fit/device.json").read_text())["file"] == "table.txt"
    assert main(["identify", "table.txt", "--columns", "time"]) == 2
    assert main(["analyse", "table.txt", "--columns", "time=t1", "--units", "x=ns"]) == 2
    printed = capsys.readouterr()
    assert "--columns: has no array t1; did you mean t?; --units: has no array x" in printed.err
    assert "--columns: write NAME=COLUMN" in printed.err


def test_trajectories_have_their_own_names(tmp_path, monkeypatch, capsys):
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(2,), inputs=1, outputs=2), seed=0)
    spinrnn.write_trajectory(tmp_path / "t.h5", net, np.zeros((1, 1, 3)))
    for command in ("analyse", "identify"):
        neuron = ["--neuron", "0,0"] if command == "identify" else []
        assert main([command, str(tmp_path / "t.h5"), "--columns", "time=t", *neuron]) == 2
        assert "a trajectory of spinrnn has its own names and units" in capsys.readouterr().err
