"""What a row of a new table is follows from the cases of the training: of one point each it is a
case, else a point; the command's option says it otherwise.
"""

import dataclasses
import io
import json

import numpy as np
import pytest
from conftest import here, refused

import spinrnn
from spinrnn.datasets.known import Known
from spinrnn.datasets.selection import select
from spinrnn.errors import DataNote
from spinrnn.runs.loading import open_run
from spinrnn.runs.predicting import Answering

HEADS = "a,b\n"
ROWS = np.array([[0.5, -0.25], [1.0, 2.0], [-1.5, 0.75]])
TABLE = HEADS + "".join(f"{a},{b}\n" for a, b in ROWS)
TAKEN = {"cases": ROWS[:, :, None], "points": ROWS.T[None]}
"""{what rows are: inputs}."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with runs of cases of one point and of three, as `one` and `three`, and new.csv."""
    folder = tmp_path_factory.mktemp("rows")
    (folder / "new.csv").write_text(TABLE)
    rng = np.random.default_rng(0)
    for name, points in (("one", 1), ("three", 3)):
        data = spinrnn.Dataset(
            rng.normal(size=(20, 2, points)),
            np.tile(["up", "down"], 10),
            channels=("a", "b"),
            units=("", ""),
        )
        config = spinrnn.RunConfig(
            spinrnn.NetworkConfig(layers=(4,), substeps=2), spinrnn.TrainConfig(epochs=1)
        )
        spinrnn.train(config, folder / name, data=data, pictures=False)
    return folder


def answers(place, run, inputs):
    """Texts of the answers to inputs, as `predict` writes them."""
    lines = spinrnn.predict(place / run, inputs).to_csv().splitlines()[1:]
    return [line.split(",")[1:] for line in lines]


@pytest.mark.filterwarnings("always::spinrnn.errors.DataNote")
@pytest.mark.parametrize(
    ("run", "option", "rows"),
    [
        ("one", None, "cases"),
        ("three", None, "points"),
        ("one", "points", "points"),
        ("three", "cases", "cases"),
    ],
)
def test_rows_are_what_a_case_of_the_training_was(place, tmp_path, run, option, rows):
    given = () if option is None else ("--rows", option)
    wanted = answers(place, run, TAKEN[rows])
    done = here("predict", place / run, place / "new.csv", "--out", tmp_path / "a.csv", *given)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "a.csv").read_text().splitlines()[1:]
    assert [line.split(",")[1:] for line in lines] == wanted
    assert len(wanted) == len(TAKEN[rows])
    other = {"cases": "; --rows points takes all of them as one", "points": "; --rows cases takes"}
    said = f"{'each row is a' if rows == 'cases' else 'all rows are one'} case"
    assert f"no column case, so {said}{other[rows] if option is None else ''}" in done.stderr
    assert ("--rows" in done.stderr) == (option is None)
    if option is None:
        assert answers(place, run, place / "new.csv") == wanted
    out = tmp_path / "t.h5"
    done = here("simulate", place / run, "--input", place / "new.csv", "--out", out, *given)
    assert done.returncode == 0, done.stderr
    with spinrnn.open_trajectory(out) as file:
        np.testing.assert_array_equal(file.inputs, TAKEN[rows].astype(file.inputs.dtype))


@pytest.mark.parametrize(
    ("run", "option", "rows"), [("one", (), "cases"), ("one", ("--rows", "points"), "points"),
                                ("three", ("--rows", "cases"), "cases")]
)  # fmt: skip
def test_lines_of_standard_input_too(place, monkeypatch, run, option, rows):
    monkeypatch.setattr("sys.stdin", io.StringIO(TABLE))
    done = here("predict", place / run, "-", *option)
    lines = [line.split(",") for line in done.stdout.splitlines()]
    assert lines[0][0] == ("case" if rows == "cases" else "point")
    assert [line[0] for line in lines[1:]] == ["0", "1", "2"]
    inputs = TAKEN[rows]
    parts = inputs if rows == "cases" else [inputs[0, :, : t + 1] for t in range(3)]
    wanted = [answers(place, run, part[None])[0] for part in parts]
    assert [line[1] for line in lines[1:]] == [line[0] for line in wanted]
    found = [[float(cell) for cell in line[2:]] for line in lines[1:]]
    np.testing.assert_allclose(found, [[float(c) for c in line[1:]] for line in wanted], rtol=1e-8)
    assert ("each line is a case of one point" in done.stderr) == (not option)


@pytest.mark.filterwarnings("ignore::spinrnn.errors.DataNote")
def test_a_column_of_cases_goes_before(place, tmp_path):
    """Also where a case has several rows, as a network with time takes any number."""
    (tmp_path / "a.csv").write_text("case,a,b\nx,0.5,-0.25\nx,1,2\ny,-1.5,0.75\n")
    found = spinrnn.predict(place / "one", tmp_path / "a.csv")
    assert (found.names, found.lengths.tolist()) == (("x", "y"), [2, 1])


def test_folders_of_earlier_versions_take_rows_as_points_and_tell_the_option(place, tmp_path):
    run = open_run(place / "one")
    assert run.known.points == 1
    record = json.loads((place / "one" / "summary.json").read_text())
    earlier = Known.of({key: value for key, value in record.items() if key != "points"})
    assert dataclasses.replace(earlier, ranges=None) == Known(("down", "up"), ("a", "b"), ("", ""))
    answering = Answering(run.network, run.config.task, run, run.config.data, earlier)
    with pytest.warns(DataNote, match="all rows are one case; --rows cases takes each as one"):
        data = answering.load(str(place / "new.csv"))
    np.testing.assert_array_equal(data.inputs, TAKEN["points"])
    assert [Known.of({"points": wrong}).points for wrong in (0, -1, True, 1.0, "1")] == [None] * 5


@pytest.mark.filterwarnings("ignore::spinrnn.errors.DataNote")
def test_of_numbers_that_a_front_end_makes_rows_stay_points(tmp_path):
    """Which also are one point for each case."""
    config = spinrnn.DataConfig("a.csv", frontend="statistics", features="maximum 1")
    (tmp_path / "new.csv").write_text(TABLE)
    run = spinrnn.RunConfig(data=config)
    data = select(str(tmp_path / "new.csv"), run, known=Known(channels=("maximum a",), points=1))[0]
    np.testing.assert_array_equal(data.inputs, [[[1.0]]])


def test_other_words_are_refused(place):
    done = here("predict", place / "one", place / "new.csv", "--rows", "lines")
    refused(done, "there is no choice 'lines'; known are points, cases")
    refused(here("predict", place / "one", "none.csv", "--rows", "cases"), "none.csv")
