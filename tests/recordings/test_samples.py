"""Arrays and files of devices: axes, ends, missing values; the same for a fit and an
analysis.
"""

import h5py
import numpy as np
import pytest

import spinrnn
from spinrnn import analysis
from spinrnn.readers.columns import Columns
from spinrnn.recordings.gaps import gaps_of
from spinrnn.recordings.measurement import load_measurement, measurement
from spinrnn.recordings.samples import read_device

TIME = np.array([0.0, 1.0, 3.0, 6.0, 10.0])
POWER = np.arange(30.0).reshape(2, 3, 5) / 100 + 0.1
DRIVE = np.arange(30.0).reshape(2, 3, 5) + 50


def save(path, **arrays):
    """A file of these arrays, in the form that its name says. Returns the path."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    return path


# ---- axes ----


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".dat"])
def test_one_file_of_several_neurons_for_a_fit_and_an_analysis(tmp_path, suffix):
    """(case, neuron, time), whatever the file's name."""
    path = save(tmp_path / f"mine{suffix}", time=TIME, power=POWER, drive=DRIVE, noise=POWER / 10)
    data, recording = load_measurement(path, 2), analysis.open_recording(path)
    np.testing.assert_array_equal(data.power, POWER[:, 2])
    np.testing.assert_array_equal(data.drive, DRIVE[:, 2])
    np.testing.assert_array_equal(data.noise, POWER[:, 2] / 10)
    np.testing.assert_array_equal(data.time, [TIME, TIME])
    np.testing.assert_array_equal(recording.powers(0), POWER)
    np.testing.assert_array_equal(recording.drives(0), DRIVE[:, :, :4])
    np.testing.assert_array_equal(recording.time, TIME)
    for neuron, words in (
        (None, "3 neurons; give one"),
        (3, "3 neurons; give one"),
        (-1, "3 neur"),
    ):
        with pytest.raises(spinrnn.DataError, match=words):
            load_measurement(path, neuron)


def test_rows_are_cases_of_one_device_or_neurons(tmp_path):
    """Of a power with two axes: as always, cases for identify, neurons for analyse."""
    path = save(tmp_path / "mine.npz", time=TIME, power=POWER[0], drive=DRIVE[0])
    data, recording = load_measurement(path), analysis.open_recording(path)
    np.testing.assert_array_equal(data.power, POWER[0])
    np.testing.assert_array_equal(recording.powers(0), POWER[:1])
    with pytest.raises(spinrnn.DataError, match="no axis of neurons"):
        load_measurement(path, 0)
    single = save(tmp_path / "one.npz", time=TIME, power=POWER[0, 0], drive=DRIVE[0, 0, :4])
    np.testing.assert_array_equal(load_measurement(single).power, POWER[:1, 0])
    np.testing.assert_array_equal(load_measurement(single).drive, DRIVE[:1, 0, :4])
    np.testing.assert_array_equal(analysis.open_recording(single).powers(0), POWER[:1, :1])


@pytest.mark.parametrize(
    ("drive", "expected"),
    [
        (DRIVE[0, 0], np.broadcast_to(DRIVE[0, 0], (2, 3, 5))),
        (DRIVE[:1, :1], np.broadcast_to(DRIVE[0, 0], (2, 3, 5))),
        (DRIVE[:, :1], np.broadcast_to(DRIVE[:, :1], (2, 3, 5))),
        (DRIVE[:1, :, :4], np.broadcast_to(DRIVE[:1, :, :4], (2, 3, 4))),
    ],
)
def test_a_drive_may_be_the_same_for_all(tmp_path, drive, expected):
    path = save(tmp_path / "mine.npz", time=TIME, power=POWER, drive=drive)
    np.testing.assert_array_equal(load_measurement(path, 1).drive, expected[:, 1])
    np.testing.assert_array_equal(analysis.open_recording(path).drives(0), expected[:, :, :4])


