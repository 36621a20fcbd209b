"""Run folders through the real command: what they hold, resumption, every kind of bad
input.

Most calls are made within this process, on one finished run that is copied where a test
changes it; processes of their own are left where signals, streams or limits matter.
"""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from conftest import here, refused, spinrnn_command
from kills import weights

import spinrnn
from spinrnn.checks import feedforward, gradient
from spinrnn.config import kinds
from spinrnn.config.toml import to_toml
from spinrnn.datasets import parts
from spinrnn.runs import checkpoints
from spinrnn.runs.folder import Folder, differences, newest_run

CONFIG = """
[network]
layers = [6, 5]
inputs = 2
outputs = 3
density_int = 0.5
substeps = 2
[train]
epochs = 4
batch = 16
checkpoint_seconds = 0
[data]
source = "tiny.npz"
"""


def dataset(seed=5):
    """120 noisy sequences of two channels and three classes."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), 40)
    inputs = rng.normal(size=(3, 2, 5))[labels] + 0.1 * rng.normal(size=(120, 2, 5))
    return spinrnn.Dataset(inputs, labels, rng.integers(4, 6, 120))


def save(path, data):
    np.savez(path, inputs=data.inputs, labels=data.labels, lengths=data.lengths)


def test_data_of_one_class_are_told():
    data = dataset()
    network = spinrnn.NetworkConfig(layers=(3,), inputs=2, outputs=3, substeps=2)
    config = spinrnn.RunConfig(network, spinrnn.TrainConfig(epochs=1))
    with pytest.warns(UserWarning, match="all training cases have the class 1; an accuracy"):
        spinrnn.train(config, data=data.take(data.labels == 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spinrnn.train(config, data=data)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with tiny.toml, tiny.npz and a finished run, which tests only read.

    Its standard output is in stdout.txt.
    """
    folder = tmp_path_factory.mktemp("project")
    save(folder / "tiny.npz", dataset())
    (folder / "tiny.toml").write_text(CONFIG)
    result = here("train", folder / "tiny.toml", "--out", folder / "run")
    assert result.returncode == 0, result.stderr
    (folder / "stdout.txt").write_text(result.stdout)
    return folder


@pytest.fixture
def toml(project, tmp_path):
    """Path of the configuration in a project of the test's own."""
    for name in ("tiny.toml", "tiny.npz"):
        shutil.copy2(project / name, tmp_path / name)
    return tmp_path / "tiny.toml"


@pytest.fixture
def finished(project, tmp_path):
    """A copy of the finished run; its data are in `project`."""
    return shutil.copytree(project / "run", tmp_path / "run")


def set_(*texts):
    """The texts as options of the command line."""
    return [word for text in texts for word in ("--set", text)]


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


def reopen(folder, *names):
    """Takes away what a run that was killed before its end would not have."""
    for name in ("summary.json", *names):
        (folder / name).unlink()
    return folder


# ---- what a run folder holds ----


def test_a_run_folder_holds_what_its_readme_says(project):
    out = project / "run"
    assert sorted(path.name for path in out.iterdir()) == [
        ".lock",
        "checkpoints",
        "config.toml",
        "confusion.png",
        "curves.png",
        "environment.json",
        "metrics.jsonl",
        "network.h5",
        "summary.json",
    ]
    for picture in ("curves.png", "confusion.png"):
        assert (out / picture).read_bytes().startswith(b"\x89PNG")
    environment = json.loads((out / "environment.json").read_text())
    assert environment["packages"]["numpy"] == np.__version__
    assert environment["threads"] == spinrnn.get_threads()
    # 84 training cases in 6 batches, 4 epochs
    assert [path.name for path in checkpoints.checkpoint_paths(out)] == [
        "00000024.h5",
        "00000023.h5",
    ]
    config = spinrnn.load_config(out / "config.toml")
    assert config == spinrnn.load_config(project / "tiny.toml")
    assert config.data.source == str(project / "tiny.npz")


def by_hand(net, data):
    """(accuracy, mean cross-entropy, confusion) of a network, case by case."""
    logits = net.forward(data.inputs, data.lengths).astype(float)
    confusion = [[0] * 3 for _ in range(3)]
    losses = []
    for values, label in zip(logits, data.labels, strict=True):
        confusion[label][int(np.argmax(values))] += 1
        losses.append(np.log(np.exp(values).sum()) - values[label])
    right = sum(confusion[k][k] for k in range(3))
    return right / len(losses), np.mean(losses), confusion


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """(`Result`, data) of a run whose numbers all differ.

    Data so noisy that the confusion matrix is not symmetric and the best epoch not the
    last; substeps so long that finer ones answer otherwise.
    """
    data = dataset()
    data.inputs[:] += 0.8 * np.random.default_rng(1).normal(size=data.inputs.shape)
    config = spinrnn.RunConfig(
        network=spinrnn.NetworkConfig(
            layers=(6, 5),
            inputs=2,
            outputs=3,
            density_int=0.5,
            substeps=2,
            input_interval=40e-9,
        ),
        train=spinrnn.TrainConfig(
            epochs=7, batch=16, seed=3, learning_rate=0.15, schedule="constant"
        ),
    )
    out = tmp_path_factory.mktemp("noisy") / "run"
    return spinrnn.train(config, out=out, data=data, pictures=False), data


