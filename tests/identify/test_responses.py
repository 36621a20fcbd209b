"""Synapses fitted to made-up pulse responses: what went in comes out, intervals hold, and
what the model does not describe is told. Tables with mistakes are refused.
"""

import dataclasses
import json

import h5py
import numpy as np
import pytest
from conftest import here, refused
from madepulses import HIGH, LOW, down, made, up

import spinrnn
from spinrnn.config.toml import from_toml
from spinrnn.errors import DataError
from spinrnn.identify.pulses import load_pulses
from spinrnn.identify.responses import hats
from spinrnn.identify.told import synapse_told
from spinrnn.readers.columns import Columns

TRUE = {
    "potentiation_scatter": 0.006, "depression_scatter": 0.009, "potentiation_spread": 0.2,
    "depression_spread": 0.15, "read_noise": 0.003,
}  # fmt: skip


def fitted(seed=0, window=(LOW, HIGH), **keys):
    return spinrnn.identify_synapse(made(np.random.default_rng(seed), **keys), window=window)


def holding(fit):
    """{what: whether its interval holds the truth}, for all that has an interval."""
    found = {name: n.low <= TRUE[name] <= n.high for name, n in fit.numbers.items()}
    for name, curve in (("potentiation", up), ("depression", down)):
        low, high = getattr(fit, f"{name}_interval")
        for k in np.flatnonzero(np.isfinite(low))[1:-1]:
            found[f"{name} {k}"] = low[k] <= curve(fit.states[k]) <= high[k]
    return found


def share_of(seeds):
    """(share of all intervals, least share of one kind) that hold the truth."""
    rows = [holding(fitted(seed)) for seed in seeds]
    names = {name for row in rows for name in row}
    each = {name: np.mean([row[name] for row in rows if name in row]) for name in names}
    return np.mean([value for row in rows for value in row.values()]), min(each.values())


def test_what_went_in_comes_out():
    fit = fitted(devices=60, cycles=4)
    inner = slice(1, -1)
    for name, curve in (("potentiation", up), ("depression", down)):
        np.testing.assert_allclose(getattr(fit, name)[inner], curve(fit.states[inner]), rtol=0.08)
    for name, value in TRUE.items():
        assert fit.numbers[name].value == pytest.approx(value, rel=0.2), name
    assert fit.told_apart
    assert fit.describes
    assert (fit.devices, fit.cycles, fit.pulses) == (60, 4, 60 * 4 * 80)


def test_noise_of_reading_does_not_bend_the_curves():
    """States predicted from the reading before; from the step's own they would be 20 %
    off.
    """
    fit = fitted(devices=60, cycles=6, read=0.02, spread=(0.05, 0.05))
    for curve, true in ((fit.potentiation, up), (fit.depression, down)):
        np.testing.assert_allclose(curve[1:-1], true(fit.states[1:-1]), rtol=0.1)
    assert fit.numbers["read_noise"].value == pytest.approx(0.02, rel=0.05)


def test_intervals_hold_in_a_few_sets():
    every, _ = share_of(range(12))
    assert 0.88 <= every <= 0.995


@pytest.mark.slow
def test_intervals_hold_in_a_hundred_sets():
    every, least = share_of(range(100))
    assert 0.92 <= every <= 0.98
    assert least >= 0.88


def test_without_noise_of_reading_none_is_told_apart():
    fits = [fitted(seed, read=0.0) for seed in range(8)]
    assert sum(fit.told_apart for fit in fits) <= 1
    found = [fit.numbers["potentiation_scatter"].value for fit in fits]
    assert np.mean(found) == pytest.approx(0.006, rel=0.05)


def test_devices_of_different_shapes_are_not_described():
    fit = fitted(devices=20, bend=2.0)
    assert not fit.describes
    failed = [test for test in fit.tests if not test.holds]
    assert "devices have curves of one shape" in [test.asks for test in failed]
    assert all(test.probability < 1e-3 for test in failed)
    assert sum(not fitted(seed, cycles=2).describes for seed in range(10)) <= 1


def test_the_window_is_that_of_the_ends():
    data = made(np.random.default_rng(2), read=0.0)
    fit = spinrnn.identify_synapse(data)
    ends = [
        [np.mean([data.conductance[data.sequence == s].min() for s in own]),
         np.mean([data.conductance[data.sequence == s].max() for s in own])]
        for own in np.arange(36).reshape(12, 3)
    ]  # fmt: skip
    assert fit.window == pytest.approx(np.mean(ends, axis=0), rel=1e-12)
    assert 0 < fit.outside < 0.2