def test_cases_may_have_times_of_their_own(tmp_path):
    """In a fit always; in an analysis as far as they have the same ones."""
    own = np.stack([TIME, 2 * TIME])
    path = save(tmp_path / "own.npz", time=own, power=POWER, drive=DRIVE)
    np.testing.assert_array_equal(load_measurement(path, 0).time, own)
    with pytest.raises(spinrnn.DataError, match="time: differs from case to case"):
        analysis.open_recording(path)
    shorter, power = np.stack([TIME, TIME]), POWER.copy()
    shorter[1, 3:], power[1, :, 3:] = np.nan, np.nan
    path = save(tmp_path / "shorter.npz", time=shorter, power=power, drive=DRIVE)
    np.testing.assert_array_equal(load_measurement(path, 0).time, shorter)
    recording = analysis.open_recording(path)
    np.testing.assert_array_equal(recording.time, TIME)
    np.testing.assert_array_equal(recording.powers(0), power)
    # one of its neurons was measured longer than the others, at times that nobody gave
    power[1, 1, 3] = 0.5
    path = save(tmp_path / "longer.npz", time=shorter, power=power, drive=DRIVE)
    with pytest.raises(spinrnn.DataError, match="time: case 1 has no finite time at sample 3"):
        analysis.open_recording(path)


@pytest.mark.parametrize("names", [("7", "9"), ("film a", "film b")])
def test_rows_of_a_table_may_be_of_several_cases(tmp_path, names):
    """Of two lengths, one between the rows of the other; a number of all stays one."""
    rows = [(0, 0.0, 1.0), (0, 1.0, 2.0), (1, 0.0, 3.0), (0, 2.0, 4.0), (1, 1.5, 5.0)]
    lines = [f"{names[case]},{time},{power / 10}" for case, time, power in rows]
    text = "run,t (us),P\n" + "\n".join(lines) + "\n"
    (tmp_path / "a.csv").write_text(text)
    columns = Columns.of_texts("case=run,time=t,power=P", None)
    arrays, units = read_device(tmp_path / "a.csv", ("time", "power"), (), columns=columns)
    np.testing.assert_allclose(arrays["time"], [[0, 1e-6, 2e-6], [0, 1.5e-6, np.nan]])
    np.testing.assert_allclose(arrays["power"], [[0.1, 0.2, 0.4], [0.3, 0.5, np.nan]])
    assert units["time"] == "s"


@pytest.mark.parametrize("rows", ["a0 a1 b0 b1 b2", "a0 b0 a1 b1"])
def test_a_column_that_may_tell_recordings_apart_is_advised(tmp_path, rows):
    """Of few values, for each of which times increase; a training too says which."""
    lines = [f"{k},{row[1]},0.{k},{row[0]}" for k, row in enumerate(rows.split())]
    (tmp_path / "a.csv").write_text("row,time,power,run\n" + "\n".join(lines) + "\n")
    advised = "increase after .*; where run tells of .* row is, add --columns case=run$"
    with pytest.raises(spinrnn.DataError, match=advised):
        read_device(tmp_path / "a.csv", ("time", "power"), ())
    with pytest.raises(spinrnn.DataError, match=advised):
        spinrnn.load_dataset(tmp_path / "a.csv", labelled=False)
    # of what does not tell them apart it is no advice
    (tmp_path / "a.csv").write_text("time,power,run\n0,1,a\n1,2,b\n1,3,b\n")
    read_device(tmp_path / "a.csv", ("time", "power"), ())


def test_cases_of_a_table_with_the_same_times_share_them(tmp_path):
    (tmp_path / "a.csv").write_text("case,time,power\n0,0,1\n0,2,2\n1,0,3\n1,2,4\n")
    arrays, _ = read_device(tmp_path / "a.csv", ("time", "power"), ())
    assert arrays["time"].tolist() == [0, 2]
    assert arrays["power"].tolist() == [[1, 2], [3, 4]]
    recording = analysis.open_recording(tmp_path / "a.csv")
    assert recording.power[0].tolist() == [[[1, 2]], [[3, 4]]]