def test_the_test_part_in_the_summary_is_what_the_network_does(noisy):
    """Accuracy, loss and confusion matrix, case by case; also with eight times the
    substeps."""
    result, data = noisy
    summary, net = result.summary, result.network
    _, _, test = parts.split(data, spinrnn.DataConfig(), 3)
    accuracy, loss, confusion = by_hand(net, data.take(test))
    assert summary["test_accuracy"] == accuracy
    assert summary["test_loss"] == pytest.approx(loss, rel=1e-6)
    assert summary["confusion"] == confusion
    assert confusion != np.transpose(confusion).tolist()
    accuracy, loss, _ = by_hand(net.replace(substeps=16), data.take(test))
    assert summary["test_accuracy_fine"] == accuracy
    assert summary["test_loss_fine"] == pytest.approx(loss, rel=1e-6)
    assert (summary["substeps"], summary["substeps_fine"]) == (2, 16)
    three = {
        summary[f"{name}_accuracy{e}"]
        for name, e in (("test", ""), ("test", "_fine"), ("validation", ""))
    }
    assert len(three) == 3


def test_the_best_epoch_in_the_summary(noisy):
    result, data = noisy
    summary, history = result.summary, result.history
    _, validation, _ = parts.split(data, spinrnn.DataConfig(), 3)
    accuracy, loss, _ = by_hand(result.network, data.take(validation))
    assert summary["validation_accuracy"] == accuracy
    assert summary["validation_loss"] == pytest.approx(loss, rel=1e-6)
    ranks = [record["validation_accuracy"] for record in history]
    best = max(k for k, rank in enumerate(ranks, 1) if rank == max(ranks))
    assert summary["best_epoch"] == best
    assert best < len(history) == summary["epochs"] == 7
    assert [record["epoch"] for record in history] == list(range(1, 8))


def test_what_else_the_summary_says(noisy):
    result, data = noisy
    summary = result.summary
    assert summary_of(result.folder) == summary
    lines = (result.folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == result.history
    # a fifth and a tenth of 120 cases
    assert summary["cases"] == {"training": 84, "validation": 12, "test": 24}
    # input, connection of the layers, readout, biases; half of W_int is drawn, so
    # counted
    views = result.network.views()
    drawn = sum(np.count_nonzero(w) for w in (views["w_int"][0], views["w_int"][1]))
    assert summary["parameters"] == 2 * 6 + 6 * 5 + 5 * 3 + drawn + 6 + 5 + 3
    assert 0 < drawn < 61
    assert summary["seed"] == 3
    assert summary["data_sha256"] == data.digest()
    spent = sum(record["seconds"] for record in result.history)
    assert summary["seconds_training"] == pytest.approx(spent, abs=1e-3)
    assert 0 < summary["seconds_training"] < 60
    assert 0 <= summary["seconds_compiling"] < 120


def test_a_dense_network_has_all_its_parameters(tiny_config, tiny_data):
    network = dataclasses.replace(tiny_config.network, density_int=1.0)
    train = dataclasses.replace(tiny_config.train, epochs=1)
    config = dataclasses.replace(tiny_config, network=network, train=train)
    summary = spinrnn.train(config, data=tiny_data).summary
    assert summary["parameters"] == 2 * 6 + 6 * 6 + 6 * 5 + 5 * 5 + 5 * 3 + 6 + 5 + 3


def test_what_train_prints_is_the_summary(project):
    s, text = summary_of(project / "run"), (project / "stdout.txt").read_text()
    records = [
        json.loads(line) for line in (project / "run" / "metrics.jsonl").read_text().splitlines()
    ]
    test, fine = 100 * s["test_accuracy"], 100 * s["test_accuracy_fine"]
    validation = 100 * s["validation_accuracy"]
    seconds, compiling = s["seconds_training"], s["seconds_compiling"]
    for line in (
        f"test accuracy        {test:6.2f} %   with 2 substeps, loss {s['test_loss']:.4f}",
        f"test accuracy, fine  {fine:6.2f} %   with 16 substeps, loss {s['test_loss_fine']:.4f}",
        f"validation accuracy  {validation:6.2f} %   best epoch {s['best_epoch']} of 4",
        f"time                 {seconds:6.1f} s   training, {compiling:.1f} s compiling",
        f"results              {project / 'run'}/summary.json, curves.png, confusion.png",
    ):
        assert f"\n{line}\n" in text
    ranks = [100 * record["validation_accuracy"] for record in records]
    for k, record in enumerate(records, 1):
        accuracies = f"validation {ranks[k - 1]:.1f} %, best {max(ranks[:k]):.1f} %"
        assert f"\nepoch    {k} of 4: loss {record['train_loss']:.3f}, {accuracies}, " in text


def test_the_number_of_checkpoints_is_chosen(tiny_config, tiny_data, tmp_path):
    train = dataclasses.replace(tiny_config.train, checkpoints=5)
    config = dataclasses.replace(tiny_config, train=train)
    result = spinrnn.train(config, out=tmp_path / "run", data=tiny_data, pictures=False)
    paths = checkpoints.checkpoint_paths(result.folder)
    assert [int(path.stem) for path in paths] == [24, 23, 22, 21, 20]
    for path in paths[:4]:
        path.write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="skipped a checkpoint"):
        assert checkpoints.load_newest_checkpoint(result.folder)[2]["steps"] == 20


