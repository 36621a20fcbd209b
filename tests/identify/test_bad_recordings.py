"""Recordings that cannot be: one line, exit status 2, nothing written, the file as it
was."""

import numpy as np
import pytest
from test_identify import device

from spinrnn.cli.main import main


def good():
    time, drive, power = device(np.random.default_rng(1), 60)
    return {"time": time, "drive": drive, "power": power}


def changed(**arrays):
    return good() | arrays


BAD = {
    "backwards": (changed(time=good()["time"][::-1]), ["Q=0.8"], "does not increase after sam"),
    "twice": (changed(time=np.repeat(good()["time"][::2], 2)), ["Q=0.8"], "does not increase"),
    "few": ({k: v[:4] for k, v in good().items()}, ["Q=0.8"], "4 samples are too few for 4"),
    "constant": (changed(drive=np.full(60, 0.7)), ["Q=0.8"], "bias and gain apart; is the"),
    "zero": (changed(drive=np.zeros(60)), ["Q=0.8"], "do not depend on gain; is the drive zero"),
    "hole": (changed(drive=np.where(np.arange(60) == 7, np.nan, 0.3)), [], "no finite value"),
    "huge": (changed(power=1e31 * good()["power"]), [], "holds values beyond 1e+30"),
    "watts": (changed(power=50 * good()["power"]), [], "normalise the power"),
    "empty": (changed(power=np.full(60, np.nan)), [], "0 samples that are not NaN"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("kind", ["oscillator", "ctrnn"])
def test_a_bad_recording_is_one_line(tmp_path, monkeypatch, capsys, name, kind):
    arrays, fixed, part = BAD[name]
    if kind == "ctrnn":
        if name in ("watts", "zero"):
            pytest.skip("any reading may be of this kind")
        options = ["--neuron", "ctrnn"] + ["--free", "drive_gain"] * (name in ("few", "constant"))
        options += ["--free", "drive_offset"] * (name in ("few", "constant"))
        part = {"few": "4 samples are too few for 4", "constant": "apart; is the"}.get(name, part)
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