def test_times_that_nobody_gave_are_left_out_behind_the_last_power(tmp_path):
    time, power = np.append(TIME, [np.nan, np.nan]), np.full((2, 3, 7), np.nan)
    power[:, :, :5] = POWER
    drive = np.zeros((2, 3, 7))
    drive[:, :, :5] = DRIVE
    path = save(tmp_path / "mine.npz", time=time, power=power, drive=drive)
    recording = analysis.open_recording(path)
    np.testing.assert_array_equal(recording.time, TIME)
    np.testing.assert_array_equal(recording.powers(0), POWER)
    np.testing.assert_array_equal(recording.drives(0), DRIVE[:, :, :4])
    assert np.isnan(load_measurement(path, 0).time[:, 5:]).all()
    time[4] = np.nan
    path = save(tmp_path / "hole.npz", time=time, power=power, drive=drive)
    for read in (analysis.open_recording, lambda path: load_measurement(path, 0)):
        with pytest.raises(spinrnn.DataError, match="time: has no finite time at sample 4"):
            read(path)


# ---- ends and what is missing ----


def test_what_follows_the_end_of_a_case_is_blank():
    power = POWER[:, 0].copy()
    power[0, 1], power[1, 3:] = np.nan, np.nan
    time, drive = np.stack([TIME, TIME]), DRIVE[:, 0].copy()
    time[1, 3:], drive[1, 2:] = (-1, np.nan), np.inf
    data = measurement(time, drive, power, 0.5)
    np.testing.assert_array_equal(data.time, [TIME, [0, 1, 3, np.nan, np.nan]])
    np.testing.assert_array_equal(data.power, power)
    np.testing.assert_array_equal(data.drive, [DRIVE[0, 0], [65, 66, np.inf, 0, 0]])
    np.testing.assert_array_equal(data.durations, [[1, 2, 3, 4], [1, 2, 0, 0]])
    np.testing.assert_array_equal(data.noise, np.full((2, 5), 0.5))
    np.testing.assert_array_equal(data.present, [[1, 0, 1, 1, 1], [1, 1, 1, 0, 0]])
    part = data.take(slice(1, 2))
    np.testing.assert_array_equal(part.power, power[1:])
    np.testing.assert_array_equal(part.drive, data.drive[1:])
    np.testing.assert_array_equal(part.time, data.time[1:])


def test_the_kind_of_numbers_tells_the_resolution():
    single = POWER[:, 0].astype(np.float32)
    for power, epsilon in (
        (single, 2.0**-23),
        (single.astype(float), 2.0**-23),
        (POWER[:, 0], 2.0**-52),
    ):
        assert measurement(TIME, DRIVE[:, 0], power).resolution == epsilon


def test_what_is_masked_is_missing():
    mask = np.zeros((2, 5), bool)
    mask[0, 2] = True
    power = np.ma.masked_array(POWER[:, 0], mask)
    data = measurement(np.ma.asarray(TIME), DRIVE[:, 0], power)
    np.testing.assert_array_equal(data.power, np.where(mask, np.nan, POWER[:, 0]))
    for arguments, words in (
        ((TIME, np.ma.masked_array(DRIVE[:, 0], mask), POWER[:, 0]), "drive: case 0 has no finite"),
        (
            (np.ma.masked_array(TIME, mask[0]), DRIVE[:, 0], POWER[:, 0]),
            "time: has no finite time at",
        ),
    ):
        with pytest.raises(spinrnn.DataError, match=words):
            measurement(*arguments)