def test_checkpoints_within_an_epoch_come_with_time(tiny_config, tiny_data, tmp_path):
    """None is due before 1000 s: only the first and the last are written."""
    train = dataclasses.replace(tiny_config.train, checkpoints=9, checkpoint_seconds=1000)
    config = dataclasses.replace(tiny_config, train=train)
    spinrnn.train(config, out=tmp_path / "run", data=tiny_data, pictures=False)
    assert [path.stem for path in checkpoints.checkpoint_paths(tmp_path / "run")] == [
        "00000024",
        "00000000",
    ]


def test_evaluate_repeats_the_summary_and_takes_finer_steps(project):
    out = project / "run"
    summary = summary_of(out)
    plain = json.loads(here("evaluate", out, "--json").stdout)
    fine = json.loads(here("evaluate", out, *set_("network.substeps=16"), "--json").stdout)
    for found, end in ((plain, ""), (fine, "_fine")):
        assert found["test_accuracy"] == summary[f"test_accuracy{end}"]
        assert found["test_loss"] == summary[f"test_loss{end}"]
        assert found["substeps"] == summary[f"substeps{end}"]
    assert plain["confusion"] == summary["confusion"]
    assert (plain["cases"], plain["finished"]) == (24, True)
    text = here("evaluate", out).stdout
    assert f"test accuracy {100 * summary['test_accuracy']:.2f} % of 24 cases" in text
    assert f"loss {summary['test_loss']:.4f}, 2 substeps" in text
    moved = ("network.spread_gamma=0.1", "network.device_seed=4", "network.thermal_power=1e-3")
    real = here("evaluate", out, *set_(*moved)).stdout
    assert "devices that differ (spread.seed 4), thermal noise of 0.001" in real
    twin = here("evaluate", out, *set_("network.neuron=ctrnn", "network.thermal_power=1e-3"))
    assert twin.returncode == 0
    assert "noise" not in twin.stdout


@pytest.mark.parametrize(
    ("settings", "fragment"),
    [
        (["network.layers=[3]"], "layers: fixed by the trained parameters"),
        (["network.substep=3"], "did you mean substeps?"),
        (["train.epochs=3"], "keys of [network]"),
    ],
)
def test_evaluate_refuses_what_it_cannot_change(project, settings, fragment):
    refused(here("evaluate", project / "run", *set_(*settings)), fragment)


def test_evaluate_prints_what_neurons_have_learned(toml, tmp_path):
    config = ["train.epochs=1", "network.layers=[6, 5]", "network.dtype=float64"]
    config.append('neuron.train=["relaxation_time"]')
    out = tmp_path / "run"
    assert here("train", toml, "--out", out, *set_(*config)).returncode == 0
    net = spinrnn.load(out)
    one, two = (10e-9 * np.exp(net.views()["neuron_relaxation_time"][k][0]) for k in (0, 1))
    assert one != two
    found = json.loads(here("evaluate", out, "--json").stdout)["trained"]
    assert found == {"relaxation_time": {"0": [pytest.approx(one)], "1": [pytest.approx(two)]}}
    line = here("evaluate", out).stdout.splitlines()[-1]
    assert line == (
        f"trained relaxation_time: layer 0 {1e9 * one:.6g} ns, layer 1 {1e9 * two:.6g} ns"
    )


def test_evaluate_needs_a_run(project):
    refused(here("evaluate", project), "no config.toml")


# ---- which folder ----


def test_another_run_is_not_overwritten(project, tmp_path):
    out, config = project / "run", project / "tiny.toml"
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    refused(here("train", config, "--out", out), "holds a run already", "--resume", "--out")
    refused(
        here("train", config, "--out", out, "--resume", *set_("train.epochs=9")),
        "train.epochs: 4 there, 9 asked for",
    )
    refused(
        here("train", "--out", out, "--resume", *set_("train.epochs=9")),
        "train.epochs: 4 there, 9 asked for",
    )
    again = here("train", "--out", out, "--resume")
    assert again.returncode == 0
    assert f"test accuracy        {100 * summary_of(out)['test_accuracy']:6.2f} %" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("precious")
    refused(here("train", config, "--out", tmp_path / "other"), "is not empty and not a run")
    refused(here("train", config, "--out", tmp_path / "other" / "thesis.tex"), "is a file")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.tex"]


