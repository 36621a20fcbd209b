"""Recordings that cannot be: one line, exit status 2, nothing written, the file as it
was."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from test_identify import device

import spinrnn
from spinrnn.cli.main import main
from spinrnn.errors import DataNote
from spinrnn.identify import fit as fit_
from spinrnn.notebook import amount
from spinrnn.recordings.measurement import measurement_of


def good():
    time, drive, power = device(np.random.default_rng(1), 60)
    return {"time": time, "drive": drive, "power": power}


def changed(**arrays):
    return good() | arrays


BAD = {
    "backwards": (changed(time=good()["time"][::-1]), ["Q=0.8"], "does not increase after sam"),
    "twice": (changed(time=np.repeat(good()["time"][::2], 2)), ["Q=0.8"], "does not increase"),
    "few": ({k: v[:4] for k, v in good().items()}, ["Q=0.8"], "4 samples are too few for 4"),
    "constant": (changed(drive=np.full(60, 0.7)), ["Q=0.8"], "bias and gain apart: the drive is"),
    "constant by default": (changed(drive=np.full(60, 0.7)), [], "gamma and Q and gain apart: the"),
    "zero": (changed(drive=np.zeros(60)), ["Q=0.8"], "do not depend on gain: the drive is 0"),
    "hole": (changed(drive=np.where(np.arange(60) == 7, np.nan, 0.3)), [], "give the drive there"),
    "huge": (changed(power=1e31 * good()["power"]), [], "holds values beyond 1e+30"),
    "strong": (changed(drive=1e208 * good()["drive"]), [], "drive: holds values beyond 1e+30"),
    "weak": (changed(drive=1e-208 * good()["drive"]), [], "drive: is below 1e-30 throughout"),
    "whole": (changed(time=np.arange(60)), [], "holds whole numbers and no unit; say what they"),
    # as 1e-9 s in ns: 3.0000000000000004
    "whole with roundings": (
        changed(time=1e9 * (1e-9 * np.arange(60))), [], "holds whole numbers and no unit"
    ),
    "floats": (changed(time=np.arange(60.0)), [], "as in --units time=ns, or time=s"),
    "watts": (changed(power=50 * good()["power"]), [], "normalise the power"),
    "empty": (changed(power=np.full(60, np.nan)), [], "0 samples besides NaN"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("kind", ["oscillator", "ctrnn"])
def test_a_bad_recording_is_one_line(tmp_path, monkeypatch, capsys, name, kind):
    arrays, fixed, part = BAD[name]
    if kind == "ctrnn":
        if name in ("watts", "zero", "constant by default"):
            pytest.skip("any reading may be of this kind")
        options = ["--neuron", "ctrnn"] + ["--free", "drive_gain"] * (name in ("few", "constant"))
        options += ["--free", "drive_offset"] * (name in ("few", "constant"))
        part = {
            "few": "4 samples are too few for 4",
            "constant": "drive_gain and drive_offset apart: the",
        }.get(name, part)
    else:
        options = [word for text in fixed for word in ("--fix", text)]
    monkeypatch.chdir(tmp_path)
    np.savez("bad.npz", **arrays)
    before = (tmp_path / "bad.npz").read_bytes()
    assert main(["identify", "bad.npz", *options]) == 2
    told = capsys.readouterr()
    assert part in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert (tmp_path / "bad.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["bad.npz"]


@pytest.mark.parametrize(
    "name", ["backwards", "strong", "weak", "whole", "whole with roundings", "huge", "hole"]
)
def test_nothing_is_learned_of_a_bad_recording(tmp_path, monkeypatch, capsys, name):
    arrays, _, part = BAD[name]
    monkeypatch.chdir(tmp_path)
    np.savez("bad.npz", **{key: np.resize(array, 60) for key, array in arrays.items()})
    for options in (["--learn"], ["--learn", "--states", "1"]):
        assert main(["identify", "bad.npz", *options]) == 2
        told = capsys.readouterr()
        assert part in told.err
        assert told.err.count("\n") == 1
        assert told.out == ""
        assert [path.name for path in tmp_path.iterdir()] == ["bad.npz"]


def test_whole_numbers_with_a_unit_are_taken(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arrays = good() | {"time": np.arange(60)}
    np.savez("whole.npz", **arrays)
    for unit in ("ns", "s"):
        main(["identify", "whole.npz", "--fix", "Q=0.8", "--units", f"time={unit}"])
        assert "whole numbers" not in capsys.readouterr().err
    with open("whole.csv", "w") as file:
        file.write("time (ns),drive,power\n")
        np.savetxt(file, np.c_[arrays["time"], arrays["drive"], arrays["power"]], delimiter=",")
    assert main(["identify", "whole.csv", "--fix", "Q=0.8"]) in (0, 1)
    assert "ns converted to s" in capsys.readouterr().err


def test_arrays_whose_time_is_in_another_unit_are_told(monkeypatch):
    """Whole numbers of any kind, far apart ones of an oscillator; a unit ends it."""

    def given(arrays, **options):
        with pytest.raises(pytest.fail.Exception, match="it is fitted"):
            spinrnn.identify_device(arrays, **options)

    monkeypatch.setattr(fit_, "_whole", lambda *_: pytest.fail("it is fitted"))
    arrays = good()
    whole, slow = arrays | {"time": np.arange(60)}, arrays | {"time": 1e9 * arrays["time"]}
    for kind, fixed in (("oscillator", {"Q": 0.8}), ("ctrnn", {})):
        with pytest.warns(DataNote, match="time: holds whole numbers, which are taken as s; are"):
            given(whole, neuron=kind, fixed=fixed)
    with pytest.warns(DataNote, match=r"time: samples are 2.5 s apart, osc.* is it in s\?"):
        given(slow, fixed={"Q": 0.8})
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataNote)
        given(arrays, fixed={"Q": 0.8})
        given(slow, neuron="ctrnn")
        given(replace(measurement_of(whole), units={"time": "s"}), fixed={"Q": 0.8})


def test_times_and_noise_beyond_all_bounds_are_told_together():
    arrays = good() | {"time": 1e31 * good()["time"] / 1e-9}
    with pytest.raises(spinrnn.DataError, match=r"time: holds values beyond .*; noise: holds val"):
        spinrnn.identify_device(*(arrays[name] for name in ("time", "drive", "power")), noise=1e40)


@pytest.mark.filterwarnings("error", "ignore:time.*whole numbers")
def test_no_warnings_of_numpy_where_the_drive_does_nothing():
    rng = np.random.default_rng(1)
    power = np.cumsum(0.1 * rng.normal(size=200))
    spinrnn.identify_device(np.arange(200.0), rng.normal(size=200), power, neuron="ctrnn")


@pytest.mark.parametrize(
    ("units", "part"), [("time=V", "time"), ("time=furlong", "furlong"), ("t=ns", "t")]
)
def test_units_that_cannot_be(tmp_path, monkeypatch, capsys, units, part):
    monkeypatch.chdir(tmp_path)
    np.savez("bad.npz", **good())
    assert main(["identify", "bad.npz", "--units", units, "--fix", "Q=0.8"]) == 2
    told = capsys.readouterr().err
    assert part in told
    assert told.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.npz"]


@pytest.mark.parametrize(
    ("heads", "factor", "part"),
    [
        (("I (mA)", "P", "t (ns)"), 1e9, "drive: is without a unit in first.csv and in A in"),
        (("I", "P (mW)", "t (ns)"), 1e9, "power: is without a unit in first.csv and in W in"),
        (("I", "P", "t"), 1e9, "time: is in s in first.csv and without a unit in second.csv;"),
        (("I", "P", "t"), 1.0, None),
    ],
)
def test_files_of_one_device_have_the_same_units(
    tmp_path, monkeypatch, capsys, heads, factor, part
):
    """A time without a unit is in s, where that may be; --units makes them the same."""
    monkeypatch.chdir(tmp_path)
    arrays = good()
    for name, own, scale in (("first", ("I", "P", "t (ns)"), 1e9), ("second", heads, factor)):
        columns = np.c_[arrays["drive"], arrays["power"], 1.1 * scale * arrays["time"]]
        np.savetxt(f"{name}.csv", columns, delimiter=",", header=",".join(own), comments="")
    command = ["identify", "first.csv", "second.csv", "--columns", "time=t,drive=I,power=P"]
    command += ["--fix", "Q=0.8", "--free-scale"]
    status = main(command)
    told = capsys.readouterr()
    if part is None:
        assert status in (0, 1)
        return
    assert status == 2
    assert part in told.err
    usual = {"time": "ns", "drive": "mA", "power": "mW"}[part.partition(":")[0]]
    assert told.err.endswith(f"as in --units {part.partition(':')[0]}={usual}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.csv", "second.csv"]
    assert main([*command, "--units", "time=ns,drive=mA,power=mW"]) in (0, 1)


@pytest.mark.filterwarnings("ignore::spinrnn.errors.DataNote")
@pytest.mark.parametrize("unit", ["mA", "A"])
def test_units_and_names_that_one_file_has_stand_beside_those_said_of_the_other(
    tmp_path, monkeypatch, unit
):
    """An NPZ of names of its own and without units, and a CSV in mA and ns."""
    monkeypatch.chdir(tmp_path)
    arrays, found = good(), []
    scale = {"mA": 1.0, "A": 1e-3}[unit]
    np.savez("a.npz", **(arrays | {"drive": scale * arrays["drive"]}))
    columns = np.c_[1e9 * arrays["time"], arrays["drive"], arrays["power"]]
    np.savetxt("b.csv", columns, delimiter=",", header="t (ns),I (mA),P", comments="")

    def seen(parts, **more):
        found.extend(parts)
        raise spinrnn.DataError("seen")

    monkeypatch.setattr(fit_, "identify_device", seen)
    command = ["identify", "a.npz", "b.csv", "--columns", "time=t,drive=I,power=P"]
    assert main([*command, "--units", f"drive={unit}"]) == 2
    for part in found:
        np.testing.assert_allclose(part.drive[0], 1e-3 * arrays["drive"])
        np.testing.assert_allclose(part.time[0], arrays["time"], rtol=1e-12)
    assert fit_.joined(found).units == {"drive": "A"}


@pytest.mark.filterwarnings("ignore::spinrnn.errors.DataNote")
def test_recordings_of_other_units_are_not_fitted_as_one():
    """Also where a DataFrame or a Dataset says them."""
    pandas = pytest.importorskip("pandas")
    first, second = pandas.DataFrame(good()), pandas.DataFrame(good())
    first.attrs["units"] = {"drive": "mA"}
    with pytest.raises(spinrnn.DataError, match="drive: is in A in recording 0 and without a unit"):
        spinrnn.identify_device([first, second], fixed={"Q": 0.8})


def written(path, arrays, head="t (ns),I (mA),P (mW)"):
    """A CSV whose numbers are of this head in its first file."""
    columns = np.c_[1e9 * arrays["time"], arrays["drive"], arrays["power"]]
    np.savetxt(path, columns, delimiter=",", header=head, comments="")


def warned(capsys, monkeypatch, *command):
    """Lines of warning of a command that ends before it fits."""

    def seen(*_):
        raise spinrnn.DataError("seen")

    monkeypatch.setattr(fit_, "_whole", seen)
    assert main([*command, "--columns", "time=t,drive=I,power=P", "--fix", "Q=0.8"]) == 2
    told = capsys.readouterr().err.splitlines()
    return [line for line in told if line.startswith("spinrnn: warning: ")]


@pytest.mark.parametrize(
    ("head", "each", "text", "factor", "units"),
    [
        ("t (us),I (mA),P (mW)", "gain", "samples {} apart, the others {}", 1e3, "time=ns"),
        ("t (ns),I (uA),P (mW)", "scale", "drives up to {}, the others {}", 1e-3, "drive=mA"),
        ("t (ns),I (mA),P (W)", "gain", "powers up to {}, the others {}", 1e3, "power=mW"),
    ],
)
@pytest.mark.parametrize("count", [2, 3])
def test_a_file_in_another_unit_than_the_others_is_warned_of(
    tmp_path, monkeypatch, capsys, head, each, text, factor, units, count
):
    """Unless it has a gain of its own for it. Of two files the larger one is named."""
    monkeypatch.chdir(tmp_path)
    arrays, names = good(), [f"{k}.csv" for k in range(count)]
    for name in names:
        written(name, arrays, head if name == "1.csv" else "t (ns),I (mA),P (mW)")
    sizes = {
        "time": (arrays["time"][1], "s"),
        "drive": (1e-3 * np.abs(arrays["drive"]).max(), "A"),
        "power": (1e-3 * arrays["power"].max(), "W"),
    }
    size, unit = sizes[units.partition("=")[0]]
    odd = "0.csv" if count == 2 and factor < 1 else "1.csv"
    numbers = (factor * size, size) if odd == "1.csv" else (size, factor * size)
    told = text.format(*(amount(float(f"{x:.3g}"), unit) for x in numbers))
    command = ["identify", *names, "--free-scale", "--each"]
    (warning,) = warned(capsys, monkeypatch, *command, each)
    assert f"{odd} has {told}; is a unit wrong? " in warning
    assert warning.endswith(f"by --units {units}")
    said = ("--units", "time=ns,drive=mA,power=mW")
    assert not warned(capsys, monkeypatch, *command, each, *said)
    if unit != "s":
        assert not warned(capsys, monkeypatch, *command, *{"gain", "scale"} - {each})


def test_lost_samples_are_warned_of(tmp_path, monkeypatch, capsys):
    """Neither where the recording is cut there, nor where its powers are missing."""
    monkeypatch.chdir(tmp_path)
    arrays = good()
    lost = np.isin(np.arange(60), [10, 11, 12, 40, 41])
    step = 1e9 * arrays["time"][1]
    written("lost.csv", {name: array[~lost] for name, array in arrays.items()})
    (warning,) = warned(capsys, monkeypatch, "identify", "lost.csv")
    assert f"after sample 9 ({9 * step:g} ns) is {4 * step:g} ns, 4 times the usual" in warning
    assert "and there is 1 more gap; the drive is held across it: cut the recording" in warning
    (warning,) = warned(capsys, monkeypatch, "identify", "lost.csv", "--linear")
    assert "the drive goes linearly across it" in warning
    written("nan.csv", arrays | {"power": np.where(lost, np.nan, arrays["power"])})
    assert not warned(capsys, monkeypatch, "identify", "nan.csv")
    for name, part in {"a": slice(10), "b": slice(13, 40), "c": slice(42, 60)}.items():
        written(f"{name}.csv", {key: array[part] for key, array in arrays.items()})
    assert not warned(capsys, monkeypatch, "identify", "a.csv", "b.csv", "c.csv")
