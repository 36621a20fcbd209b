"""The keys of [data] that say how a source is read: columns, units, missing, test; labels that
count from 1; names of channels and cases.
"""

import dataclasses
import json
import warnings

import numpy as np
import pytest
from conftest import here, refused

import spinrnn
from spinrnn.config import sources
from spinrnn.config.run import from_tables, to_tables
from spinrnn.config.toml import from_toml, load_config, to_toml
from spinrnn.datasets.loading import data_of, from_one, load_configured
from spinrnn.errors import DataNote
from spinrnn.sweep.points import identity

ROWS = [("a", "up", 0, 1.0, 5.0), ("a", "up", 1, 2.0, 6.0), ("b", "down", 0, 3.0, 7.0),
        ("b", "down", 1, 4.0, 8.0)]  # fmt: skip


@pytest.fixture(autouse=True)
def notes():
    """Sentences that loading said, instead of warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataNote)
        yield lambda: " | ".join(str(warning.message) for warning in caught)


def table(path, heads="run,kind,t,I1,V2", rows=ROWS):
    path.write_text(heads + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return str(path)


NAMES = "case=run,label=kind,time=t"


# ---- columns and units ----


def test_columns_and_units_of_a_table(tmp_path, notes):
    source = table(tmp_path / "a.csv")
    data = load_configured(spinrnn.DataConfig(source, columns=f"{NAMES},I=I1", units="I=mA,t=ns"))
    np.testing.assert_array_equal(data.inputs[:, 0], [[1e-3, 2e-3], [3e-3, 4e-3]])
    np.testing.assert_array_equal(data.inputs[:, 1], [[5, 6], [7, 8]])
    assert (data.channels, data.names, data.classes) == (("I", "V2"), ("a", "b"), ("down", "up"))
    assert data.labels.tolist() == [1, 0]
    assert "I is I1, mA converted to A" in notes()
    assert "time is t, ns converted to s" in notes()
    same = spinrnn.load_dataset(source, columns=f"{NAMES},I=4", units="I=mA")
    assert same.digest() == data.digest()


UNITS = [("ns", 2, 2e-9, "s"), ("GHz", 2, 2e9, "Hz"), ("mA", 2, 2e-3, "A"), ("uA", 2, 2e-6, "A"),
         ("Oe", 2, 500 / np.pi, "A/m"), ("mT", 2, 2e-3, "T"), ("dBm", 20, 0.1, "W")]  # fmt: skip


@pytest.mark.parametrize(("unit", "value", "expected", "si"), UNITS)
def test_units_are_converted_and_said(tmp_path, notes, unit, value, expected, si):
    rows = [("a", "up", value), ("b", "down", value)]
    source = table(tmp_path / "a.csv", "case,label,x", rows)
    data = spinrnn.load_dataset(source, units=f"x={unit}")
    np.testing.assert_allclose(data.inputs.ravel(), expected, rtol=1e-15)
    assert f"x, {unit} converted to {si}" in notes()


def test_columns_of_each_file_of_a_folder(tmp_path):
    for name in ("up", "down"):
        (tmp_path / name).mkdir()
        table(tmp_path / name / "1.csv", "t,I1", [(0, 1.0), (1, 2.0)])
    data = load_configured(spinrnn.DataConfig(str(tmp_path), columns="time=t,I=I1", units="I=mA"))
    np.testing.assert_array_equal(data.inputs, [[[1e-3, 2e-3]]] * 2)
    assert data.channels == ("I",)
    assert data.names == ("down/1.csv", "up/1.csv")
    assert data.take([1]).names == ("up/1.csv",)
    assert data.take(np.array([True, False])).names == ("down/1.csv",)
    assert data.take(slice(1, None)).names == ("up/1.csv",)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"columns": "time"}, "data.columns: write NAME=COLUMN, as in time=t,power=V2; got 'time'"),
        ({"units": "t=ns,t=s"}, "data.units: t is given twice"),
        ({"units": "t"}, "data.units: write NAME=UNIT"),
        ({"columns": ""}, "data.columns: write NAME=COLUMN"),
        ({"columns": 3}, "data.columns: must be a text, got 3"),
        ({"missing": "hol"}, 'data.missing: must be "refuse" or "linear" or "hold"'),
        ({"test": ""}, "data.test: must be the path of the test part"),
        ({"test": "b", "test_fraction": 0.1}, "data.test_fraction: data.test has the whole"),
    ],
)
def test_wrong_keys_are_told(keys, words):
    with pytest.raises(spinrnn.ConfigError) as caught:
        from_tables({"data": keys})
    assert words in str(caught.value)


def test_wrong_content_is_told_with_the_key(tmp_path):
    source = table(tmp_path / "a.csv")
    for keys, words in (
        ({"columns": "label=kin"}, "data.columns: has no array kin; did you mean kind"),
        ({"columns": NAMES, "units": "I=mA"}, "data.units: has no array I"),
        ({"units": "t=parsec"}, "data.units: unknown unit parsec"),
    ):
        with pytest.raises(spinrnn.SpinrnnError) as caught:
            load_configured(spinrnn.DataConfig(source, **keys))
        assert words in str(caught.value)
    with pytest.raises(spinrnn.DataError, match="built in: it takes no columns"):
        load_configured(spinrnn.DataConfig(units="t=ns"))


def test_missing_values_by_the_rule_of_the_configuration(tmp_path):
    inputs = np.array([[[1.0, np.nan, 3.0]], [[4.0, 5.0, 6.0]]])
    np.savez(tmp_path / "a.npz", inputs=inputs, labels=[0, 1])
    source = str(tmp_path / "a.npz")
    for rule, value in (("linear", 2.0), ("hold", 1.0)):
        data = load_configured(spinrnn.DataConfig(source, missing=rule))
        assert data.inputs[0, 0, 1] == value
    assert np.isnan(load_configured(spinrnn.DataConfig(source)).inputs[0, 0, 1])


# ---- a file with the test part ----


def test_a_file_with_the_test_part(tmp_path, notes):
    """Its columns may stand in another order; all of its cases are the test."""
    one = table(tmp_path / "a.csv")
    rows = [("c", "down", 0, 80.0, 10.0), ("c", "down", 1, 90.0, 20.0)]
    other = table(tmp_path / "b.csv", "run,kind,t,V2,I1", rows)
    data = load_configured(spinrnn.DataConfig(one, columns=NAMES, test=other))
    np.testing.assert_array_equal(data.inputs[2], [[10, 20], [80, 90]])
    assert data.test.tolist() == [False, False, True]
    assert data.labels.tolist() == [1, 0, 0]
    assert data.names == ("a", "b", "c")
    assert "the test part is b.csv" in notes()


def test_a_given_test_part_takes_the_place_of_the_one_beside(tmp_path):
    head = "@problemName A\n@univariate true\n@classLabel true a b\n@data\n"
    for name, case in (("A_TRAIN", "1,2:a\n3,4:b"), ("A_TEST", "5,6:a"), ("mine", "7,8:b")):
        (tmp_path / f"{name}.ts").write_text(head + case + "\n")
    source, test = str(tmp_path / "A_TRAIN.ts"), str(tmp_path / "mine.ts")
    data = load_configured(spinrnn.DataConfig(source, test=test))
    np.testing.assert_array_equal(data.inputs[:, 0], [[1, 2], [3, 4], [7, 8]])


def test_test_parts_that_do_not_fit(tmp_path):
    one = table(tmp_path / "a.csv", "case,label,t,I,V")
    other = table(tmp_path / "b.csv", "case,label,t,I,W")
    own = table(tmp_path / "c.csv", "case,label,t,test,V", [(0, 1, 0, 1, 0.5), (1, 0, 0, 0, 0.5)])
    for source, test, words in (
        (one, other, "the channels are I, W, where I, V are wanted"),
        (own, one, "has a test part of its own beside"),
        (one, own, "is the test part, and has a part of its own"),
        ("digits", one, "built in: it takes no columns, units, targets and test"),
        (one, "none.csv", "cannot read none.csv"),
    ):
        with pytest.raises(spinrnn.SpinrnnError) as caught:
            load_configured(spinrnn.DataConfig(source, test=test))
        assert words in str(caught.value)


# ---- labels from 1 ----


def numbers(labels, **more):
    return spinrnn.Dataset(np.zeros((len(labels), 1, 2)), labels, **more)


@pytest.mark.parametrize(
    ("labels", "outputs", "expected"),
    [
        ([1, 2, 3, 1], None, [0, 1, 2, 0]),
        ([1, 2, 3, 1], 3, [0, 1, 2, 0]),
        ([1, 2, 3, 1], 4, None),
        ([1, 2, 3, 1], 10, None),
        ([0, 1, 2, 0], None, None),
        ([1, 3], None, None),
        ([2, 3], None, None),
        ([1, 1], None, [0, 0]),
    ],
)
def test_labels_from_1_become_classes_where_0_1_could_not_use_them(labels, outputs, expected):
    data = numbers(labels)
    made = from_one(data, outputs)
    if expected is None:
        assert made is data
    else:
        assert made.labels.tolist() == expected
        assert made.classes == tuple(map(str, sorted(set(labels))))


def test_named_classes_and_targets_are_left():
    for data in (
        numbers([1, 1], classes=("a", "b")),
        numbers(np.array([[1, 2], [2, 1]])),
        spinrnn.Dataset(np.zeros((2, 1, 2)), targets=np.ones((2, 1))),
    ):
        assert from_one(data) is data


def test_labels_from_1_in_a_run(tmp_path, notes):
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2 + 1
    np.savez(tmp_path / "a.npz", inputs=rng.normal(size=(40, 1, 3)), labels=labels)
    (tmp_path / "a.toml").write_text(
        '[network]\nlayers = [3]\nsubsteps = 1\n[train]\nepochs = 1\n[data]\nsource = "a.npz"\n'
    )
    config = load_config(tmp_path / "a.toml")
    result = spinrnn.train(config, tmp_path / "run")
    assert result.network.config.outputs == 2
    assert "labels 1 to 2 are the classes 0 to 1" in notes()
    again = load_config(tmp_path / "run" / "config.toml")
    assert data_of(again).digest() == result.summary["data_sha256"]
    assert here("evaluate", tmp_path / "run").returncode == 0
    three = dataclasses.replace(config, network=spinrnn.NetworkConfig(outputs=3))
    assert data_of(three).digest() == spinrnn.load_dataset(tmp_path / "a.npz").digest()


# ---- what stays ----


def test_a_run_without_these_keys_is_written_as_before():
    text = to_toml(spinrnn.RunConfig()).partition("[data]")[2]
    for key in ("test", "missing", "columns", "units", "length", "seed", "delays"):
        assert f"\n{key}" not in text
    data = spinrnn.DataConfig("a.csv", test="b.csv", missing="hold", columns="a=b", units="a=s")
    config = spinrnn.RunConfig(data=data)
    assert from_toml(to_toml(config)) == config


def test_a_points_digest_counts_the_content_and_not_the_keys():
    plain = spinrnn.RunConfig(data=spinrnn.DataConfig("a.csv"))
    keys = {"columns": "a=b", "units": "a=s", "missing": "hold", "frontend": "mel"}
    keys |= {"targets": "y", "rows": "cases"}
    data = spinrnn.DataConfig("b.csv", **keys)
    other = spinrnn.RunConfig(data=data, task="classification")
    assert identity(plain, "digest") == identity(other, "digest")
    assert identity(plain, "digest") != identity(other, "another")
    assert set(to_tables(plain)["data"]) - set(keys) == {
        "source", "validation_fraction", "test_fraction", "split_seed", "test", "scaling",
        "features",
        *sources.KEYS,
    }  # fmt: skip


def test_data_are_known_by_all_that_is_read():
    assert spinrnn.DataConfig("a.csv", split_seed=3).name == "a.csv"
    made = spinrnn.DataConfig("a.csv", units="t=ns", test="b.csv").name
    assert made == "a.csv(test=b.csv, units=t=ns)"


# ---- commands ----

SMALL = "[network]\nlayers = [3]\nsubsteps = 1\ninputs = 2\noutputs = 2\n[train]\nepochs = 1\n"


@pytest.fixture
def recordings(tmp_path, monkeypatch):
    """Tables of 40 cases, a.csv, and of 6 for the test, b.csv; a configuration small.toml."""
    rng = np.random.default_rng(1)
    for name, cases in (("a", 40), ("b", 6)):
        rows = [(case, ("up", "down")[case % 2], t, *rng.normal(size=2).round(3))
                for case in range(cases) for t in range(3)]  # fmt: skip
        table(tmp_path / f"{name}.csv", rows=rows)
    (tmp_path / "small.toml").write_text(SMALL + '[data]\nsource = "a.csv"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_train_evaluate_and_resume_with_columns_and_a_test_part(recordings):
    named = ("--columns", NAMES, "--units", "t=ns")
    run = ("train", "small.toml", *named, "--set", "data.test=b.csv", "--out", "run")
    done = here(*run)
    assert done.returncode == 0, done.stderr
    config = load_config("run/config.toml")
    assert (config.data.columns, config.data.units) == (NAMES, "t=ns")
    assert config.data.test == str(recordings / "b.csv")
    assert json.loads((recordings / "run/summary.json").read_text())["cases"]["test"] == 6
    assert here(*run, "--resume").returncode == 0
    assert "of 6 cases" in here("evaluate", "run").stdout
    (recordings / "b.csv").rename("c.csv")
    refused(here("evaluate", "run"), "b.csv", "if the data of run have moved")
    assert "of 6 cases" in here("evaluate", "run", "--set", "data.test=c.csv").stdout
    done = here("train", "--out", "run", "--resume", "--set", "data.test=c.csv")
    assert "its data.source is now" in done.stderr
    assert load_config("run/config.toml").data.test == str(recordings / "c.csv")
    done = here("simulate", "run", "--out", "t.h5", "--input", "a.csv:all[0:2]")
    assert done.returncode == 0, done.stderr


def test_an_option_and_the_same_key_are_refused(recordings):
    done = here("train", "small.toml", "--units", "t=ns", "--set", "data.units=t=s")
    refused(done, "--units and --set data.units: give one of them")


def test_an_axis_of_rules_for_missing_values(recordings):
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(40, 2, 4))
    inputs[0, 0, 1] = np.nan
    np.savez("gaps.npz", inputs=inputs, labels=np.arange(40) % 2)
    (recordings / "s.toml").write_text(
        '[sweep]\nname = "s"\nbase = "small.toml"\n[data]\nsource = "gaps.npz"\n'
        '[[axes]]\nkey = "data.missing"\nvalues = ["linear", "hold"]\n'
    )
    points = spinrnn.load_sweep("s.toml").points
    assert len({point.data for point in points}) == len({point.digest for point in points}) == 2
    assert spinrnn.run_sweep(spinrnn.load_sweep("s.toml"), executor="serial").finished == 2
    again = here("sweep", "run", "s.toml", "--executor", "serial")
    assert again.returncode == 0, again.stderr
