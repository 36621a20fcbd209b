"""Forty mistakes that are likely, each with its message: one line with what is wrong, where, and
what to do; exit status 2; and nothing is written.
"""

import contextlib
import os
import shlex
import warnings

import numpy as np
import pytest
from conftest import forget_kinds, here

import spinrnn
from spinrnn.runs import run

OWN = """
import dataclasses
import spinrnn

@spinrnn.register
@dataclasses.dataclass(frozen=True)
class Flat(spinrnn.Task):
    kind = "flat"
    scores = spinrnn.Classification.scores
    chooses = "accuracy"
    prepared = spinrnn.Classification.prepared
    sizes = spinrnn.Classification.sizes
    targets = spinrnn.Classification.targets
    per_case = spinrnn.Classification.per_case
    evaluation = spinrnn.Classification.evaluation
"""

SMALL = "[network]\nlayers = [3]\nsubsteps = 1\n[train]\nepochs = 1\nbatch = 8\n"
FILES = {
    "my.toml": SMALL + '[data]\nsource = "good.npz"\n',
    "names.toml": "[network]\nlayer = [4]\n[trian]\nepochs = 1\n",
    "root.toml": "layers = [4]\n",
    "open.toml": "[network\nlayers = [4]\n",
    "several.toml": '[train]\nepochs = "ten"\nbatch = 2.5\n[data]\nvalidation_fraction = 10\n',
    "mine.py": OWN,
    "plain.csv": "0.1,0.2\n0.3,0.4\n",
    "whole.csv": "1,5\n2,5\n3,5\n",
    "flat/1.csv": "t,V\n0,1\n1,2\n",
    "mixed/a/1.csv": "t,V\n0,1\n",
    "mixed/2.csv": "t,V\n0,1\n",
    "other/a/1.csv": "t,V\n0,1\n1,2\n",
    "other/b/1.csv": "t,V2\n0,1\n1,2\n",
}


def table(change=lambda case, time: None):
    """A long table of 40 cases; change: cells by name in place of the usual ones."""
    lines = ["case,label,t,V"]
    for case in range(40):
        for time in range(3):
            row = {"case": case, "label": "ab"[case % 2], "t": time, "V": (case + time) / 40}
            row |= change(case, time) or {}
            lines.append(",".join(map(str, row.values())))
    return "\n".join(lines) + "\n"