def test_one_device_in_one_cycle():
    fit = fitted(devices=1, cycles=1, pulses=100)
    assert np.isnan(fit.numbers["potentiation_spread"]).all()
    assert fit.synapse().potentiation_spread == 0
    assert np.isfinite(fit.potentiation_interval).any()


def test_a_curve_goes_on_straight_where_there_are_no_pulses():
    """From 0.5 on: what is below is a line through the two knots that are known."""
    fit = fitted(start=0.55, devices=20, cycles=1, scatter=(0.002, 0.002), read=0.0)
    unknown = np.isnan(fit.potentiation_interval[0])
    assert unknown[:3].all()
    known = np.flatnonzero(~unknown)[:2]
    line = np.polyfit(fit.states[known], fit.potentiation[known], 1)
    np.testing.assert_allclose(fit.potentiation[:3], np.polyval(line, fit.states[:3]), rtol=1e-9)


def test_weights_of_a_curve():
    found = hats(np.array([-1.0, 0.25, 0.5, 2.0]), 3)
    assert found.tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]]


# ---- files ----


def rows_of(data, path, head="device,cycle,pulse,direction,conductance", change=None):
    words = np.where(data.upwards, "up", "down")
    rows = [
        [data.devices[d], c, n, word, f"{g:.6e}"]
        for n, (d, c, word, g) in enumerate(
            zip(data.device, data.cycle, words, data.conductance, strict=True)
        )
    ]
    if change:
        change(rows)
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture
def table(tmp_path):
    return rows_of(made(np.random.default_rng(1), pulses=25), tmp_path / "pulses.csv")


