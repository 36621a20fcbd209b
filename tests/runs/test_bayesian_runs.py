"""Commands on a Bayesian machine: what is trained, gone on with, tested, asked, looked
at, swept and given to scikit-learn.
"""

import gzip
import json

import numpy as np
import pytest
from conftest import here

import spinrnn
from spinrnn.cli.main import main
from spinrnn.errors import DataNote
from spinrnn.runs.checking import check_run

TEXT = '[network]\nkind = "bayesian"\nmode = "logarithmic"\n[data]\nsource = "{}"\n'


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """The folder of a run on wine, whose configuration is wine.toml beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wine.toml").write_text(TEXT.format("wine"))
    assert main(["train", "wine.toml", "--out", "run"]) == 0
    assert "far from 1" not in capsys.readouterr().err
    return tmp_path / "run"


def said(capsys, *arguments):
    assert main([str(one) for one in arguments]) == 0
    return capsys.readouterr().out


def scores_of(capsys, run, *more):
    """What `spinrnn evaluate` says in JSON."""
    capsys.readouterr()
    return json.loads(said(capsys, "evaluate", run, *more, "--json"))


def test_a_run_is_tested_and_gone_on_with(run, capsys):
    before = scores_of(capsys, run)
    assert before["test_accuracy"] > 0.9
    assert main(["train", "wine.toml", "--out", "run", "--resume"]) == 0
    assert scores_of(capsys, run) == before
    wrong = scores_of(capsys, run, "--set", "network.bit_error_rate=0.3")
    assert wrong["test_accuracy"] < before["test_accuracy"]
    assert main(["evaluate", str(run), "--set", "network.bins=4"]) == 2
    assert "bins: fixed by the programmed memory" in capsys.readouterr().err


def test_ties_are_told(run, capsys):
    assert "tied" not in scores_of(capsys, run)
    assert main(["train", "wine.toml", "--set", "network.mode=stochastic", "--out", "few"]) == 0
    assert "% of the test cases are ties, of which the first class" in capsys.readouterr().out
    assert scores_of(capsys, "few")["tied"] > 0.05


def test_it_answers_and_says_what_it_is_made_of(run, capsys):
    found = spinrnn.predict(run, "wine")
    data = spinrnn.load_dataset("wine")
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    assert (found.answers == data.labels.astype(str)).mean() > 0.9
    lines = said(capsys, "look", run)
    assert "bayesian, 13 inputs, 3 outputs" in lines
    assert "classification by counts\n" in lines
    assert main(["gradcheck", "wine.toml"]) == 2
    assert "bayesian has no gradient" in capsys.readouterr().err


@pytest.mark.usefixtures("run")
def test_a_check_says_what_would_be_run():
    # the first cases alone are of two classes
    found = check_run("wine.toml")
    assert found.problems == found.warnings == []
    assert (found.epochs, found.parameters) == (1, 3 * 13 * 8)
    found = check_run("wine.toml", ["network.mode=stochastic"])
    assert any("all counters are 0" in text for text in found.warnings)


@pytest.fixture
def sweep(tmp_path):
    """A sweep over wrong bits and ways to likelihoods."""
    (tmp_path / "sweep.toml").write_text(
        '[sweep]\nname = "errors"\n'
        + TEXT.format("iris")
        + '[[axes]]\nkey = "network.bit_error_rate"\nvalues = [0.0, 0.5]\n'
        + '[[axes]]\nkey = "estimator.likelihood"\nvalues = ["counts", "gaussian"]\n'
    )
    return spinrnn.load_sweep(tmp_path / "sweep.toml")


def test_a_sweep_takes_estimator_and_classes_from_kind_and_data(sweep):
    configs = [point.config for point in sweep.points]
    assert {config.network.sizes for config in configs} == {(4, 3)}
    assert [config.train.estimator.likelihood for config in configs] == ["counts", "gaussian"] * 2
    assert len({point.digest for point in sweep.points}) == 4


@pytest.mark.slow
def test_a_sweep_runs(sweep, tmp_path):
    spinrnn.run_sweep(sweep, tmp_path / "out")
    accuracy = spinrnn.collect_sweep(sweep, tmp_path / "out")["test_accuracy"]
    assert accuracy.shape == (2, 2)
    assert accuracy[0].min() > 0.8 > accuracy[1].max()


def test_sequences_become_numbers_for_training_and_for_answers(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng, labels = np.random.default_rng(0), np.arange(80) % 2
    inputs = rng.normal(size=(80, 2, 30)) * (1 + labels)[:, None, None]
    lengths = rng.integers(20, 31, 80)
    np.savez("a.npz", inputs=inputs, labels=labels, lengths=lengths)
    (tmp_path / "own.toml").write_text(
        TEXT.format("a.npz") + 'frontend = "statistics"\nfeatures = "deviation 1, jerk 1-2"\n'
    )
    assert main(["train", "own.toml", "--out", "run"]) == 0
    assert "deviation 1, jerk 1-2" in said(capsys, "look", "run")
    found = spinrnn.predict("run", "a.npz")
    assert (found.answers == labels.astype(str)).mean() > 0.95
    (tmp_path / "raw.toml").write_text(TEXT.format("a.npz"))
    assert main(["train", "raw.toml", "--out", "raw"]) == 2
    assert 'data.frontend = "statistics"' in capsys.readouterr().err


def test_scikit_learn_counts_and_chooses():
    pytest.importorskip("sklearn", "1.6", reason="scikit-learn is not installed (sklearn)")
    from spinrnn.sklearn import SpinClassifier

    data = spinrnn.load_dataset("iris")
    run = spinrnn.RunConfig(spinrnn.BayesianConfig(), spinrnn.TrainConfig(estimator="counts"))
    model = SpinClassifier(run, estimator=None).fit(data.inputs[:, :, 0], data.labels)
    assert model.score(data.inputs[:, :, 0], data.labels) > 0.9


def test_a_row_of_a_table_is_a_case_unless_it_says_otherwise(tmp_path, monkeypatch, capsys):
    """A machine has no points in time, so rows without a column `case` are cases; in a
    network with time they are what the training's cases were, unless the user says it.
    """
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 2)) + 3 * (np.arange(40) % 2)[:, None]
    rows = [f"{x:.6f},{y:.6f}" for x, y in values]
    known = [f"{i},{'ab'[i % 2]},{row}" for i, row in enumerate(rows)]
    (tmp_path / "known.csv").write_text("\n".join(["case,label,V (mV),R (kOhm)", *known]))
    (tmp_path / "new.csv").write_text("\n".join(["V (mV),R (kOhm)", *rows]))
    (tmp_path / "other.csv").write_text("\n".join(["case,R (kOhm),V (mV)"] + [
        f"{i},{y:.6f},{x:.6f}" for i, (x, y) in enumerate(values)]))  # fmt: skip
    (tmp_path / "more.csv").write_text("V (mV),R (kOhm),third\n" + "1,2,3\n" * 4)
    kinds = {
        "bayesian": [],
        "recurrent": ["network.layers=[3]", "train.epochs=1"],
    }
    for kind, more in kinds.items():
        given = [f"network.kind={kind}", "data.source=known.csv", *more]
        settings = [word for text in given for word in ("--set", text)]
        assert main(["train", *settings, "--out", kind]) == 0
    found, named = (spinrnn.predict("bayesian", f"{name}.csv") for name in ("new", "other"))
    np.testing.assert_array_equal(found.outputs, named.outputs)
    assert found.names == tuple(map(str, range(40)))
    assert (found.answers == np.array(["a", "b"] * 20)).mean() > 0.9
    with pytest.warns(DataNote, match="no column case, so each row is a case"):
        network = spinrnn.predict("bayesian/network.h5", "new.csv")
    assert network.outputs.shape == (40, 2)
    capsys.readouterr()
    assert len(said(capsys, "predict", "bayesian", "new.csv").splitlines()) == 41
    assert len(said(capsys, "predict", "recurrent", "new.csv").splitlines()) == 41
    one = said(capsys, "predict", "recurrent", "new.csv", "--rows", "points")
    assert len(one.splitlines()) == 2
    assert len(said(capsys, "predict", "bayesian", "more.csv").splitlines()) == 5


COLUMNS = "sepal_length,sepal_width,petal_length,petal_width"
ROWS = [(5.1, 3.5, 1.4, 0.2), (6.3, 3.3, 6.0, 2.5)]


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    """The folder of a run on iris, whose channels have names."""
    folder = tmp_path_factory.mktemp("iris")
    config = spinrnn.RunConfig(
        spinrnn.BayesianConfig(),
        spinrnn.TrainConfig(estimator="counts"),
        spinrnn.DataConfig("iris"),
    )
    spinrnn.train(config, folder / "run", pictures=False)
    return folder / "run"


def csv_of(path, heads, rows, write=open):
    with write(path, "wt") as file:
        file.write("".join(",".join(map(str, row)) + "\n" for row in [heads.split(","), *rows]))
    return path


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
@pytest.mark.parametrize(
    ("heads", "rows", "said"),
    [
        (COLUMNS, ROWS, "each row is a case"),
        (f"id,{COLUMNS},weight", [(7, *row, 0) for row in ROWS], "left out: id, weight, which"),
        (",".join(COLUMNS.split(",")[::-1]), [row[::-1] for row in ROWS], "each row is a case"),
        (f"{COLUMNS},label", [(*row, k) for k, row in enumerate(ROWS)], "each row is a case"),
        (f"{COLUMNS},species", [(*row, "x") for row in ROWS], "left out: species, which is no"),
        (f"case,id,{COLUMNS}", [(k, 9, *row) for k, row in enumerate(ROWS)], "left out: id, which"),
        (f"t,{COLUMNS}", [(k, *row) for k, row in enumerate(ROWS)], "each row is a case"),
    ],
)
def test_columns_are_taken_by_the_names_of_the_training(iris, tmp_path, ending, heads, rows, said):
    path = csv_of(tmp_path / f"new.{ending}", heads, rows, gzip.open if "gz" in ending else open)
    with pytest.warns(DataNote) as notes:
        found = spinrnn.predict(iris, path)
    assert said in str(notes[0].message)
    wanted = spinrnn.predict(iris, np.array(ROWS)[:, :, None])
    np.testing.assert_array_equal(found.outputs, wanted.outputs)


@pytest.mark.parametrize(
    ("heads", "rows", "words"),
    [
        ("sepal_length,sepal_width", [(5, 3)] * 2, "petal_length, petal_width are missing among"),
        ("petal_width", [(5,), (3,), (1,), (2,)], "petal_length are missing among the columns pet"),
        ("7", [(5,), (3,), (1,)], "petal_width are missing among the columns column_1"),
        ("case,petal_width", [("a", 5)] * 4, "petal_length are missing among the columns petal_w"),
        (f"id,{COLUMNS[:-1]}", [(1, *ROWS[0])], "petal_width is missing among the columns "
         "id, sepal_length, sepal_width, petal_length, petal_widt; columns are named by --columns, "
         "as in petal_width=petal_widt"),
        (COLUMNS.title(), ROWS, "as in sepal_length=Sepal_Length"),
        (f"id,{COLUMNS}", [(1, 5, 3, "x", 2)] * 2, "petal_length holds no numbers; give a column"),
        (f"case,{COLUMNS}", [(7, *row) for row in ROWS], "case 7 has 2 rows, and a row is a whole"),
        (COLUMNS, [(5, 3, "", 2), ROWS[0]], "the first is case 0, channel petal_length"),
    ],
)  # fmt: skip
def test_columns_that_are_missing_are_named(iris, tmp_path, heads, rows, words):
    path = csv_of(tmp_path / "new.csv", heads, rows)
    done = here("predict", iris, path)
    error = done.stderr.splitlines()[-1]
    assert (done.returncode, done.stdout) == (2, "")
    assert error.startswith(f"spinrnn: error: {path}: ")
    assert words in error


def test_cases_in_files_of_their_own_give_their_columns_by_name(iris, tmp_path):
    for k, row in enumerate(ROWS):
        csv_of(tmp_path / f"{k}.csv", f"id,{COLUMNS}", [(k, *row)])
    with pytest.warns(DataNote, match="left out: id, which the training did not have"):
        found = spinrnn.predict(iris, tmp_path)
    wanted = spinrnn.predict(iris, np.array(ROWS)[:, :, None])
    np.testing.assert_array_equal(found.outputs, wanted.outputs)
    csv_of(tmp_path / "1.csv", "sepal_length,petal_width", [(1, 2)] * 2)
    with pytest.raises(spinrnn.DataError, match=r"1\.csv: sepal_width, petal_length are missing"):
        spinrnn.predict(iris, tmp_path)


def test_arrays_with_other_names_are_no_numbers_of_a_case(iris):
    data = spinrnn.Dataset(np.ones((1, 2, 2)), channels=("sepal_length", "petal_width"))
    with pytest.raises(spinrnn.DataError, match=r"has 2 channels .*, the network reads 4"):
        spinrnn.predict(iris, data)
    rows = spinrnn.predict(iris, np.array(ROWS)[:, None])
    np.testing.assert_array_equal(
        rows.outputs, spinrnn.predict(iris, np.array(ROWS)[:, :, None]).outputs
    )