TABLES = {
    "long.csv": table(),
    "words.csv": table(lambda case, time: {"V": "high"} if (case, time) == (1, 2) else None),
    "back.csv": table(lambda case, time: {"t": -time}),
    "gaps.csv": table(lambda case, time: {"V": ""} if (case, time) == (3, 1) else None),
    "two.csv": table(lambda case, time: {"label": "ab"[time % 2]}),
    "unlabelled.csv": table().replace("label,", "kind,"),
}
U = np.random.default_rng(0).normal(size=(40, 2, 6))
LABELS = np.arange(40) % 2
ARRAYS = {
    "good": {"inputs": U, "labels": LABELS},
    "swapped": {"inputs": U.T, "labels": LABELS},
    "names": {"input": U, "label": LABELS},
    "images": {"images": U, "labels": LABELS},
    "pictures": {"pictures": U, "kinds": LABELS, "camera": np.ones(3)},
    "two": {"left": U, "right": U, "labels": LABELS},
    "kinds": {"inputs": U, "kinds": LABELS},
    "nan": {"inputs": np.where(np.arange(6) == 3, np.nan, U), "labels": LABELS},
    "few": {"inputs": U[:3], "labels": LABELS[:3]},
    "shares": {"inputs": U, "labels": np.linspace(0, 1, 40)},
    "texts": {"inputs": np.full((40, 2, 6), "a"), "labels": LABELS},
    "short": {"inputs": U, "labels": LABELS[1:]},
    "inputs": {"inputs": U},
    "three": {"inputs": np.concatenate([U, U[:, :1]], axis=1), "labels": LABELS},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with all of these files, an empty one, a run of two channels and one of a kind
    of the user's.
    """
    place = tmp_path_factory.mktemp("mistakes")
    for name, text in (FILES | TABLES).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    for name, arrays in ARRAYS.items():
        np.savez(place / f"{name}.npz", **arrays)
    (place / "cut.npz").write_bytes((place / "good.npz").read_bytes()[:300])
    (place / "empty").mkdir()
    with contextlib.chdir(place), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert here("train", "my.toml", "--out", "run").returncode == 0
        own = ("--use", "mine.py", "--set", "task.kind=flat")
        done = here("train", "my.toml", *own, "--out", "own")
        assert done.returncode == 0, done.stderr
    forget_kinds()
    return place


DATA = "train my.toml --out x --set data.source="
MISTAKES = [
    # commands and options
    ("trian my.toml", "there is no command 'trian'; did you mean train?"),
    ("sweep my.toml", "there is no command 'my.toml'; known are run, status, collect, slurm"),
    ("train my.toml --epochs 5", "unrecognized arguments: --epochs 5; write --set train.epochs=5"),
    ("train my.toml --learning-rate=0.1", "write --set train.learning_rate=0.1"),
    ("train my.toml --seed x", "argument --seed: must be a whole number, got 'x'"),
    ("train my.toml --threads 0", "--threads: must be a whole number of at least 1, got '0'"),
    ("predict run", "the following arguments are required: FILE; spinrnn predict --help says"),
    ("simulate run --input good.npz:tets --out t.h5", "unknown part tets; did you mean test?"),
    # configurations
    ("train mytoml", "cannot read the configuration mytoml: No such file"),
    ("train good.npz", "good.npz: is no configuration, which is a TOML file; data are named in it"),
    ("train long.csv", "spinrnn init --data long.csv begins one"),
    ("train run", "run is a folder and no configuration; to go on with the run in it: --out run"),
    ("train names.toml", "network.layer: unknown key; did you mean layers?; trian: unknown table"),
    ("train root.toml", "layers: unknown key; it belongs into the table [network]"),
    ("train open.toml", "open.toml: not valid TOML: Expected ']'", "line 1"),
    ("train several.toml", 'train.epochs: must be a whole number, got "ten"', "train.batch",
     "data.validation_fraction: must be between 0 and 1, got 10"),
    ("train my.toml --set layers=3", "--set layers=3: write table.key=value, as in network.layers"),
    ("train my.toml --set network.layers=3", "network.layers: must be a list of whole numbers"),
    ("train my.toml --set train.epoch=5", "train.epoch: unknown key; did you mean epochs?"),
    ("train my.toml --set train.learning_rate=0,02", "the decimal sign is a point, as in 0.02"),
    ("train my.toml --set network.input_interval=10ns", "SI units without the unit, as in 10e-9"),
    ("train my.toml --set network.input_interval=10", "times are in seconds, 10 ns are 1e-08"),
    ("train my.toml --set neuron.relaxation_time=10", "neuron.relaxation_time: 10 s is out of all"
     " proportion to the input interval, 1e-08 s; times are in seconds, 10 ns are 1e-08"),
    ("train my.toml --set neuron.kind=macrospin --set neuron.field_x=-3e5", "neuron.field_x:"
     " -300000 T is far from what is usual, up to 20 T; write -0.377 if it is A/m"),
    ("train my.toml --set neuron.kind=oscilator", 'did you mean "oscillator"?', "--use FILE"),
    ("train my.toml --set data.source=digit", "digit", "did you mean digits?"),
    # runs
    ("train --out empty --resume", "empty is empty, there is no run to go on with; give its"),
    ("train my.toml --out run", "run holds a run already; continue it (--resume"),
    ("train my.toml --out run --resume --set train.epochs=9", "train.epochs: 1 there, 9 asked for"),
    ("train my.toml --out good.npz", "good.npz is a file; choose another folder (--out)"),
    ("evaluate empty", "empty: no config.toml there; give the folder of a run"),
    ("evaluate own", "own: the task flat comes from", "mine.py; give it by --use"),
    ("predict own good.npz", "own: the task flat comes from", "mine.py; give it by --use"),
    ("simulate own --out t.h5", "own: the task flat comes from", "mine.py; give it by --use"),
    ("look own", "own: the task flat comes from", "mine.py; give it by --use"),
    ("train --out own --resume", "own: the task flat comes from", "mine.py; give it by --use"),
    ("predict run three.npz", "three.npz: has 3 channels, the network reads 2"),
    ("init --data good.npz --out my.toml", "my.toml exists; choose another --out, or remove it"),
    # files of arrays
    (f"{DATA}none.npz", "cannot read", "none.npz: No such file"),
    (f"{DATA}cut.npz", "cut.npz: not a NumPy archive of plain arrays"),
    (f"{DATA}names.npz", "unknown array input; did you mean inputs?", "did you mean labels?"),
    (f"{DATA}images.npz", "array images; give --columns inputs=images, or data.columns, in its"),
    (f"{DATA}pictures.npz", "array kinds; give --columns inputs=pictures,labels=kinds, or"),
    (f"{DATA}kinds.npz", "has no array labels", "array kinds; give --columns labels=kinds, or"),
    (f"{DATA}two.npz", "has no array inputs; it holds left, right, labels"),
    (f"{DATA}swapped.npz", "swapped.npz: labels must be 6", "axes of inputs in another order?"),
    (f"{DATA}short.npz", "short.npz: labels must be 40", "of shape (39,)"),
    (f"{DATA}texts.npz", "texts.npz: inputs must be real numbers, got <U1"),
    (f"{DATA}shares.npz", "of case 1 is no class; classes are whole numbers, texts or truth"),
    (f"{DATA}nan.npz", 'at case 0, channel 0, time 3; data.missing = "linear" fills'),
    (f"{DATA}few.npz", "3 cases are too few for data.validation_fraction; take more cases"),
    (f"{DATA}inputs.npz", "has no array labels; it holds inputs"),
    (f"{DATA}good.npz --set network.inputs=3", "expected the shape (case, 3, time)"),
    # tables and folders
    (f"{DATA}plain.csv", "without a column case and without a column label; give each row"),
    (f"{DATA}whole.csv", "rows such as 1,5 are two columns of whole numbers or one with a decimal"),
    (f"{DATA}words.csv", "words.csv: column 4: high in line 7 is no number"),
    (f"{DATA}back.csv", "back.csv: in case 0 the time does not increase after its point 0"),
    (f"{DATA}gaps.csv", "the first is case 3, channel V, point 1", 'data.missing = "linear"'),
    (f"{DATA}two.csv", "two.csv: case 0 has several values of label: a, b"),
    (f"{DATA}unlabelled.csv", "columns case, kind, t, V, without a column label"),
    (f"{DATA}long.csv --columns label=lable", "data.columns: has no array lable; did you mean"),
    (f"{DATA}long.csv --units V=milivolt", "data.units: unknown unit milivolt; did you mean volt?"),
    (f"{DATA}long.csv --columns V", "data.columns: write NAME=COLUMN, as in time=t,power=V2"),
    (f"{DATA}flat", "flat: its files are in no folders of classes; make a folder for each class"),
    (f"{DATA}mixed", "holds the files 2.csv beside folders of classes; move them into one"),
    (f"{DATA}other", "has the channels V2, the first file has V; give all files the same columns"),
    (f"{DATA}empty", "empty: holds no files of data; wanted are files of cases"),
]  # fmt: skip
"""[(command line, what its message says ...)]."""


def contents(folder):
    """{path: (size, time of change)} below a folder."""
    found = {}
    for path, _, files in os.walk(folder):
        for name in files:
            state = os.stat(os.path.join(path, name))
            found[os.path.join(path, name)] = state.st_size, state.st_mtime_ns
        found[path] = None
    return found


@pytest.mark.parametrize(("line", "words"), [(line, words) for line, *words in MISTAKES],
                         ids=[line for line, *_ in MISTAKES])  # fmt: skip
def test_a_likely_mistake_is_told(folder, monkeypatch, line, words):
    monkeypatch.chdir(folder)
    before = contents(folder)
    done = here(*shlex.split(line))
    lines = [text for text in done.stderr.splitlines() if not text.startswith("spinrnn: note: ")]
    assert done.returncode == 2, done.stdout
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("spinrnn: error: ")
    for word in words:
        assert word in lines[0]
    assert contents(folder) == before


def test_there_are_forty():
    assert len(MISTAKES) >= 40
    assert len({line for line, *_ in MISTAKES}) == len(MISTAKES)


# ---- what is no mistake ----


def test_what_is_said_and_done_all_the_same(folder, monkeypatch, tmp_path):
    """A stray blank in a label, a decimal comma, swapped axes that fit, one class."""
    monkeypatch.chdir(tmp_path)
    text = TABLES["long.csv"]
    (tmp_path / "blank.csv").write_text(text.replace("3,b,", "3,b ,"))
    (tmp_path / "comma.csv").write_text(text.replace(",", ";").replace(".", ","))
    assert spinrnn.load_dataset("blank.csv").classes == ("a", "b")
    with pytest.warns(UserWarning, match="the decimal sign is a comma"):
        data = spinrnn.load_dataset("comma.csv")
    assert data.inputs[1, 0, 1] == 0.05
    np.savez("wide.npz", inputs=np.zeros((4, 60, 3)), labels=[0, 1, 0, 1])
    with pytest.warns(
        UserWarning, match=r"60 channels of 3 points; axes are \(case, channel, time"
    ):
        spinrnn.load_dataset("wide.npz")
    np.savez("one.npz", inputs=U, labels=np.zeros(40, int))
    (tmp_path / "small.toml").write_text(SMALL)
    done = here("train", "small.toml", "--set", "data.source=one.npz", "--out", "x")
    assert done.returncode == 0
    assert "all training cases have the class 0; an accuracy says nothing here" in done.stderr


def test_a_new_folder_begins_and_says_so(tmp_path, monkeypatch):
    """As a batch script wants it that gives the same command again and again; a run that was
    killed before its first file has left a lock.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / ".lock").touch()

    def begun(*_, **__):
        raise spinrnn.DataError("begun")

    monkeypatch.setattr(run, "train", begun)
    for name in ("new", "killed"):
        done = here("train", "--out", name, "--resume")
        assert done.stderr.splitlines() == [
            f"spinrnn: note: {name}: no run there yet, the built-in recipe begins",
            "spinrnn: error: begun",
        ]


@pytest.fixture
def forgotten():
    yield
    forget_kinds()


@pytest.mark.usefixtures("forgotten")
def test_a_run_of_a_kind_of_the_users_goes_on_once_it_is_given(folder, monkeypatch):
    monkeypatch.chdir(folder)
    lines = ("evaluate own", "look own", "predict own good.npz", "train --out own --resume")
    for line in lines:
        assert here(*line.split(), "--use", "mine.py").returncode == 0
