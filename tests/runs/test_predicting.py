"""Answers of trained networks to new data: the same as of `Network.forward`, by names of classes
and channels; what does not fit is refused.
"""

import csv
import dataclasses
import io
import json
import types
import warnings

import numpy as np
import pytest
from conftest import here, refused
from scipy.special import softmax

import spinrnn
from spinrnn.errors import DataNote
from spinrnn.runs.loading import open_run
from spinrnn.runs.predicting import Answering, Prediction

HEADS, NAMES = "run,kind,t,I1,V2", "case=run,label=kind,time=t"


def rows_of(cases, points=4, seed=1, first=0):
    rng = np.random.default_rng(seed)
    return [
        (f"c{case}", ("up", "down")[case % 2], t, *rng.normal(size=2).round(3))
        for case in range(first, first + cases)
        for t in range(points)
    ]


def table(path, heads, rows):
    path.write_text(heads + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def trained(folder, text, **keys):
    """A run folder of a configuration's text and its data."""
    (folder / "own.toml").write_text(text)
    config = spinrnn.load_config(folder / "own.toml")
    spinrnn.train(config, folder / "run", pictures=False, **keys)
    return folder / "run"


SMALL = "[network]\nlayers = [4]\nsubsteps = 2\n[train]\nepochs = 1\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the run of a classification of tables, and new.csv without labels, whose
    columns have another order.
    """
    folder = tmp_path_factory.mktemp("runs")
    table(folder / "old.csv", HEADS, rows_of(40))
    new = [(case, t, v, i) for case, _, t, i, v in rows_of(3, seed=2, first=70)]
    table(folder / "new.csv", "run,t,V2,I1", new)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataNote)
        run = f'{SMALL}[data]\nsource = "old.csv"\ncolumns = "{NAMES}"\nunits = "I1=mA"\n'
        trained(folder, run + 'missing = "hold"\n')
    return folder


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataNote)
        yield


def expected(place):
    """Inputs of new.csv as the network reads them, and its outputs."""
    numbers = np.array([row[3:] for row in rows_of(3, seed=2, first=70)], dtype=float)
    u = numbers.reshape(3, 4, 2).transpose(0, 2, 1) * np.array([1e-3, 1])[:, None]
    return u, spinrnn.load(place / "run").forward(u)


# ---- Python ----


def test_a_file_without_labels_is_read_as_the_run_reads_its_own(place):
    _, logits = expected(place)
    found = spinrnn.predict(place / "run", place / "new.csv")
    np.testing.assert_array_equal(found.outputs, logits)
    np.testing.assert_allclose(found.probabilities, softmax(logits.astype(float), axis=1))
    assert found.classes == ("down", "up")
    assert found.answers.tolist() == [("down", "up")[k] for k in logits.argmax(axis=1)]
    assert found.names == ("c70", "c71", "c72")
    assert len(found) == 3
    assert repr(found) == "<Prediction of 3 cases, classes down, up>"


def test_the_answers_to_the_test_part_are_those_that_were_scored(place):
    run = open_run(place / "run")
    test = spinrnn.load_dataset(place / "old.csv", columns=NAMES, units="I1=mA")
    found = spinrnn.predict(place / "run", test)
    assert (run.known.classes, run.known.channels) == (("down", "up"), ("I1", "V2"))
    score = spinrnn.evaluate(run.network, test)
    right = found.answers == np.array(test.classes)[test.labels]
    assert right.mean() == score.accuracy


@pytest.mark.parametrize("given", ["array", "dataset", "network"])
def test_inputs_of_any_form(place, given):
    u, logits = expected(place)
    net = spinrnn.load(place / "run")
    source = net if given == "network" else place / "run"
    data = u if given != "dataset" else spinrnn.Dataset(u)
    found = spinrnn.predict(source, data)
    np.testing.assert_array_equal(found.outputs, logits)
    assert found.names == ("0", "1", "2")
    if given == "network":
        assert found.classes is None
        with pytest.raises(spinrnn.DataError, match="numbers, no classes"):
            _ = found.probabilities
        named = spinrnn.predict(net, u, task="classification")
        assert named.classes == ("down", "up")
        np.testing.assert_array_equal(named.outputs, logits)


def test_a_file_of_a_network_alone_gives_numbers(place):
    u, logits = expected(place)
    found = spinrnn.predict(place / "run" / "network.h5", u)
    np.testing.assert_array_equal(found.outputs, logits)
    assert found.header() == ["case", "output_0", "output_1"]
    np.testing.assert_array_equal([row[1:] for row in found.rows()], logits)


def test_a_run_that_is_not_finished_knows_its_classes(place, tmp_path):
    data = spinrnn.load_dataset(place / "old.csv", columns=NAMES)
    config = spinrnn.RunConfig(
        spinrnn.NetworkConfig(layers=(3,), substeps=1), spinrnn.TrainConfig(epochs=2, batch=40)
    )
    calls = []
    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(
            config, tmp_path / "run", data=data, stop=lambda: calls.append(0) or len(calls) > 0
        )
    assert spinrnn.predict(tmp_path / "run", data).classes == ("down", "up")
    refused_early = tmp_path / "none"
    early = dataclasses.replace(config, train=dataclasses.replace(config.train, batch=4))
    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(early, refused_early, data=data, stop=lambda: True)
    with pytest.raises(spinrnn.StoreError, match="no epoch has been finished yet; go on with"):
        spinrnn.predict(refused_early, data)


def test_missing_values_by_the_rule_of_the_run(place, tmp_path):
    rows = [("c", t, v, i) for t, (v, i) in enumerate([(1, 2), ("", 3), (4, 5)])]
    table(tmp_path / "a.csv", "run,t,V2,I1", rows)
    found = spinrnn.predict(place / "run", tmp_path / "a.csv")
    u = np.array([[[2e-3, 3e-3, 5e-3], [1, 1, 4]]])
    np.testing.assert_array_equal(found.outputs, spinrnn.load(place / "run").forward(u))
    # or by another one, which is said with the command
    given = ("predict", place / "run", tmp_path / "a.csv", "--set", "data.missing=refuse")
    refused(here(*given), "value is missing, the first is case c, channel V2, point 1")


def test_simulate_reads_a_file_as_predict_does(place, tmp_path):
    """Channels in the network's order, in the run's units, missing values by its rule."""
    u, _ = expected(place)
    for network in ("run", next((place / "run" / "checkpoints").glob("*.h5"))):
        out = tmp_path / "t.h5"
        given = ("--input", place / "new.csv", "--out", out, "--overwrite")
        done = here("simulate", place / network, *given)
        assert done.returncode == 0, done.stderr
        with spinrnn.open_trajectory(out) as file:
            np.testing.assert_array_equal(file.inputs, u.astype(file.inputs.dtype))
    rows = [("c", t, v, i) for t, (v, i) in enumerate([(1, 2), ("", 3), (4, 5)])]
    table(tmp_path / "gap.csv", "run,t,V2,I1", rows)
    other = table(tmp_path / "other.csv", "run,t,I1,V3", [("c", 0, 1, 2), ("c", 1, 1, 2)])
    own = tmp_path / "gap.h5"
    done = here("simulate", place / "run", "--input", tmp_path / "gap.csv", "--out", own)
    assert done.returncode == 0, done.stderr
    with spinrnn.open_trajectory(own) as file:
        np.testing.assert_allclose(file.inputs[0], [[2e-3, 3e-3, 5e-3], [1, 1, 4]], rtol=1e-6)
    done = here("simulate", place / "run", "--input", other, "--out", tmp_path / "no.h5")
    refused(done, "other.csv: V2 is missing among the columns I1, V3; columns are")


def test_outputs_beyond_the_classes_and_a_checkpoint_have_names(tmp_path):
    rows = [(k, k % 3 + 1, t, k * t % 5) for k in range(40) for t in range(3)]
    table(tmp_path / "a.csv", "case,label,time,x", rows)
    text = SMALL.replace("substeps", "outputs = 5\nsubsteps") + '[data]\nsource = "a.csv"\n'
    run = trained(tmp_path, text)
    wanted = ("1", "2", "3", "unused 3", "unused 4")
    checkpoint = next((run / "checkpoints").glob("*.h5"))
    for path in (run, checkpoint):
        assert spinrnn.predict(path, tmp_path / "a.csv").classes == wanted
        named = spinrnn.predict(path, tmp_path / "a.csv", task="classification")
        assert named.classes == wanted
    found = spinrnn.predict(run, tmp_path / "a.csv")
    place = found.outputs.argmax(axis=1)
    assert found.answers.tolist() == [wanted[k] for k in place]


def test_a_task_that_is_given_keeps_the_columns_of_the_run(place):
    _, logits = expected(place)
    found = spinrnn.predict(place / "run", place / "new.csv", task="classification")
    np.testing.assert_array_equal(found.outputs, logits)


# ---- at points, numbers ----


@pytest.fixture
def series(tmp_path):
    """The run of a regression of a series, at every point."""
    u = np.sin(0.3 * np.arange(300))
    np.savez(tmp_path / "s.npz", inputs=u[None, None], targets=np.roll(u, 1)[None, None])
    text = SMALL + '[task]\nkind = "regression"\nwindow = 50\n[data]\nsource = "s.npz"\n'
    return trained(tmp_path, text)


def test_numbers_at_every_point(series):
    u = np.random.default_rng(0).normal(size=(2, 1, 5))
    data = spinrnn.Dataset(u, lengths=[5, 3])
    found = spinrnn.predict(series, data)
    outputs = spinrnn.load(series).forward(u, [5, 3])
    np.testing.assert_array_equal(found.outputs, outputs)
    assert found.header() == ["case", "point", "output_0"]
    rows = list(found.rows())
    assert [row[:2] for row in rows] == [["0", t] for t in range(5)] + [["1", t] for t in range(3)]
    assert [row[2] for row in rows] == [*outputs[0, 0], *outputs[1, 0, :3]]
    assert repr(found) == "<Prediction of 2 cases at every point, 1 outputs>"


def test_classes_at_every_point():
    outputs = np.array([[[1.0, 0.0, np.nan], [0.0, 2.0, np.nan]]])
    found = Prediction(outputs, ("a", "b"), np.array([2]), ("x",))
    assert found.answers.tolist() == [["a", "b", ""]]
    assert [row[:3] for row in found.rows()] == [["x", 0, "a"], ["x", 1, "b"]]
    assert [row[3] for row in found.rows()] == pytest.approx(
        [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(2))]
    )


# ---- what does not fit ----


def test_missing_channels_are_refused_and_further_ones_left_out(place, tmp_path):
    three = table(tmp_path / "three.csv", "run,t,I1,V2,T", [("c", 0, 1, 2, 3), ("c", 1, 1, 2, 3)])
    other = table(tmp_path / "other.csv", "run,t,I1,V3", [("c", 0, 1, 2), ("c", 1, 1, 2)])
    done = here("predict", place / "run", three)
    table(tmp_path / "two.csv", "run,t,I1,V2", [("c", 0, 1, 2), ("c", 1, 1, 2)])
    assert done.stdout == here("predict", place / "run", tmp_path / "two.csv").stdout != ""
    done = here("predict", place / "run", other)
    words = "V2 is missing among the columns I1, V3; columns are named by --columns, as in V2=NAME"
    assert words in done.stderr
    assert done.returncode == 2
    done = here("predict", place / "run", other, "--columns", "V2=V3")
    assert done.stdout.splitlines()[1].split()[0] == "c", done.stderr
    with pytest.raises(spinrnn.DataError, match="are its axes"):
        spinrnn.predict(place / "run", np.zeros((3, 4, 2)))


# ---- the command ----


def test_a_table_for_people_and_a_file(place, tmp_path, monkeypatch):
    _, logits = expected(place)
    shares = softmax(logits.astype(float), axis=1)
    names = [("down", "up")[k] for k in logits.argmax(axis=1)]
    done = here("predict", place / "run", place / "new.csv")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["case", "class", "p_down", "p_up"]
    assert [line[:2] for line in lines[1:]] == [[f"c{70 + k}", names[k]] for k in range(3)]
    assert lines[1][2] == f"{shares[0, 0]:.4g}"
    out = tmp_path / "p.csv"
    done = here("predict", place / "run", place / "new.csv", "--out", out)
    assert done.stdout == f"{out}: answers to 3 cases\n"
    with open(out, newline="") as file:
        read = list(csv.DictReader(file))
    np.testing.assert_allclose(
        [[float(r["p_down"]), float(r["p_up"])] for r in read], shares, rtol=1e-8
    )
    assert [r["class"] for r in read] == names
    assert here("predict", place / "run", place / "new.csv", "--out", out).returncode == 0
    fine = here("predict", place / "run", place / "new.csv", "--set", "network.substeps=9")
    assert fine.stdout != done.stdout


def test_nothing_is_half_written(place, tmp_path):
    for arguments, words in (
        ((place / "run", "none.csv", "--out", tmp_path / "p.csv"), "none.csv"),
        ((place / "run", place / "new.csv", "--out", tmp_path / "no" / "p.csv"), "cannot write"),
        ((place / "run", place / "new.csv", "--out", ""), "give the name of a file"),
        ((tmp_path, place / "new.csv"), "no config.toml there"),
        ((place / "run", "-", "--out", tmp_path / "p.csv"), "go with a file"),
    ):
        refused(here("predict", *arguments), words)
    assert list(tmp_path.iterdir()) == []


# ---- standard input ----


def stream(monkeypatch, run, text, *options):
    monkeypatch.setattr("sys.stdin", io.StringIO(text) if isinstance(text, str) else text)
    return here("predict", run, "-", *options)


def test_a_line_for_each_point_as_it_comes(place, monkeypatch):
    u, _ = expected(place)
    text = "I1,V2\n# a comment\n" + "".join(f"{i},{v}\n" for i, v in u[0].T.tolist())
    done = stream(monkeypatch, place / "run", text)
    assert (done.returncode, done.stderr) == (0, "")
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    net = spinrnn.load(place / "run")
    for t, line in enumerate(lines):
        logits = net.forward(u[:1, :, : t + 1])[0].astype(float)
        np.testing.assert_allclose(float(line["p_up"]), softmax(logits)[1], rtol=1e-8)
        assert line["class"] == ("down", "up")[logits.argmax()]
    assert [line["point"] for line in lines] == ["0", "1", "2", "3"]


def test_numbers_by_spaces_and_tabs_and_a_new_case(series, monkeypatch):
    done = stream(monkeypatch, series, "\n0.5\n\t-1e-1 \n\n0.5\n")
    lines = done.stdout.splitlines()
    assert lines[0] == "point,output_0"
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "1", "0"]
    assert lines[1] == lines[3]
    outputs = spinrnn.load(series).forward(np.array([[[0.5, -0.1]]]))[0, 0]
    assert [float(line.split(",")[1]) for line in lines[1:3]] == pytest.approx(outputs, rel=1e-8)


def test_a_line_far_above_the_trainings_numbers_is_told_once(series, monkeypatch):
    done = stream(monkeypatch, series, "0.5\n5e4\n6e4\n")
    assert len(done.stdout.splitlines()) == 4
    (told,) = [line for line in done.stderr.splitlines() if "warning" in line]
    assert "standard input, line 2: " in told
    assert " is 5e+04, in the training from " in told


def test_the_networks_of_an_ensemble_answer_together():
    """By the mean of their probabilities, or of their numbers."""
    config = spinrnn.NetworkConfig(layers=(3,), inputs=2, outputs=2, substeps=2)
    nets = [spinrnn.Network(config, seed=seed) for seed in range(3)]
    both = types.SimpleNamespace(networks=nets, config=config)
    u = np.random.default_rng(0).normal(size=(2, 4))
    outputs = np.array([net.forward(u[None])[0] for net in nets], dtype=np.float64)
    shares = softmax(outputs, axis=1).mean(axis=0)
    named, plain = (Answering(both, task).stream() for task in (spinrnn.Classification(), None))
    for t in range(4):
        answer, numbers = named(u[:, t]), plain(u[:, t])
    assert answer[0] == str(shares.argmax())
    np.testing.assert_allclose(answer[1:], shares, rtol=1e-12)
    np.testing.assert_allclose(numbers, outputs.mean(axis=0), rtol=1e-12)
    assert named.points == 4
    named.reset()
    assert named.points == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,0\n1,x\n", "line 2: 'x' is no finite number"),
        ("0,0\n1,nan\n", "line 2: 'nan' is no finite number"),
        ("0,0\n\n1,,2\n", "line 3: '' is no finite number"),
        ("0,0\n3\n", "line 2: 1 number, the network reads 2 (I1, V2); give one for each"),
        ("1 2 3\n", "line 1: 3 numbers, the network reads 2"),
        ("1;2\n", "line 1: '1;2' is no finite number; write a point as decimal sign"),
        ("V2,I1\n1,2\n", "line 1: the names are V2, I1, the network reads I1, V2 in this order"),
        ("0,0\nI1,V2\n", "line 2: 'I1' is no finite number"),
        ("1e400,2\n", "line 1: '1e400' is no finite number"),
    ],
)
def test_a_wrong_line_is_told_by_its_number(place, monkeypatch, text, words):
    done = stream(monkeypatch, place / "run", text)
    refused(done, f"standard input, {words}")
    assert done.stdout.count("\n") == 1 + sum(
        line == "0,0" for line in text.splitlines()[: int(words.split()[1].rstrip(":")) - 1]
    )


def test_input_that_is_no_text_or_closed(place, monkeypatch):
    raw = io.TextIOWrapper(io.BytesIO(b"\xff\xfe\x00\n"), encoding="utf-8")
    refused(stream(monkeypatch, place / "run", raw), "standard input: no text")
    monkeypatch.setattr("sys.stdin", None)
    refused(here("predict", place / "run", "-"), "standard input is closed")


def test_a_reader_that_leaves_ends_the_stream(place, monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    read = []

    class Endless(io.StringIO):
        def readline(self):
            read.append(1)
            assert len(read) < 5
            return "1,2\n"

    monkeypatch.setattr("sys.stdin", Endless())
    monkeypatch.setattr("sys.stdout", Gone())
    from spinrnn.cli import main as cli

    assert cli.main(["predict", str(place / "run"), "-"]) == 0


def test_nothing_on_standard_input_is_no_error(place, monkeypatch):
    done = stream(monkeypatch, place / "run", "")
    assert (done.returncode, done.stdout) == (0, "point,class,p_down,p_up\n")


def test_summaries_keep_names_only_where_there_are_some(place, series):
    summary = json.loads((place / "run/summary.json").read_text())
    assert (summary["classes"], summary["channels"]) == (["down", "up"], ["I1", "V2"])
    assert {"classes", "channels"} & set(json.loads((series / "summary.json").read_text())) == set()
