"""Other data are compared with those of the training: units are converted or refused, sounds
resampled or refused, channels and classes matched by name.
"""

import dataclasses
import json
import warnings

import numpy as np
import pytest
from conftest import here
from scipy.io import wavfile

import spinrnn
from spinrnn.datasets.known import Known
from spinrnn.datasets.loading import load_inputs
from spinrnn.datasets.sounds import resampled
from spinrnn.errors import DataError, DataNote
from spinrnn.readers.columns import Columns
from spinrnn.readers.table import Table
from spinrnn.runs.loading import open_run

SMALL = "[network]\nlayers = [4]\nsubsteps = 2\n[train]\nepochs = 1\n"


def rows_of(scale=1.0, cases=30, seed=1, second=1.0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(cases, 4, 2)).round(3) * (scale, second)
    return [
        f"c{case},{('up', 'down')[case % 2]},{v:.9g},{w:.9g}"
        for case, rows in enumerate(values)
        for v, w in rows
    ]


def refused(told, call, *arguments):
    """Checks that a call ends with one line that tells it."""
    with pytest.raises(DataError) as error:
        call(*arguments)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def table(path, head, rows):
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def trained(folder, text):
    (folder / "own.toml").write_text(text)
    config = spinrnn.load_config(folder / "own.toml")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spinrnn.train(config, folder / "run", pictures=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a run of a table whose columns count in V and A."""
    folder = tmp_path_factory.mktemp("known")
    table(folder / "old.csv", "case,label,V [V],I [A]", rows_of())
    trained(folder, f'[data]\nsource = "{folder / "old.csv"}"\n{SMALL}')
    return folder


def predicted(place, path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = spinrnn.predict(place / "run", path)
    return found, " ".join(str(w.message) for w in caught if w.category is DataNote)


def test_a_run_keeps_the_units_of_its_channels(place):
    known = open_run(place / "run").known
    values = np.array([row.split(",")[2:] for row in rows_of()], dtype=float).T
    found = np.array(known.ranges)
    np.testing.assert_array_equal(found[:, :2], np.c_[values.min(axis=1), values.max(axis=1)])
    np.testing.assert_allclose(found[:, 2], np.sqrt((values**2).mean(axis=1)), rtol=1e-12)
    plain = dataclasses.replace(known, ranges=None)
    assert plain == Known(("down", "up"), ("V", "I"), ("V", "A"), points=4)
    assert spinrnn.load(place / "run").knows == known
    assert spinrnn.load(place / "run").replace(substeps=3).knows == known


def test_other_units_are_converted_and_told(place):
    wanted, _ = predicted(place, place / "old.csv")
    path = table(place / "mv.csv", "case,label,V [mV],I [A]", rows_of(1e3))
    found, notes = predicted(place, path)
    np.testing.assert_allclose(found.outputs, wanted.outputs, rtol=1e-5, atol=1e-6)
    assert notes.count("V, mV converted to V") == 1


def test_arrays_with_units_are_converted_to_those_of_the_training():
    known = Known(None, ("V", "p"), ("mV", "dBm"))
    inputs = np.array([[[0.001], [2.0]]])
    data = spinrnn.Dataset(inputs, channels=("p", "V"), units=("W", "V"))
    with pytest.warns(DataNote, match="V, V converted to mV"):
        found = known.matched(data)
    np.testing.assert_allclose(found.inputs, [[[2000.0], [0.0]]], atol=1e-12)
    assert (found.units, found.channels) == (("mV", "dBm"), ("V", "p"))
    assert known.matched(found) is found


def test_units_of_another_kind_are_refused(place):
    path = table(place / "amps.csv", "case,label,V [mA],I [A]", rows_of())
    refused("the training it was in V", spinrnn.predict, place / "run", path)


def test_units_that_are_not_known_pass(place):
    path = table(place / "none.csv", "case,label,V,I", rows_of())
    wanted, found = predicted(place, place / "old.csv")[0], predicted(place, path)[0]
    np.testing.assert_array_equal(found.outputs, wanted.outputs)


def test_evaluate_of_other_data_converts_too(place):
    net = spinrnn.load(place / "run")
    table(place / "mv.csv", "case,label,V [mV],I [A]", rows_of(1e3))
    own, other = (spinrnn.load_dataset(place / name) for name in ("old.csv", "mv.csv"))
    raw = dataclasses.replace(other, inputs=own.inputs * [[[1e3], [1.0]]], units=("mV", "A"))
    with pytest.warns(DataNote, match="V, mV converted to V as in the training"):
        assert spinrnn.evaluate(net, raw).loss == pytest.approx(
            spinrnn.evaluate(net, own).loss, rel=1e-5
        )
    wrong = dataclasses.replace(own, units=("T", "A"))
    refused("V is in T", spinrnn.evaluate, net, wrong)


def test_units_said_for_the_training_do_not_overrule_another_head(tmp_path):
    table(tmp_path / "old.csv", "case,label,V,I", rows_of(1e3))
    own = f'[data]\nsource = "{tmp_path / "old.csv"}"\nunits = "V=mV"\n'
    trained(tmp_path, own + SMALL)
    path = table(tmp_path / "new.csv", "case,label,V [uV],I", rows_of(1e6))
    told = "V is in uV by its head, data.units of the run says mV"
    refused(told, spinrnn.predict, tmp_path / "run", path)
    path = table(tmp_path / "same.csv", "case,label,V [mV],I", rows_of(1e3))
    np.testing.assert_allclose(
        predicted(tmp_path, path)[0].outputs,
        predicted(tmp_path, tmp_path / "old.csv")[0].outputs,
    )


def test_a_run_of_an_earlier_version_is_compared_with_nothing():
    known = Known.of({"classes": ["a"], "rate": "fast", "units": 3})
    assert known == Known(("a",))
    data = spinrnn.Dataset(np.zeros((1, 1, 2)), units=("V",), rate=8000.0)
    assert known.matched(data) is data


# ---- numbers in another unit, which nothing says ----


def timed(path, head, scale=1.0, step=1.0):
    """A table of cases of four points with a time, whose channel counts in 1 / scale."""
    values = scale * np.random.default_rng(3).normal(size=(20, 4)).round(3)
    rows = [
        f"c{case},{('up', 'down')[case % 2]},{step * t:.9g},{value:.9g}"
        for case, row in enumerate(values)
        for t, value in enumerate(row)
    ]
    return table(path, f"case,label,{head}", rows)


@pytest.fixture(scope="module")
def clocks(tmp_path_factory):
    """A folder with runs of tables with units, `said/run`, and without, `plain/run`, that hold
    the same numbers.
    """
    folder = tmp_path_factory.mktemp("clocks")
    for name, head in (("said", "time (ns),V (mV)"), ("plain", "time,V")):
        (folder / name).mkdir()
        path = timed(folder / name / "old.csv", head, 1e3)
        own = f'[data]\nsource = "{path}"\nscaling = "standard"\n'
        trained(folder / name, own + SMALL)
    return folder


def warned(folder, path, *options):
    """(warnings, notes) of the command that answers to a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        done = here("predict", folder / "run", path, *options)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    return [
        [line.partition(f" {kind}: ")[2] for line in lines if f" {kind}: " in line]
        for kind in ("warning", "note")
    ]


@pytest.mark.parametrize(
    ("run", "head", "scale", "told"),
    [
        ("said", "time (ns),V", 1e3, "it does not say its unit, so say it, as in --units V=mV"),
        ("said", "time (ns),V", 1e9, "as in --units V=nV"),
        ("said", "time (ns),V", 1e-6, "as in --units V=MV"),
        ("said", "time (ns),V", 1.0, None),
        ("said", "time (ns),V (mV)", 1e3, None),
        # both sides say it, so it is what was measured
        ("said", "time (ns),V (mV)", 1.0, None),
        ("plain", "time,V (V)", 1e3, None),
        ("plain", "time,V", 1e3, None),
        ("plain", "time,V", 1e-6, "neither says its unit, so give the numbers in that of the"),
    ],
)
def test_numbers_far_from_those_of_the_training_are_a_warning(
    clocks, tmp_path, run, head, scale, told
):
    path = timed(tmp_path / "new.csv", head, scale)
    found, _ = warned(clocks / run, path)
    assert len(found) == (told is not None)
    if told is None:
        return
    values = np.random.default_rng(3).normal(size=(20, 4)).round(3)
    low, high = values.min(), values.max()
    wanted = f"V is from {scale * low:.3g} to {scale * high:.3g}, in the training from "
    assert f"{path}: {wanted}" in found[0]
    before = (low, high, " V") if run == "said" else (1e3 * low, 1e3 * high, "")
    assert "{:.3g} to {:.3g}{}; ".format(*before) in found[0]
    assert told in found[0]


def test_what_the_warning_advises_is_right(clocks, tmp_path):
    wanted = spinrnn.predict(clocks / "said" / "run", clocks / "said" / "old.csv").outputs
    path = timed(tmp_path / "new.csv", "time (ns),V", 1e3)
    for units, right in ((("--units", "V=mV"), True), ((), False)):
        here("predict", clocks / "said" / "run", path, *units, "--out", tmp_path / "a.csv")
        shares = np.loadtxt(tmp_path / "a.csv", delimiter=",", skiprows=1, usecols=(2, 3))
        answers = np.exp(wanted) / np.exp(wanted).sum(axis=1, keepdims=True)
        assert np.allclose(shares, answers, atol=1e-5) == right


def test_a_unit_that_the_training_did_not_say_is_not_converted(clocks, tmp_path):
    """Its numbers were in mV."""
    path, run = timed(tmp_path / "new.csv", "time,V (mV)", 1e3), clocks / "plain"
    told = "V in mV by its head, and the training did not say a unit; --units V=V takes the numbers"
    refused(told, spinrnn.predict, run / "run", path)
    assert warned(run, path, "--units", "V=V")[0] == []
    told = "the training did not say its unit, so give the numbers as"
    assert told in warned(run, path, "--units", "V=mV")[0][0]
    with pytest.warns(UserWarning, match=told):
        spinrnn.predict(run / "run", spinrnn.load_dataset(path, labelled=None))
    renamed = timed(tmp_path / "other.csv", "time,U (mV)", 1e3)
    ended = here("predict", run / "run", renamed, "--columns", "V=U")
    assert ended.returncode == 2
    assert "V in mV by its head, and the training did not say a unit" in ended.stderr


@pytest.mark.parametrize(
    ("head", "scale", "units", "told"),
    [
        ("TMR (%)", 100, None, None),
        ("TMR (share)", 1, None, None),
        ("TMR", 100, "TMR=%", None),
        ("TMR (V)", 100, "TMR=%", None),
        ("TMR (V)", 1, None, "TMR is in V, in the training it was in shares (1 is 100 %); give"),
        ("TMR (J/m3)", 1, None, "TMR is in J/m3, in the training it was in shares"),
        ("TMR (mV)", 1, None, "as in --units TMR=%"),
        ("TMR", 100, None, "it does not say its unit, so say it, as in --units TMR=%"),
        ("TMR", 1, None, "TMR is taken to be in shares (1 is 100 %), as in the training"),
    ],
)
def test_percent_is_a_unit_as_others(tmp_path, head, scale, units, told):
    shares = np.random.default_rng(0).uniform(0.6, 1.8, 30)

    def of(name, head, scale):
        rows = [f"{case},{scale * share:.9f}" for case, share in enumerate(shares)]
        return table(tmp_path / name, f"case,{head}", rows)

    with pytest.warns(DataNote, match="TMR, % converted to shares"):
        known = Known.of_data(load_inputs(str(of("old.csv", "TMR (%)", 100))))
    assert known.units == ("share",)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            asked = Columns.of_texts(None, units)
            data = load_inputs(str(of("new.csv", head, scale)), None, asked, known=known)
            found = known.matched(data, "new.csv").inputs[:, 0, 0]
        except DataError as error:
            found, caught = None, [error]
    texts = [str(getattr(one, "message", one)) for one in caught]
    assert told is None or any(told in text for text in texts)
    if told is None:
        np.testing.assert_allclose(found, shares, atol=1e-8)
    assert (found is None) == (told is not None and head.endswith(("V)", "m3)")))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((17, 37), "T is from 17 to 37, in the training from 289 to 310 K; it does not say its "
         "unit, so say it, as in --units T=degC"),
        ((12, 45), "--units T=degC"),
        ((290, 310), None),
        ((200, 250), None),
        ((-40, -20), None),
        ((60, 80), None),
    ],
)  # fmt: skip
def test_degrees_that_do_not_say_so_are_a_warning(values, told):
    inputs = np.linspace(289, 310, 20).reshape(20, 1, 1)
    known = Known.of_data(spinrnn.Dataset(inputs, channels=("T",), units=("K",)))
    other = np.linspace(values[0], values[1], 20).reshape(20, 1, 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        known.matched(spinrnn.Dataset(other, channels=("T",), units=("",)), "new.csv")
    (text,) = [str(one.message) for one in caught if one.category is not DataNote] or [None]
    assert text is None if told is None else told in text
    assert any(one.category is DataNote for one in caught) == (told is None)


@pytest.mark.parametrize(
    ("run", "head", "step", "told"),
    [
        ("said", "time (us)", 1.0, "1 us, in the training 1 ns, and a point is taken for a point"),
        ("said", "time (us)", 1e-3, None),
        ("said", "time (ns)", 1.0, None),
        ("said", "time (ns)", 1.04, None),
        ("said", "time (ns)", 2.0, "2 ns, in the training 1 ns"),
        # without a unit it may be either
        ("said", "time", 1.0, None),
        ("said", "time", 1e-9, None),
        ("said", "time", 1e-3, "0.001 (no unit), in the training 1 ns"),
        ("plain", "time (us)", 1.0, None),
        ("plain", "time", 5.0, "5 (no unit), in the training 1 (no unit)"),
    ],
)
def test_another_step_in_time_is_a_warning(clocks, tmp_path, run, head, step, told):
    path = timed(
        tmp_path / "new.csv", f"{head},V (mV)" if run == "said" else f"{head},V", 1e3, step
    )
    found, _ = warned(clocks / run, path)
    assert len(found) == (told is not None)
    assert told is None or f"{path}: the step in time is {told}" in found[0]
    if head == "time" and told is not None and run == "said":
        assert "--units time=ns" in found[0]
        assert warned(clocks / run, path, "--units", "time=us")[0] == []


def test_files_of_a_folder_have_a_step_too(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        table(tmp_path / name / "0.csv", "time (us),V", ["0,1", "2,3", "4,2"])
    assert spinrnn.load_dataset(tmp_path).step == (2.0, "us")
    known = Known.of_data(spinrnn.load_dataset(tmp_path))
    assert Known.of(json.loads(json.dumps(known.record()))) == known


def test_evaluate_warns_and_a_training_of_itself_does_not(clocks):
    net = spinrnn.load(clocks / "said" / "run")
    data = spinrnn.load_dataset(clocks / "said" / "old.csv")
    other = dataclasses.replace(data, inputs=1e9 * data.inputs, units=("",), channels=None)
    with pytest.warns(UserWarning, match="channel 0 is from .* so give the numbers in V"):
        spinrnn.evaluate(net, other)
    # of a channel that is loud in one case alone the other parts are far from it
    inputs = np.full((40, 1, 4), 1e-3)
    inputs[0] = 1e3
    odd = spinrnn.Dataset(inputs, np.arange(40) % 2)
    config = spinrnn.RunConfig(
        spinrnn.NetworkConfig(layers=(4,), substeps=2), spinrnn.TrainConfig(epochs=1),
        spinrnn.DataConfig(scaling="standard"),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spinrnn.train(config, data=odd)


# ---- classes ----


@pytest.mark.filterwarnings("ignore")
def test_evaluate_matches_classes_by_name(place):
    net, own = spinrnn.load(place / "run"), spinrnn.load_dataset(place / "old.csv")
    wanted = spinrnn.evaluate(net, own)
    labels = 1 + (1 - own.labels)
    other = dataclasses.replace(own, labels=labels, classes=("left", "up", "down"))
    found = spinrnn.evaluate(net, other)
    np.testing.assert_array_equal(found.confusion, wanted.confusion)
    assert found.loss == wanted.loss
    # the classes of a part of the data
    some = own.take(own.labels == 1)
    alone = dataclasses.replace(some, labels=np.zeros(len(some), int), classes=("up",))
    assert spinrnn.evaluate(net, alone).loss == spinrnn.evaluate(net, some).loss
    # numbers without names stay numbers
    plain = dataclasses.replace(own, classes=None)
    assert spinrnn.evaluate(net, plain).loss == wanted.loss
    foreign = dataclasses.replace(other, labels=other.labels * (own.labels == 1))
    refused("left is none of the classes down, up", spinrnn.evaluate, net, foreign)


def test_points_without_a_label_stay_without():
    known = Known(("a", "b"))
    data = spinrnn.Dataset(
        np.zeros((1, 1, 4)), labels=np.array([[0, -1, 1, -3]]), classes=("b", "a")
    )
    np.testing.assert_array_equal(known.labelled(data).labels, [[1, -1, 0, -1]])
    assert known.labelled(data).classes == ("a", "b")


# ---- sounds ----


def sounds(folder, rate, seconds=0.2, cases=4):
    for name, tone in (("high", 900.0), ("low", 300.0)):
        (folder / name).mkdir(parents=True)
        for k in range(cases):
            time = np.arange(round(seconds * rate)) / rate
            wave = 0.5 * np.sin(2 * np.pi * (tone + 10 * k) * time)
            wavfile.write(folder / name / f"{k}.wav", rate, wave.astype(np.float32))
    return folder


def test_sounds_of_a_higher_rate_are_resampled(tmp_path):
    own = sounds(tmp_path / "own", 8000, cases=8)
    text = f'[data]\nsource = "{own}"\nfrontend = "mel"\nscaling = "standard"\n'
    trained(tmp_path, text + SMALL)
    assert open_run(tmp_path / "run").known.rate == 8000.0
    finer = sounds(tmp_path / "finer", 16000)
    wanted, _ = predicted(tmp_path, sounds(tmp_path / "same", 8000))
    found, notes = predicted(tmp_path, finer)
    assert "16000 Hz resampled to 8000 Hz" in notes
    assert found.outputs.shape == wanted.outputs.shape
    assert list(found.answers) == list(wanted.answers)
    one, notes = predicted(tmp_path, finer / "low" / "0.wav")
    np.testing.assert_array_equal(one.outputs[0], found.outputs[4])
    assert "16000 Hz resampled to 8000 Hz" in notes
    coarse = sounds(tmp_path / "coarse", 4000)
    refused("above 2000 Hz is not in it", spinrnn.predict, tmp_path / "run", coarse)
    data = spinrnn.Dataset(np.zeros((1, 20, 12)), rate=16000.0)
    told = "of 16000 Hz, those of the training of 8000 Hz"
    refused(told, spinrnn.predict, tmp_path / "run", data)


def test_resampling_keeps_a_tone_and_drops_what_would_alias(tmp_path):
    time = np.arange(4800) / 48000
    low, high = np.sin(2 * np.pi * 1000 * time), np.sin(2 * np.pi * 15000 * time)
    both = Table(tmp_path / "a.wav", {"samples": np.array([low, high])}, {"rate": 48000})
    found, said = resampled(both, 16000.0)
    kept, dropped = found.arrays["samples"]
    inner = slice(100, 1500)
    wanted = np.sin(2 * np.pi * 1000 * np.arange(1600) / 16000)
    np.testing.assert_allclose(kept[inner], wanted[inner], atol=2e-3)
    assert np.abs(dropped[inner]).max() < 2e-3
    assert found.attributes["rate"] == 16000.0
    assert said == ("48000 Hz resampled to 16000 Hz, as in the training",)
    assert resampled(both, None) == (both, ())
    assert resampled(both, 48000.0) == (both, ())
