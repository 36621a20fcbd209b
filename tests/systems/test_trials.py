"""Studies: trials are kept one by one, a study goes on where it was stopped, and what
does not fit is told.
"""

import dataclasses
import json

import pytest
from conftest import here

import spinrnn
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.systems.learning import check_images
from spinrnn.systems.studies import STUDIES
from spinrnn.systems.trials import Study, Trial, folders_of, kept, study


def made(calls, wants=()):
    """A study of three trials, which notes what it computes."""

    def trials(quick, folders):
        def run(k):
            calls.append(k)
            return {"square": k * k, "there": sorted(folders)}

        return [Trial({"k": k}, lambda k=k: run(k)) for k in range(1 if quick else 3)]

    def numbers(rows):
        total = sum(row["square"] for row in rows)
        return FigureNumbers({"rows": rows}, {"": rows}, {"total": (total, "1", "of all")})

    def draw(result):
        from matplotlib.figure import Figure

        return Figure(figsize=(1, 1))

    return Study("squares", "squares of numbers", "docs/none.md", trials, numbers, draw, wants)


def test_it_goes_on_where_it_was_stopped(tmp_path):
    calls = []
    stops = iter([False, True])
    assert study(made(calls), tmp_path, stop=lambda: next(stops)).findings is None
    assert calls == [0, 1]
    outcome = study(made(calls), tmp_path)
    assert calls == [0, 1, 2]
    assert outcome.findings["total"]["value"] == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("squares.csv", "squares.json", "squares.pdf", "squares.png", "squares.trials.jsonl")
    ]
    assert (tmp_path / "squares.csv").read_text().splitlines()[0] == "k,square,there"
    again = study(made(calls), tmp_path, run=False)
    assert again.findings == outcome.findings
    assert calls == [0, 1, 2]


def test_a_line_that_was_cut_off_is_made_again(tmp_path):
    study(made([]), tmp_path)
    path = tmp_path / "squares.trials.jsonl"
    text = path.read_text()
    path.write_text(text[:-20])
    calls = []
    study(made(calls), tmp_path)
    assert calls == [2]
    assert [row["key"] for row in kept(path)] == [{"k": 0}, {"k": 1}, {"k": 2}]
    path.write_text("nonsense\n" + text)
    with pytest.raises(spinrnn.StoreError, match="line 1: is no trial"):
        study(made([]), tmp_path)


def test_results_of_other_tables_do_not_count(tmp_path):
    path, calls = tmp_path / "x.trials.jsonl", []

    def of(tables):
        def trials(quick, folders):
            return [Trial({"k": 0}, lambda: calls.append(tables) or {"square": 1}, tables)]

        return dataclasses.replace(made([]), name="x", trials=trials)

    study(of({"rate": 1.0}), tmp_path)
    study(of({"rate": 1.0}), tmp_path)
    study(of({"rate": 2.0}), tmp_path)
    assert calls == [{"rate": 1.0}, {"rate": 2.0}]
    assert len(kept(path)) == 1


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(spinrnn.StoreError, match="no results there"):
        study(made([]), tmp_path, run=False)
    with pytest.raises(spinrnn.ConfigError, match=r"must be a folder with .*mnist"):
        folders_of(tmp_path / "none", ("mnist",))
    (tmp_path / "data").mkdir()
    with pytest.raises(spinrnn.ConfigError, match="mnist"):
        study(made([], ("mnist",)), tmp_path, data=tmp_path / "data")
    (tmp_path / "data" / "mnist").mkdir()
    both = study(made([], ("mnist", "other")), tmp_path, data=tmp_path / "data")
    assert both.lacking == ["other"]
    assert '"there": ["mnist"]' in (tmp_path / "squares.trials.jsonl").read_text()


def test_damaged_data_are_told_before_anything_is_computed(tmp_path):
    calls, folder = [], tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 9]))
    checked = dataclasses.replace(made(calls, ("mnist",)), check=check_images)
    with pytest.raises((spinrnn.DataError, spinrnn.StoreError), match="mnist"):
        study(checked, tmp_path / "out", data=tmp_path / "data")
    assert calls == []
    # what is done needs no data
    done = dataclasses.replace(checked, check=None)
    study(done, tmp_path / "out", data=tmp_path / "data")
    assert study(checked, tmp_path / "out", data=tmp_path / "data").findings is not None
    assert all(one.check for one in STUDIES.values() if "mnist" in one.wants)


@pytest.mark.slow
def test_the_command_runs_the_smallest_study(tmp_path):
    done = here("reproduce", "rf", "--quick", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "accuracy of the ideal network" in done.stdout
    found = json.loads((tmp_path / "rf.json").read_text())["findings"]
    assert found["ideal_accuracy_mean"]["value"] > 90
    naive, exact = (found[f"{way}_accuracy_3_digits"]["value"] for way in ("naive", "exact"))
    assert naive + 8 < exact
    assert found["dead_naive_mean"]["value"] < found["dead_accuracy_mean"]["value"]
    assert "rf " in here("reproduce", "--list").stdout
    refused = here("reproduce", "rff")
    assert refused.returncode == 2
    assert "no such figure" in refused.stderr