# ---- what is refused ----


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"power": None}, r"has no array power; it holds time, drive; say which"),
        (
            {"time": None, "times": TIME},
            r"no array time; .*; unknown array times; did you mean time\?",
        ),
        ({"power": POWER.astype(bool)}, "power: must be real numbers, got bool"),
        (
            {"drive": DRIVE[:, :2]},
            r"drive: its shape \(2, 2, 5\) does not fit the power's \(2, 3, 5\)",
        ),
        ({"drive": DRIVE[:, :, :3]}, r"drive: its shape \(2, 3, 3\) does not fit"),
        ({"power": POWER.transpose(0, 2, 1)}, "are the axes in another order"),
        ({"time": TIME[::-1]}, "time: does not increase after sample 0"),
        ({"time": np.where(TIME == 3, np.inf, TIME)}, "time: has no finite time at sample 2"),
        (
            {"power": np.where(POWER[1, 1, 3] == POWER, np.inf, POWER)},
            "case 1.* has an infinite value at sample 3",
        ),
        ({"power": POWER * 1e31}, "power: holds values beyond 1e[+]30"),
        (
            {"time": TIME[:4], "drive": DRIVE[:, :, :3], "power": POWER[:, :, :4, None]},
            "power: must have the axes",
        ),
    ],
)
def test_a_fit_and_an_analysis_say_the_same(tmp_path, arrays, words):
    given = {"time": TIME, "power": POWER, "drive": DRIVE} | arrays
    path = save(tmp_path / "mine.npz", **{k: v for k, v in given.items() if v is not None})
    for read in (analysis.open_recording, lambda path: load_measurement(path, 1)):
        with pytest.raises(spinrnn.DataError, match=words):
            read(path)


def test_a_name_that_is_near_one_that_is_there_is_the_users_own(tmp_path):
    arrays = {"time": TIME, "power": POWER[:, 0], "drive": DRIVE[:, 0]}
    path = save(tmp_path / "mine.npz", **arrays, powers=np.zeros(2), label=np.zeros(2))
    np.testing.assert_array_equal(load_measurement(path).power, POWER[:, 0])
    path = save(tmp_path / "other.npz", **arrays, nois=np.zeros(2), gama=np.zeros(2))
    with pytest.raises(spinrnn.DataError, match=r"unknown array nois; did you mean noise\?"):
        load_measurement(path)


def test_all_problems_of_all_arrays_are_told_at_once(tmp_path):
    path = save(
        tmp_path / "mine.npz",
        time=TIME,
        power=POWER,
        drive=DRIVE[:1, :2],
        labels=np.zeros(3, int),
        inputs=np.zeros((3, 1, 2)),
        relaxation_time=0.0,
        bias_ratio=-1.0,
    )
    with pytest.raises(spinrnn.DataError) as caught:
        analysis.open_recording(path)
    for part in (
        "drive: its shape (1, 2, 5)",
        "labels: must be 2 whole numbers, one for each case; got int64 of shape (3,)",
        "inputs: must have the axes (case, channel, point) with 2 cases, got the shape (3, 1, 2)",
        "relaxation_time: must be one positive number",
        "bias_ratio: must be one number from 0",
    ):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (np.delete(np.arange(40.0), [5, 6, 20, 21, 22]), (2, 4, 3.0, 1.0)),
        (np.append(np.delete(2e-9 * np.arange(9), [2, 3, 4]), np.nan), (1, 1, 8e-9, 2e-9)),
        (np.arange(40.0), None),
        (np.geomspace(1, 1e6, 40), None),
        (np.cumsum(RANDOM.exponential(size=400)), None),
        (np.arange(40) + RANDOM.uniform(-0.4, 0.4, 40), None),
        # two digits: steps of 0.1, and some of 0.2
        (np.round(0.102 * np.arange(400), 1), None),
        (np.zeros(2), None),
    ],
)
def test_gaps_are_told_from_steps_that_are_uneven_by_nature(time, expected):
    found = gaps_of(time)
    assert (found is None) == (expected is None)
    if found is not None:
        assert tuple(found) == pytest.approx(expected)
        assert found.times == pytest.approx(expected[2] / expected[3])
