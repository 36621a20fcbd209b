"""Other data are compared with those of the training: units are converted or refused, sounds
resampled or refused, channels and classes matched by name.
"""

import dataclasses
import warnings

import numpy as np
import pytest
from scipy.io import wavfile

import spinrnn
from spinrnn.datasets.known import Known
from spinrnn.datasets.sounds import resampled
from spinrnn.errors import DataError, DataNote
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
    assert known == Known(("down", "up"), ("V", "I"), ("V", "A"), points=4)
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