def test_default_folders_and_resuming_the_newest(toml, tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    settings = [toml, *set_("train.epochs=1")]
    for _ in range(2):
        assert here("train", *settings, "--seed", 3).returncode == 0
    assert sorted(path.name for path in (work / "runs").iterdir()) == ["tiny-seed3", "tiny-seed3-2"]
    reopen(work / "runs" / "tiny-seed3")
    time.sleep(0.02)
    os.utime(work / "runs" / "tiny-seed3" / "metrics.jsonl")
    resumed = here("train", "--resume")
    assert "continuing in runs/tiny-seed3;" in resumed.stdout
    for seed in (3, 4):  # as the tasks of an array job would
        assert here("train", *settings, "--resume", "--seed", seed).returncode == 0
    assert sorted(path.name for path in (work / "runs").iterdir()) == [
        "tiny-seed3",
        "tiny-seed3-2",
        "tiny-seed4",
    ]
    refused(here("train", "--seed", 1, *set_("train.seed=2")), "give one of them")


def test_two_processes_do_not_share_a_folder(toml, tmp_path):
    out = tmp_path / "run"
    command = ["train", str(toml), *set_("train.epochs=100000"), "--out", str(out)]
    first = subprocess.Popen(
        [sys.executable, "-m", "spinrnn", *command], stdout=subprocess.PIPE, text=True
    )
    try:
        assert "training in" in first.stdout.readline()
        with pytest.raises(spinrnn.StoreError, match="another process is training in"):
            spinrnn.train(out=out, resume=True, stop=lambda: True)
    finally:
        first.kill()
        first.wait()


def test_a_failure_that_is_kept_does_not_keep_the_folder(tiny_config, tiny_data, tmp_path):
    """As an interactive Python keeps the last error, and with it all variables of the
    call."""

    def broken(_):
        raise RuntimeError("broken")

    out = tmp_path / "run"
    with pytest.raises(RuntimeError) as kept:
        spinrnn.train(tiny_config, out=out, data=tiny_data, on_epoch=broken)
    again = spinrnn.train(out=out, data=tiny_data, resume=True, pictures=False)
    assert again.summary["epochs"] == 4
    assert kept.type is RuntimeError


def test_a_kill_before_the_first_file_is_no_obstacle(toml, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").write_text("")
    settings = set_("train.epochs=1")
    assert here("train", toml, "--out", tmp_path / "run", "--resume", *settings).returncode == 0
    assert summary_of(tmp_path / "run")["epochs"] == 1


# ---- data that are other ones, or at another place ----


def test_other_data_are_noticed(toml, tmp_path, monkeypatch):
    out, npz = tmp_path / "run", tmp_path / "tiny.npz"
    assert here("train", toml, "--out", out, *set_("train.epochs=1")).returncode == 0
    original = npz.read_bytes()
    save(npz, dataset(seed=6))
    refused(here("evaluate", out), "was trained on other data")
    reopen(out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.name != ".lock"}
    refused(
        here("train", "--out", out, "--resume"), "was trained on other data", "--set data.source"
    )
    assert {path: path.stat().st_mtime_ns for path in before} == before
    refused(here("evaluate", out), "was trained on other data")
    npz.unlink()
    (tmp_path / "moved.npz").write_bytes(original)
    refused(here("evaluate", out), "tiny.npz: No such file", f"the data of {out} have moved")
    monkeypatch.chdir(tmp_path)
    moved = here("evaluate", out, *set_("data.source=moved.npz"), "--json")
    assert json.loads(moved.stdout)["finished"] is False
    assert "not finished" in moved.stderr


def test_a_run_goes_on_with_data_that_moved(finished, project, tmp_path):
    """From Python: the same digest; the new place is kept, and said once."""
    shutil.copy2(project / "tiny.npz", tmp_path / "moved.npz")
    reopen(finished, "network.h5")
    old, new = str(project / "tiny.npz"), str(tmp_path / "moved.npz")
    config = spinrnn.load_config(project / "tiny.toml", [f"data.source={new}"])
    said = re.escape(f"its data.source is now {new}, the same data by their digest; it was {old}")
    with pytest.warns(UserWarning, match=said):
        again = spinrnn.train(config, out=finished, resume=True, pictures=False)
    assert again.summary["test_loss"] == summary_of(project / "run")["test_loss"]
    assert (finished / "config.toml").read_text() == to_toml(config)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spinrnn.train(out=finished, resume=True)
        spinrnn.train(config, out=finished, resume=True)


def test_a_finished_run_takes_the_new_place_of_its_data_and_no_other_data(finished, tmp_path):
    shutil.copy2(spinrnn.load_config(finished / "config.toml").data.source, tmp_path / "moved.npz")
    save(tmp_path / "other.npz", dataset(seed=6))
    stored = (finished / "config.toml").read_text()

    def ask(name):
        return spinrnn.load_config(finished / "config.toml", [f"data.source={tmp_path / name}"])

    with pytest.raises(spinrnn.DataError, match="was trained on other data"):
        spinrnn.train(ask("other.npz"), out=finished, resume=True)
    with pytest.raises(spinrnn.DataError, match="was trained on other data"):
        spinrnn.train(out=finished, resume=True, data=dataset(seed=6))
    assert (finished / "config.toml").read_text() == stored
    result = spinrnn.train(out=finished, resume=True, data=dataset())
    assert result.summary == summary_of(finished)
    with pytest.warns(UserWarning, match=r"moved\.npz, the same data by their digest"):
        result = spinrnn.train(ask("moved.npz"), out=finished, resume=True)
    assert result.summary == summary_of(finished)
    config = spinrnn.load_config(finished / "config.toml")
    assert config.data.source == str(tmp_path / "moved.npz")


def test_a_project_that_moved_goes_on_by_its_command(toml, tmp_path, monkeypatch):
    """The folder with configuration, data and runs has another name; relative names
    hold."""
    monkeypatch.chdir(tmp_path)
    assert here("train", toml.name, *set_("train.epochs=2")).returncode == 0
    losses = summary_of(tmp_path / "runs" / "tiny-seed0")["test_loss"]
    reopen(tmp_path / "runs" / "tiny-seed0")
    new = tmp_path.with_name(tmp_path.name + "-moved")
    tmp_path.rename(new)
    monkeypatch.chdir(new)
    refused(
        here("train", "--resume", "--out", "runs/tiny-seed0"),
        "tiny.npz: No such file",
        "if the data of runs/tiny-seed0 have moved, give their new place (--set data.source=PATH)",
    )
    result = here("train", toml.name, "--resume", *set_("train.epochs=2"))
    assert result.returncode == 0, result.stderr
    assert "continuing in runs/tiny-seed0;" in result.stdout
    assert result.stderr.count("\n") == 1
    assert f"is now {new / 'tiny.npz'}, the same data by their digest" in result.stderr
    assert summary_of(new / "runs" / "tiny-seed0")["test_loss"] == losses
    assert [path.name for path in (new / "runs").iterdir()] == ["tiny-seed0"]
    # other data are another run
    save(new / "tiny.npz", dataset(seed=6))
    (new / "tiny.npz").rename(new / "other.npz")
    settings = set_("train.epochs=2", "data.source=other.npz")
    assert here("train", toml.name, "--resume", *settings).returncode == 0
    assert sorted(path.name for path in (new / "runs").iterdir()) == ["other-seed0", "tiny-seed0"]


def test_a_new_place_alone_is_asked_of_the_run_itself(finished, project, tmp_path, monkeypatch):
    """--set data.source without a configuration file: all else is the run's own."""
    shutil.copy2(project / "tiny.npz", tmp_path / "moved.npz")
    reopen(finished)
    monkeypatch.chdir(tmp_path)
    result = here("train", "--resume", "--out", finished, *set_("data.source=moved.npz"))
    assert result.returncode == 0, result.stderr
    assert summary_of(finished)["test_loss"] == summary_of(project / "run")["test_loss"]
    kept = spinrnn.load_config(finished / "config.toml")
    assert kept.data.source == str(tmp_path / "moved.npz")


def test_the_newest_run_of_these_data(finished, project, tmp_path):
    shutil.copytree(finished, tmp_path / "runs" / "a")
    config = spinrnn.load_config(project / "tiny.toml")
    shutil.copy2(project / "tiny.npz", tmp_path / "moved.npz")
    save(tmp_path / "other.npz", dataset(seed=6))

    def run_of(*settings):
        return newest_run(tmp_path / "runs", spinrnn.load_config(project / "tiny.toml", settings))

    assert run_of() == newest_run(tmp_path / "runs") == tmp_path / "runs" / "a"
    assert run_of(f"data.source={tmp_path / 'moved.npz'}") == tmp_path / "runs" / "a"
    assert run_of(f"data.source={tmp_path / 'other.npz'}") is None
    assert run_of("train.seed=1") is None
    assert newest_run(tmp_path / "none", config) is None
    # a run with this very place goes before a newer one with another
    text = to_toml(config).replace("tiny.npz", "elsewhere.npz")
    shutil.copytree(finished, tmp_path / "runs" / "b")
    (tmp_path / "runs" / "b" / "config.toml").write_text(text)
    later = time.time() + 10
    os.utime(tmp_path / "runs" / "b" / "metrics.jsonl", (later, later))
    assert newest_run(tmp_path / "runs") == tmp_path / "runs" / "b"
    assert run_of() == tmp_path / "runs" / "a"
    (tmp_path / "runs" / "b" / "config.toml").write_text("damaged")
    assert newest_run(tmp_path / "runs") == tmp_path / "runs" / "a"


def test_folders_of_before_the_automatic_test_part(toml, finished, project):
    """Their config.toml and checkpoints say test_fraction = 0.2; the same file that
    started them still goes on with them.
    """
    old = toml.parent / "old"
    assert here("train", toml, *set_("data.test_fraction=0.2"), "--out", old).returncode == 0
    assert "\ntest_fraction = 0.2\n" in (old / "config.toml").read_text()
    assert weights(old) == weights(finished)
    reopen(old)
    assert here("train", toml, "--out", old, "--resume").returncode == 0
    assert summary_of(old)["test_loss"] == summary_of(project / "run")["test_loss"]
    refused(
        here("train", toml, *set_("data.test_fraction=0.3"), "--out", old, "--resume"),
        "0.2 there, 0.3 asked for",
    )
    refused(
        here("train", toml, *set_("data.test_fraction=0.2"), "--out", finished, "--resume"),
        "null there, 0.2 asked for",
    )


@pytest.mark.parametrize(
    ("stored", "given", "told"),
    [
        ("data.test_fraction=0.2", None, []),
        ("data.test_fraction=0.3", None, ["data.test_fraction: 0.3 there, null asked for"]),
        (None, "data.test_fraction=0.2", ["data.test_fraction: null there, 0.2 asked for"]),
        ("network.substeps=4", None, []),
        ("network.substeps=8", None, ["network.substeps: 8 there, null asked for"]),
        ("data.split_seed=0", None, []),
        ("data.source=a.npz", "data.source=b.npz", []),
        ("train.seed=1", "train.seed=2", ["train.seed: 1 there, 2 asked for"]),
        (None, "network.amplification=2", ["network.amplification: 1.0 there, 2.0 asked for"]),
        # a key that the stored one does not have
        (
            None,
            'neuron.train=["bias_ratio"]',
            [
                'neuron.train: null there, ["bias_ratio"] asked for',
                'neuron.train_per: null there, "layer" asked for',
            ],
        ),
    ],
)
def test_what_makes_another_run(stored, given, told):
    """The place of the data does not, nor a value that follows where none is given."""
    first, second = (spinrnn.load_config(None, [text] if text else []) for text in (stored, given))
    assert differences(first, second) == told


# ---- pictures ----


def break_pictures(monkeypatch):
    """What matplotlib says where LaTeX is asked for and not installed has several
    lines."""

    def broken(*_):
        raise RuntimeError("Failed to process string with tex\nbecause latex could not be found")

    monkeypatch.setattr("spinrnn.plotting.save", broken)


def test_a_picture_that_fails_costs_no_number(toml, tmp_path, monkeypatch, project, real_pictures):
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        break_pictures(patch)
        result = here("train", toml, "--out", out)
        assert result.returncode == 0, result.stderr
        line = f"{out}: cannot draw curves.png and confusion.png: Failed to process string with tex"
        assert result.stderr == (
            f"spinrnn: warning: {line}; the numbers are in summary.json and metrics.jsonl\n"
        )
        assert "test accuracy" in result.stdout
        assert summary_of(out)["test_loss"] == summary_of(project / "run")["test_loss"]
        assert not list(out.glob("*.png"))
        again = here("train", "--out", out, "--resume")
        assert again.returncode == 0
        assert again.stderr == result.stderr
    # once they can be drawn, they are
    assert here("train", "--out", out, "--resume").stderr == ""
    for name in ("curves.png", "confusion.png"):
        assert (out / name).read_bytes() == (project / "run" / name).read_bytes()


def test_one_picture_that_fails_takes_none_with_it(tiny_config, tiny_data, tmp_path, monkeypatch):
    def broken(history):
        raise KeyError("train_loss")

    monkeypatch.setattr("spinrnn.tasks.figures.training_curves", broken)
    with pytest.warns(UserWarning, match=r"cannot draw curves\.png: 'train_loss'; the numbers"):
        result = spinrnn.train(tiny_config, out=tmp_path / "run", data=tiny_data)
    assert result.summary == summary_of(tmp_path / "run")
    assert [path.name for path in result.folder.glob("*.png")] == ["confusion.png"]


def test_numbers_are_written_before_pictures(tiny_config, tiny_data, tmp_path, monkeypatch):
    """Even a process that ends while it draws has them."""
    there = []
    monkeypatch.setattr(
        "spinrnn.plotting.save",
        lambda ax, path: there.append((path.name, (path.parent / "summary.json").exists())),
    )
    spinrnn.train(tiny_config, out=tmp_path / "run", data=tiny_data)
    assert there == [("curves.png", True), ("confusion.png", True)]


def test_pictures_are_left_out_where_none_are_wanted(tiny_config, tiny_data, tmp_path):
    spinrnn.train(tiny_config, out=tmp_path / "run", data=tiny_data, pictures=False)
    spinrnn.train(out=tmp_path / "run", data=tiny_data, pictures=False, resume=True)
    assert not list((tmp_path / "run").glob("*.png"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MATPLOTLIBRC", "text.usetex: True\nfont.family: No Such Font\n"),
        ("MATPLOTLIBRC", "savefig.dpi: 1e9\nfigure.figsize: 1e6, 1e6\n"),
        ("MPLBACKEND", "no_such_backend"),
    ],
)
def test_no_setting_of_matplotlib_stops_a_training(toml, tmp_path, name, text):
    rc = tmp_path / "matplotlibrc"
    rc.write_text(text)
    environment = {**os.environ, name: str(rc) if name == "MATPLOTLIBRC" else text}
    command = ("train", toml, "--out", tmp_path / "run", *set_("train.epochs=1"))
    result = spinrnn_command(*command, env=environment)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("\n") <= 1
    assert summary_of(tmp_path / "run")["epochs"] == 1
    assert "test accuracy" in result.stdout
    again = spinrnn_command("train", "--out", tmp_path / "run", "--resume", env=environment)
    assert again.returncode == 0, again.stderr


# ---- damage ----


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b"\xff"])
def test_a_damaged_summary(finished, content):
    (finished / "summary.json").write_bytes(content)
    refused(here("evaluate", finished), "summary.json: damaged")
    refused(here("train", "--out", finished, "--resume"), "summary.json: damaged")