@pytest.mark.usefixtures("real_pictures")
def test_the_command_gives_a_synapse_that_trains(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = here("identify", "--synapse", table, "--out", "own.toml")
    assert done.returncode == 0, done.stderr
    assert "The model describes the data: 3 tests" in done.stdout
    text = (tmp_path / "own.toml").read_text()
    report = json.loads((tmp_path / "own.json").read_text())
    assert (tmp_path / "own.png").stat().st_size > 10000
    config = from_toml(text)
    kind = config.network.synapse
    assert kind.kind == "measured"
    given = np.maximum(report["potentiation"]["step"], 0)
    np.testing.assert_allclose(kind.potentiation, given, rtol=1e-5)
    assert kind.potentiation_scatter == pytest.approx(report["potentiation_scatter"][0], rel=1e-5)
    assert [kind.lowest_conductance, kind.highest_conductance] == pytest.approx(report["window_S"])
    small = (
        "--set",
        "network.layers=[4]",
        "--set",
        "train.epochs=1",
        "--set",
        "network.substeps=1",
    )
    done = here("train", "own.toml", *small, "--out", "run")
    assert done.returncode == 0, done.stderr


def test_the_same_from_all_forms_of_a_table(table, tmp_path):
    data = load_pulses(table)
    assert data.devices[:2] == ("D0", "D1")
    own = (data.device == 0) & (data.cycle == 0)
    conductance, upwards = data.conductance[own], data.upwards[own]
    for name, pulses in (("anew", [*range(25)] * 2), ("on", range(50))):
        path = tmp_path / f"{name}.csv"
        rows = [f"{p},{g:.6e}" for p, g in zip(pulses, conductance, strict=True)]
        path.write_text("\n".join(["n,G", *rows]))
        other = load_pulses(path)
        # at the highest conductance a reading or two may be of the other ramp
        assert (other.upwards != upwards).sum() <= (0 if name == "anew" else 4)
        assert "ramps go up first" in other.notes[-1]
    signed = tmp_path / "signed.csv"
    rows = [f"{k},{1.5 if u else -2},{1e6 * g:.6f}" for k, (u, g)
            in enumerate(zip(upwards, conductance, strict=True))]  # fmt: skip
    signed.write_text("\n".join(["pulse,sign,G", *rows]))
    columns = Columns.of_texts("conductance=G", "G=uS")
    other = load_pulses(signed, columns)
    assert (other.upwards == upwards).all()
    np.testing.assert_allclose(other.conductance, conductance, rtol=1e-4)


def wrong(name):
    """What a mistake makes of rows [device, cycle, pulse, direction, conductance]."""

    def change(rows):
        if name == "one direction":
            for row in rows:
                row[3] = "up"
        elif name == "turned":
            for row in rows:
                row[3] = {"up": "down", "down": "up"}[row[3]]
        elif name == "several":
            rows[3][4], rows[7][4], rows[9][2] = "nan", "-1e-6", "nan"
            rows[8][4] = "inf"
        elif name == "words":
            rows[4][3] = "sideways"
        elif name == "backward":
            rows[5][2], rows[6][2] = rows[6][2], rows[5][2]
        elif name == "single":
            del rows[1:]
        elif name == "pairs":
            rows[:] = [row for row in rows if int(row[2]) % 25 < 1]
        elif name == "flat":
            for row in rows:
                row[4] = "1e-6"

    return change


@pytest.mark.parametrize(
    ("mistake", "texts"),
    [
        ("one direction", ["of one direction only; there is no depression"]),
        ("turned", ["are directions or signs turned round?"]),
        (
            "several",
            [
                "conductance: 1 infinite, the first in row 9",
                "pulse: 1 missing",
                "conductance: must not be negative, got -1e-06 in row 8",
            ],
        ),
        ("words", ["direction: must be a positive or negative number", "sideways in row 5"]),
        ("backward", ["pulse: goes from 6 to 5 in row 7", "order of time"]),
        ("single", ["one direction only"]),
        ("pairs", ["no device has three pulses one after the other"]),
        ("flat", ["conductance: is the same in all rows"]),
    ],
)
def test_bad_tables_are_told_in_a_line(mistake, texts, tmp_path):
    data = made(np.random.default_rng(1), devices=2, cycles=1, pulses=25)
    path = rows_of(data, tmp_path / "bad.csv", change=wrong(mistake))
    with pytest.raises(DataError) as error:
        spinrnn.identify_synapse(path)
    for text in texts:
        assert text in str(error.value)


def test_negative_conductances_and_missing_columns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("pulse,sign,conductance\n1,1,2e-6\n2,1,-3e-6\n1,-1,1e-6\n")
    told = "conductance: must not be negative, got -3e-06 in row 2"
    refused(here("identify", "--synapse", "a.csv"), told)
    (tmp_path / "b.csv").write_text("pulse,sign,value\n1,1,2e-6\n2,1,3e-6\n1,-1,1e-6\n")
    refused(here("identify", "--synapse", "b.csv"), "has no column conductance, but pulse, sign")
    refused(here("identify"), "give a FILE with time, drive and power")
    both = here("identify", "a.csv", "--synapse", "a.csv", "--fix", "Q=1", "--frequencies", "1:2")
    refused(both, "a.csv: goes without --synapse", "--fix: does not go", "--frequencies: goes with")
    with pytest.raises(DataError, match=r"window: must be.*knots: must be.*level: must be"):
        spinrnn.identify_synapse(made(np.random.default_rng(0)), window=(2, 1), knots=1, level=2.0)


def counted_on(path, conductance):
    """A table of two columns, in uS."""
    rows = [f"{k},{g:.6f}" for k, g in enumerate(conductance)]
    path.write_text("\n".join(["pulse,conductance (uS)", *rows]))
    return path


def drifting(rising):
    """The largest conductance is in the last cycle, or in the first."""
    cycles = np.array([np.r_[np.arange(20), np.arange(20, 0, -1)] for _ in range(3)], dtype=float)
    return (cycles + (np.arange(3) if rising else -np.arange(3))[:, None]).ravel() + 3


def smaller(noise):
    """After the first ramp the cycles have 0.4 of the range."""
    rest = 12 + 8 * np.tile(np.r_[np.arange(20, 0, -1), np.arange(20)] / 20, 3)
    return np.r_[np.linspace(1, 20, 40), rest, 20.5, np.linspace(20, 1, 40)] + noise


def of_devices(cycles, scatter, read):
    """One device's readings, of a seed."""
    found = made(np.random.default_rng(5), 1, cycles, 50, scatter=(scatter, scatter), read=read)
    return 1e6 * np.abs(found.conductance)


@pytest.mark.parametrize(
    ("conductance", "row"),
    [
        (drifting(True), 28),
        (drifting(False), 48),
        (smaller(0.1 * np.random.default_rng(0).standard_normal(201)), 54),
        (of_devices(3, 0.006, 0.003), None),
        (of_devices(3, 0.02, 0.02), None),
    ],
)
def test_several_cycles_counted_on_are_not_taken_for_one(tmp_path, conductance, row):
    """Wherever the largest conductance is, and not by chance of noise."""
    path = counted_on(tmp_path / "c.csv", conductance)
    told = r"goes up again after it went down, about row (\d+); a column direction"
    with pytest.raises(DataError, match=told) as error:
        load_pulses(path)
    assert row is None or f"about row {row};" in str(error.value)


@pytest.mark.parametrize("noise", [(0.006, 0.003), (0.03, 0.03), (0.1, 0.1), (0.01, 0.1)])
def test_one_cycle_is_not_taken_for_several(tmp_path, noise):
    one = of_devices(1, *noise)
    one[20] = 2.0  # a bad reading
    path = counted_on(tmp_path / "c.csv", one)
    assert "at the highest conductance" in load_pulses(path).notes[-1]


def test_states_at_which_no_pulse_moves_its_way_are_told():
    fit = fitted(devices=4, cycles=1)
    curve = fit.potentiation.copy()
    curve[[2, 7]] = -1e-3, 0
    told = synapse_told(dataclasses.replace(fit, potentiation=curve), "a.csv")
    text = "steps upwards are not above 0 at state 0.29, 1; there the synapse stays as it is"
    assert text in told
    assert text not in synapse_told(fit, "a.csv")


def test_units_that_no_conductance_has_and_values_that_no_device_has(table, tmp_path):
    with pytest.raises(DataError, match=r"is in Ohm; a conductance is in S"):
        load_pulses(table, Columns.of_texts(None, "conductance=kOhm"))
    text = table.read_text().splitlines()
    large = [text[0], *(f"{row.rpartition(',')[0]},{k % 7 + 2}" for k, row in enumerate(text[1:]))]
    path = tmp_path / "large.csv"
    path.write_text("\n".join(large))
    (told,) = (note for note in load_pulses(path).notes if "large for a device" in note)
    assert "up to 8 S" in told
    small = load_pulses(path, Columns.of_texts(None, "conductance=uS"))
    assert not any("large" in note for note in small.notes)
    assert small.conductance.max() == pytest.approx(8e-6)


def test_rows_that_were_not_read_are_gaps(tmp_path):
    """No response is taken from the row before a missing one to the row behind it."""
    rows = [(k, g) for k, g in enumerate((1, 2, 3, 4, 5, 4, 3, 2, 1, 0.5), 1)]
    lines = [f"{k},{'up' if k <= 5 else 'down'},{'nan' if k in (3, 7) else g}" for k, g in rows]
    path = tmp_path / "gaps.csv"
    path.write_text("pulse,direction,G/uS\n" + "\n".join(lines))
    found = load_pulses(path, Columns.of_texts("conductance=G", None))
    np.testing.assert_allclose(found.conductance, np.array([1, 2, 4, 5, 4, 2, 1, 0.5]) * 1e-6)
    assert found.sequence.tolist() == [0, 0, 1, 1, 1, 2, 2, 2]
    assert "2 of 10 rows have no conductance, the first is row 3" in " ".join(found.notes)
    lines[8] = "7,down,1"
    path.write_text("pulse,direction,G/uS\n" + "\n".join(lines))
    with pytest.raises(DataError, match=r"goes from 8 to 7 in row 9, within one ramp"):
        load_pulses(path, Columns.of_texts("conductance=G", None))


def test_units_of_variable_length_in_hdf5_are_told(tmp_path):
    path = tmp_path / "pulses.h5"
    with h5py.File(path, "w") as file:
        for name, values in {
            "pulse": [1, 2, 3, 1, 2, 3],
            "conductance": [1, 2, 3, 3, 2, 1],
        }.items():
            file[name] = np.array(values, dtype=float)
        file["direction"] = np.array([1, 1, 1, -1, -1, -1])
        file["conductance"].attrs["units"] = "uS"
    notes = " ".join(load_pulses(path).notes)
    assert "conductance: its units are a text of variable length, which is not read" in notes
    assert "say the unit by --units" in notes
    with h5py.File(path, "a") as file:
        file["conductance"].attrs["units"] = np.bytes_("uS")
    found = load_pulses(path)
    assert found.conductance.max() == 3e-6
    assert "variable" not in " ".join(found.notes)
