"""Recordings and fits of devices from objects of pandas and xarray."""

import numpy as np
import pytest

import spinrnn
from spinrnn import analysis
from spinrnn.recordings.measurement import measurement_of

pytestmark = pytest.mark.filterwarnings("ignore::spinrnn.errors.DataNote")


def device(cases=2, seed=1):
    """time (s), drive (1/s) and power (case, time) of one oscillator, exact."""
    rng = np.random.default_rng(seed)
    time = np.arange(200) * 1e-9
    drive = np.repeat(rng.uniform(1e8, 4e8, (cases, 10)), 20, axis=1)
    power = np.full((cases, 200), 0.3)
    for k in range(199):
        a, p = drive[:, k] - 1e8, power[:, k]
        power[:, k + 1] = p * np.exp(a * 1e-9) / (1 + drive[:, k] * p * np.expm1(a * 1e-9) / a)
    return time, drive, power


def test_a_fit_of_each_kind_of_object_is_that_of_the_arrays():
    pandas, xarray = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    time, drive, power = device()
    known = {"Q": 0.0}
    expected = spinrnn.identify_device(time, drive, power, fixed=known).values
    assert expected["gamma"] == pytest.approx(1e8, rel=1e-6)
    rows = np.tile(time, 2)
    table = pandas.DataFrame(
        {
            "case": np.repeat([7, 3], 200),
            "time": rows,
            "drive": drive.ravel(),
            "power": power.ravel(),
        }
    )
    named = xarray.Dataset(
        {"drive": (("time", "case"), drive.T), "power": (("case", "time"), power)},
        {"time": ("time", 1e9 * time, {"units": "ns"})},
    )
    plain = {"time": time, "drive": drive, "power": power}
    for data in (table, table[::-1].sort_values(["case", "time"]), named, plain):
        found = spinrnn.identify_device(data, fixed=known).values
        assert found["gamma"] == pytest.approx(expected["gamma"], rel=1e-6)
        assert found["bias"] == pytest.approx(expected["bias"], abs=1e-6)
    series = table[table.case == 7]
    one = spinrnn.identify_device(series.time, series.drive, series.power, fixed=known)
    assert one.values["gamma"] == pytest.approx(1e8, rel=1e-6)


def test_cases_of_unequal_length_in_a_table():
    pandas = pytest.importorskip("pandas")
    time, drive, power = device()
    table = pandas.DataFrame(
        {"case": np.repeat([0, 1], 200), "time": np.tile(time, 2), "drive": drive.ravel(),
         "power": power.ravel()}
    )  # fmt: skip
    found = measurement_of(table[:350])
    assert found.power.shape == (2, 200)
    assert np.array_equal(found.power[1, :150], power[1, :150])
    assert np.isnan(found.power[1, 150:]).all()


def test_an_analysis_knows_the_axes_by_their_names(tmp_path):
    xarray = pytest.importorskip("xarray")
    time, drive, power = device()
    named = xarray.Dataset(
        {"power": (("case", "time"), power), "drive": (("case", "time"), drive)}, {"time": time}
    )
    with analysis.open_recording(named, relaxation_time=10e-9) as recording:
        # rows without a name would be neurons
        assert recording.power[0].shape == (2, 1, 200)
        assert np.array_equal(recording.powers(0)[:, 0], power)
        assert np.array_equal(recording.drives(0)[:, 0], drive[:, :-1])
        assert recording.relaxation_time == 10e-9
    neurons = named.rename(case="neuron")
    with analysis.open_recording(neurons) as recording:
        assert recording.power[0].shape == (1, 2, 200)
    report = spinrnn.analyse(named, tmp_path / "out", measures=["activity"])
    assert "activity" in report.findings


def test_a_table_with_neurons():
    pandas = pytest.importorskip("pandas")
    time, _, power = device()
    table = pandas.DataFrame(
        {"neuron": np.repeat([4, 9], 200), "time": np.tile(time, 2), "power": power.ravel()}
    )
    with analysis.open_recording(table) as recording:
        assert recording.power[0].shape == (1, 2, 200)
        assert np.array_equal(recording.powers(0)[0], power)


def test_what_is_no_measurement():
    xarray = pytest.importorskip("xarray")
    time, drive, power = device()
    several = xarray.Dataset(
        {"power": (("neuron", "time"), power), "drive": (("neuron", "time"), drive)}, {"time": time}
    )
    with pytest.raises(spinrnn.DataError, match="Dataset: power: holds 2 neurons; a fit is of one"):
        spinrnn.identify_device(several)
    with pytest.raises(spinrnn.DataError, match="dictionary: has no array drive"):
        spinrnn.identify_device({"time": time, "power": power})
    with pytest.raises(spinrnn.DataError, match="unknown array Power; did you mean power"):
        spinrnn.identify_device({"time": time, "Power": power, "drive": drive})