def test_damaged_records_are_written_anew(finished, project):
    reopen(finished)
    (finished / "metrics.jsonl").write_text("{")
    assert here("train", "--out", finished, "--resume").returncode == 0
    assert summary_of(finished)["test_accuracy"] == summary_of(project / "run")["test_accuracy"]
    assert (finished / "metrics.jsonl").read_text().count("\n") == 4


def test_a_configuration_that_was_edited_or_cut(finished):
    reopen(finished)
    config = finished / "config.toml"
    text = config.read_text()
    config.write_text(text.replace("learning_rate = ", "learning_rate = 1"))
    refused(
        here("train", "--out", finished, "--resume"),
        "the checkpoints are not of this config.toml",
        "train.learning_rate: 0.02 there, 10.02 asked for",
    )
    config.write_text(text[:40])
    refused(here("train", "--out", finished, "--resume"), "config.toml")
    refused(here("evaluate", finished), "config.toml")


def test_a_lock_that_cannot_be_had(finished):
    reopen(finished)
    (finished / ".lock").unlink()
    (finished / ".lock").mkdir()
    refused(here("train", "--out", finished, "--resume"), "cannot write", ".lock")


def test_a_damaged_checkpoint_is_named_and_the_previous_one_used(finished, project):
    expected = weights(project / "run")
    reopen(finished)
    newest = checkpoints.checkpoint_paths(finished)[0]
    newest.write_bytes(newest.read_bytes()[:3000])
    resumed = here("train", "--out", finished, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert newest.name in resumed.stderr
    assert weights(finished) == expected
    for path in checkpoints.checkpoint_paths(finished):
        path.write_bytes(b"")
    reopen(finished)
    last = here("train", "--out", finished, "--resume")
    assert last.returncode == 2
    assert "no checkpoint can be used" in last.stderr.splitlines()[-1]


def test_a_checkpoint_of_something_else(finished):
    """Whole, and of this configuration, but without what a run needs."""
    reopen(finished)
    path = checkpoints.checkpoint_paths(finished)[0]
    config, arrays, state = checkpoints.load_checkpoint(path)
    for wrong, words in (
        ({**state, "steps": -1}, "not one of a run (ValueError: steps)"),
        ({k: v for k, v in state.items() if k != "data_sha256"}, "not one of a run (KeyError:"),
    ):
        checkpoints.save_checkpoint(path, config, arrays, wrong)
        refused(here("train", "--out", finished, "--resume"), words)
    checkpoints.save_checkpoint(path, config, {**arrays, "adam_second": np.ones(3)}, state)
    refused(here("train", "--out", finished, "--resume"), "ValueError: adam_second")


def test_a_diverged_run_keeps_its_last_checkpoint(toml, tmp_path):
    out = tmp_path / "run"
    bad = [
        "network.scheme=euler",
        "neuron.power_floor=0",
        "train.learning_rate=300",
        "train.clip=0",
    ]
    result = here("train", toml, "--out", out, *set_(*bad))
    newest = checkpoints.checkpoint_paths(out)[0]
    words = f"the last good checkpoint is {newest}"
    refused(result, "diverged in epoch", "layer", "step", "try", words)
    spinrnn.load(out)
    assert not (out / "summary.json").exists()


# ---- stopping ----


def test_a_stop_writes_a_checkpoint_and_the_run_goes_on_to_the_same_bits(
    tiny_config, tiny_data, tmp_path
):
    config = dataclasses.replace(
        tiny_config, train=dataclasses.replace(tiny_config.train, checkpoint_seconds=1000)
    )
    seen = []
    with pytest.raises(spinrnn.Interrupted, match="stopped after 9 training steps"):
        spinrnn.train(
            config,
            out=tmp_path / "run",
            data=tiny_data,
            stop=lambda: seen.append(0) or len(seen) == 9,
        )
    assert checkpoints.load_newest_checkpoint(tmp_path / "run")[2]["steps"] == 9
    assert not (tmp_path / "run" / "summary.json").exists()
    steps = []
    spinrnn.train(
        config,
        out=tmp_path / "run",
        data=tiny_data,
        resume=True,
        pictures=False,
        on_start=lambda trainer: steps.append(trainer.learner.steps),
    )
    whole = spinrnn.train(config, out=tmp_path / "whole", data=tiny_data, pictures=False)
    assert steps == [9]
    assert weights(tmp_path / "run") == weights(whole.folder)


def test_what_is_added_to_a_record_stays_with_the_run(tiny_config, tiny_data, tmp_path):
    def on_epoch(trainer):
        trainer.history[-1]["mine"] = np.float32(trainer.epoch)

    result = spinrnn.train(
        tiny_config, out=tmp_path / "run", data=tiny_data, on_epoch=on_epoch, pictures=False
    )
    assert [record["mine"] for record in result.history] == [1, 2, 3, 4]
    found = spinrnn.train(out=tmp_path / "run", data=tiny_data, resume=True, pictures=False)
    assert found.history == result.history
    assert found.folder == tmp_path / "run"


def test_sigterm_writes_a_checkpoint_and_says_how_to_go_on(toml, tmp_path):
    out = tmp_path / "run"
    settings = set_("train.epochs=4000", "train.checkpoint_seconds=1000")
    process = subprocess.Popen(
        [sys.executable, "-m", "spinrnn", "train", str(toml), *settings, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (out / "metrics.jsonl").exists() or not (out / "metrics.jsonl").stat().st_size:
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    _, complaint = process.communicate(timeout=30)
    assert process.returncode == 143
    assert f"to go on: spinrnn train --out {out} --resume" in complaint
    assert checkpoints.load_newest_checkpoint(out)[2]["steps"] > 0


# ---- bad input ----


def test_bad_configurations(tmp_path):
    (tmp_path / "bad.toml").write_text(
        '[network]\nlayres = [3]\nneuron = "oscilator"\n[train]\nepochs = "many"\n'
    )
    out = tmp_path / "run"
    refused(
        here("train", tmp_path / "bad.toml", "--out", out),
        "bad.toml",
        "did you mean layers?",
        'did you mean "oscillator"?',
        'train.epochs: must be a whole number, got "many"',
    )
    refused(here("train", tmp_path / "none.toml"), "none.toml: No such file")
    refused(here("train", "--out", out, *set_("network.readout_window=65")), "readout_window: 65")
    refused(here("train", "--out", out, *set_("data.source=none.npz")), "none.npz: No such file")
    assert not out.exists()


def test_inputs_with_nan_are_refused_before_anything_is_written(toml, tmp_path):
    data = dataset()
    data.inputs[7, 1, 2] = np.nan
    save(tmp_path / "tiny.npz", data)
    refused(here("train", toml, "--out", tmp_path / "run"), "case 7, channel 1, time 2")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written(toml, tmp_path):
    (tmp_path / "file").write_text("")
    refused(here("train", toml, "--out", tmp_path / "file" / "run"), "cannot create the folder")


def test_a_full_disk(toml, tmp_path):
    """A limit on the size of files makes every write of more than 4 KiB fail, as a full
    disk does.
    """
    out = tmp_path / "run"
    limited = ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", sys.executable, "-m", "spinrnn"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        [*limited, "train", str(toml), "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )
    refused(result, "cannot write", "checkpoints", "File too large")
    assert not [path for path in out.rglob("*") if path.name.endswith(".tmp")]


def test_a_record_that_does_not_fit_onto_the_disk_leaves_no_half_of_it(tmp_path, monkeypatch):
    """A write that takes a part only, as at the end of a disk, is taken back."""
    folder = Folder(tmp_path)
    folder.append({"epoch": 1})
    right = open

    def small(*arguments, **options):
        file = right(*arguments, **options)
        return Small(file) if arguments[0] == tmp_path / "metrics.jsonl" else file

    class Small:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            return self.file.write(data[:5])

    monkeypatch.setattr("builtins.open", small)
    with pytest.raises(spinrnn.StoreError, match=r"cannot write .*metrics\.jsonl: No space left"):
        folder.append({"epoch": 2})
    monkeypatch.undo()
    assert (tmp_path / "metrics.jsonl").read_text() == '{"epoch": 1}\n'


# ---- other commands ----


@pytest.mark.slow
def test_gradcheck_command(monkeypatch):
    fewer = dataclasses.replace(gradient.AWKWARD, layers=(2, 1), amplification=(1.0, 1.5))
    small = dataclasses.replace(feedforward.AWKWARD, layers=(2, 2), inputs=2, outputs=2)
    monkeypatch.setattr(feedforward, "AWKWARD", small)
    monkeypatch.setattr(gradient, "AWKWARD", fewer)
    # the others take long to compile
    usual = {name: kinds.BUILT_IN["neuron"][name] for name in ("oscillator", "ctrnn")}
    monkeypatch.setitem(kinds.BUILT_IN, "neuron", usual)
    rows = [json.loads(line) for line in here("gradcheck", "--json").stdout.splitlines()]
    timed = {(n, s) for n in ("oscillator", "ctrnn") for s in ("exponential", "euler")}
    static = {(kind, n) for kind in kinds.names_of("activation") for n in ("none", "batch")}
    assert {(row["neuron"], row["scheme"]) for row in rows} == timed | static
    assert all(row["error"] < 1e-8 and row["ok"] for row in rows)
    sized = here("gradcheck", *set_("network.layers=[2, 1]", "network.nonlinear_damping=0.5"))
    assert sized.returncode == 0, sized.stdout
    assert "all blocks ok" in sized.stdout
    assert "w_ext_1" in sized.stdout
    refused(here("gradcheck", *set_("network.layers=[0]")), "at least 1 neuron")


def test_help_is_quick_and_complete():
    start = time.perf_counter()
    result = spinrnn_command("--help")
    seconds = time.perf_counter() - start
    assert result.returncode == 0
    assert all(command in result.stdout for command in ("train", "evaluate", "gradcheck"))
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, spinrnn.cli.main; print(sorted({m.split('.')[0] for m in sys.modules}))",
        ],
        capture_output=True,
        text=True,
    ).stdout
    assert "numba" not in loaded
    assert "numpy" not in loaded
    assert seconds < 3  # a generous bound for a busy machine; an idle one needs 0.05 s


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["train", "--threads", "0"], ["train", "--seed", "x"], ["evaluate"]],
)
def test_bad_command_lines(arguments):
    refused(here(*arguments), "--help says what there is")
