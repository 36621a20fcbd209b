"""Run folders through the real command: what they hold, kills and resumption, and every kind of bad input."""

import dataclasses
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import refused, spinrnn_command
from kills import weights

import spinrnn
from spinrnn.runs import checkpoints


@pytest.fixture
def finished(tiny_file, tmp_path):
    out = tmp_path / "run"
    result = spinrnn_command("train", tiny_file, "--out", out)
    assert result.returncode == 0, result.stderr
    return out, result


def test_a_run_folder_holds_what_its_readme_says(finished, tiny_file):
    out, result = finished
    assert sorted(p.name for p in out.iterdir()) == [
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
    summary = json.loads((out / "summary.json").read_text())
    for key in (
        "test_accuracy",
        "test_loss",
        "test_accuracy_fine",
        "validation_accuracy",
        "epochs",
        "seconds_training",
        "seconds_compiling",
    ):
        assert key in summary
    assert summary["epochs"] == 4
    assert summary["substeps_fine"] == 8 * summary["substeps"] == 16
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in records] == [1, 2, 3, 4]
    for key in (
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "gradient_norm",
        "learning_rate",
        "seconds",
    ):
        assert all(key in r for r in records)
    for picture in ("curves.png", "confusion.png"):
        assert (out / picture).read_bytes().startswith(b"\x89PNG")
    environment = json.loads((out / "environment.json").read_text())
    assert environment["packages"]["numpy"]
    assert environment["threads"] >= 1
    assert 1 <= len(list((out / "checkpoints").iterdir())) <= 2
    assert f"{100 * summary['test_accuracy']:.2f} %" in result.stdout
    assert f"{100 * summary['test_accuracy_fine']:.2f} %" in result.stdout
    config = spinrnn.load_config(out / "config.toml")
    assert (config.network.resolved_substeps, config.train.epochs) == (2, 4)
    assert config.data.source == str(tiny_file.parent / "tiny.npz")


def test_the_number_of_checkpoints_is_chosen(tiny_config, tiny_data, tmp_path):
    config = dataclasses.replace(
        tiny_config, train=dataclasses.replace(tiny_config.train, checkpoints=5)
    )
    result = spinrnn.train(config, out=tmp_path / "run", data=tiny_data)
    paths = checkpoints.checkpoint_paths(result.folder)
    assert len(paths) == 5
    for path in paths[:4]:
        path.write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="skipped a checkpoint"):
        assert checkpoints.load_newest_checkpoint(result.folder)[2]["steps"] == int(paths[4].stem)


def test_evaluate_repeats_the_summary_and_takes_finer_steps(finished):
    out, _ = finished
    summary = json.loads((out / "summary.json").read_text())
    plain = json.loads(spinrnn_command("evaluate", out, "--json").stdout)
    fine = json.loads(
        spinrnn_command("evaluate", out, "--set", "network.substeps=16", "--json").stdout
    )
    assert (plain["test_accuracy"], plain["test_loss"]) == (
        summary["test_accuracy"],
        summary["test_loss"],
    )
    assert (fine["test_accuracy"], fine["test_loss"]) == (
        summary["test_accuracy_fine"],
        summary["test_loss_fine"],
    )
    assert plain["confusion"] == summary["confusion"]
    assert "test accuracy" in spinrnn_command("evaluate", out).stdout
    moved = ("network.spread_gamma=0.1", "network.device_seed=4", "network.thermal_power=1e-3")
    real = spinrnn_command(
        "evaluate", out, *(word for key in moved for word in ("--set", key))
    ).stdout
    assert "devices that differ (device_seed 4), thermal noise of 0.001" in real
    twin = spinrnn_command(
        "evaluate", out, "--set", "network.neuron=ctrnn", "--set", "network.thermal_power=1e-3"
    )
    assert "noise" not in twin.stdout
    refused(
        spinrnn_command("evaluate", out, "--set", "network.layers=[3]"),
        "layers: fixed by the trained parameters",
    )
    refused(
        spinrnn_command("evaluate", out, "--set", "network.substep=3"), "did you mean substeps?"
    )
    refused(spinrnn_command("evaluate", out, "--set", "train.epochs=3"), "keys of [network]")
    refused(spinrnn_command("evaluate", out.parent), "no config.toml")


def test_another_run_is_not_overwritten(finished, tiny_file, tmp_path):
    out, _ = finished
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    refused(
        spinrnn_command("train", tiny_file, "--out", out), "holds another run", "--resume", "--out"
    )
    refused(
        spinrnn_command("train", tiny_file, "--out", out, "--resume", "--set", "train.epochs=9"),
        "train.epochs: 4 there, 9 asked for",
    )
    again = spinrnn_command("train", "--out", out, "--resume")
    assert again.returncode == 0
    assert "test accuracy" in again.stdout
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("precious")
    refused(
        spinrnn_command("train", tiny_file, "--out", tmp_path / "other"),
        "is not empty and not a run",
    )
    refused(
        spinrnn_command("train", tiny_file, "--out", tmp_path / "other" / "thesis.tex"), "is a file"
    )
    assert [p.name for p in (tmp_path / "other").iterdir()] == ["thesis.tex"]


def test_default_folders_and_resuming_the_newest(tiny_file, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    for _ in range(2):
        assert (
            spinrnn_command(
                "train", tiny_file, "--seed", 3, "--set", "train.epochs=1", cwd=work
            ).returncode
            == 0
        )
    assert sorted(p.name for p in (work / "runs").iterdir()) == ["tiny-seed3", "tiny-seed3-2"]
    (work / "runs" / "tiny-seed3" / "summary.json").unlink()
    time.sleep(0.02)
    os.utime(work / "runs" / "tiny-seed3" / "metrics.jsonl")
    resumed = spinrnn_command("train", "--resume", cwd=work)
    assert "continuing in runs/tiny-seed3;" in resumed.stdout
    settings = [tiny_file, "--set", "train.epochs=1", "--resume", "--seed"]
    for seed in (3, 4):  # as the tasks of an array job would
        assert spinrnn_command("train", *settings, seed, cwd=work).returncode == 0
    assert sorted(p.name for p in (work / "runs").iterdir()) == [
        "tiny-seed3",
        "tiny-seed3-2",
        "tiny-seed4",
    ]
    refused(
        spinrnn_command("train", "--seed", 1, "--set", "train.seed=2", cwd=work), "give one of them"
    )


def test_two_processes_do_not_share_a_folder(tiny_file, tmp_path):
    out = tmp_path / "run"
    command = [
        sys.executable,
        "-m",
        "spinrnn",
        "train",
        str(tiny_file),
        "--set",
        "train.epochs=100000",
        "--out",
        str(out),
    ]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert "training in" in first.stdout.readline()
        refused(spinrnn_command(*command[3:], "--resume"), "another process is training in")
    finally:
        first.kill()
        first.wait()


def test_a_failure_that_is_kept_does_not_keep_the_folder(tiny_config, tiny_data, tmp_path):
    """As an interactive Python keeps the last error, and with it all variables of the call."""

    def broken(_):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError) as kept:
        spinrnn.train(tiny_config, out=tmp_path / "run", data=tiny_data, on_epoch=broken)
    assert (
        spinrnn.train(out=tmp_path / "run", data=tiny_data, resume=True, pictures=False).summary[
            "epochs"
        ]
        == 4
    )
    assert kept.type is RuntimeError


def test_other_data_are_noticed(tiny_file, tmp_path, tiny_data):
    out = tmp_path / "run"
    assert spinrnn_command("train", tiny_file, "--out", out).returncode == 0
    original = (tmp_path / "tiny.npz").read_bytes()
    np.savez(
        tmp_path / "tiny.npz",
        inputs=tiny_data.inputs[::-1],
        labels=tiny_data.labels[::-1],
        lengths=tiny_data.lengths[::-1],
    )
    refused(spinrnn_command("evaluate", out), "was trained on other data")
    (out / "summary.json").unlink()
    refused(spinrnn_command("train", "--out", out, "--resume"), "was trained on other data")
    refused(spinrnn_command("evaluate", out), "was trained on other data")
    (tmp_path / "tiny.npz").unlink()
    (tmp_path / "moved.npz").write_bytes(original)
    refused(spinrnn_command("evaluate", out), "tiny.npz: No such file")
    moved = spinrnn_command(
        "evaluate", out, "--set", "data.source=moved.npz", "--json", cwd=tmp_path
    )
    assert json.loads(moved.stdout)["finished"] is False
    assert "not finished" in moved.stderr


def test_folders_of_before_the_automatic_test_part(tiny_file, tmp_path):
    """Their config.toml and checkpoints say test_fraction = 0.2; the same file that started them still goes on with them."""
    old, new = tmp_path / "old", tmp_path / "new"
    assert (
        spinrnn_command(
            "train", tiny_file, "--set", "data.test_fraction=0.2", "--out", old
        ).returncode
        == 0
    )
    assert "\ntest_fraction = 0.2\n" in (old / "config.toml").read_text()
    assert spinrnn_command("train", tiny_file, "--out", new).returncode == 0
    assert weights(old) == weights(new)
    (old / "summary.json").unlink()
    assert spinrnn_command("train", tiny_file, "--out", old, "--resume").returncode == 0
    accuracies = [
        json.loads(spinrnn_command("evaluate", folder, "--json").stdout) for folder in (old, new)
    ]
    assert accuracies[0] == accuracies[1]
    refused(
        spinrnn_command(
            "train", tiny_file, "--set", "data.test_fraction=0.3", "--out", old, "--resume"
        ),
        "0.2 there, 0.3 asked for",
    )
    refused(
        spinrnn_command(
            "train", tiny_file, "--set", "data.test_fraction=0.2", "--out", new, "--resume"
        ),
        "null there, 0.2 asked for",
    )


def test_a_kill_before_the_first_file_is_no_obstacle(tiny_file, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").write_text("")
    assert (
        spinrnn_command("train", tiny_file, "--out", tmp_path / "run", "--resume").returncode == 0
    )


def test_damaged_files_of_a_finished_run(finished):
    out, _ = finished
    summary = out / "summary.json"
    good = summary.read_bytes()
    for content in (b"", b"{", b"{}", b"[]", b"\xff"):
        summary.write_bytes(content)
        refused(spinrnn_command("evaluate", out), "summary.json: damaged")
        refused(spinrnn_command("train", "--out", out, "--resume"), "summary.json: damaged")
    summary.unlink()
    (out / "metrics.jsonl").write_text("{")
    assert spinrnn_command("train", "--out", out, "--resume").returncode == 0
    assert json.loads(summary.read_text())["test_accuracy"] == json.loads(good)["test_accuracy"]
    assert (out / "metrics.jsonl").read_text().count("\n") == 4
    summary.unlink()
    config = out / "config.toml"
    text = config.read_text()
    config.write_text(text.replace("learning_rate = ", "learning_rate = 1"))
    refused(
        spinrnn_command("train", "--out", out, "--resume"),
        "the checkpoints are not of this config.toml",
        "train.learning_rate",
    )
    config.write_text(text[:40])
    refused(spinrnn_command("train", "--out", out, "--resume"), "config.toml")
    refused(spinrnn_command("evaluate", out), "config.toml")
    (out / ".lock").unlink()
    (out / ".lock").mkdir()
    config.write_text(text)
    refused(spinrnn_command("train", "--out", out, "--resume"), "cannot write")


def test_sigterm_writes_a_checkpoint_and_says_how_to_go_on(tiny_file, tmp_path):
    out = tmp_path / "run"
    settings = ["--set", "train.epochs=4000", "--set", "train.checkpoint_seconds=1000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "spinrnn", "train", str(tiny_file), *settings, "--out", str(out)],
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
    assert "--resume" in complaint
    assert checkpoints.load_newest_checkpoint(out)[2]["steps"] > 0


def test_a_damaged_checkpoint_is_named_and_the_previous_one_used(tiny_file, tmp_path):
    out, reference = tmp_path / "run", tmp_path / "reference"
    for folder in (out, reference):
        assert spinrnn_command("train", tiny_file, "--out", folder).returncode == 0
    (out / "summary.json").unlink()
    newest = checkpoints.checkpoint_paths(out)[0]
    newest.write_bytes(newest.read_bytes()[:3000])
    resumed = spinrnn_command("train", "--out", out, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert newest.name in resumed.stderr
    assert weights(out) == weights(reference)
    for path in checkpoints.checkpoint_paths(out):
        path.write_bytes(b"")
    (out / "summary.json").unlink()
    last = spinrnn_command("train", "--out", out, "--resume")
    assert last.returncode == 2
    assert "no checkpoint can be used" in last.stderr.splitlines()[-1]


def test_a_diverged_run_keeps_its_last_checkpoint(tiny_file, tmp_path):
    out = tmp_path / "run"
    bad = [
        "network.scheme=euler",
        "network.power_floor=0",
        "train.learning_rate=300",
        "train.clip=0",
    ]
    result = spinrnn_command(
        "train", tiny_file, "--out", out, *(word for b in bad for word in ("--set", b))
    )
    refused(result, "diverged in epoch", "layer", "step", "try", "last good checkpoint")
    spinrnn.load(out)
    assert not (out / "summary.json").exists()


def test_bad_configurations(tmp_path):
    (tmp_path / "bad.toml").write_text(
        '[network]\nlayres = [3]\nneuron = "oscilator"\n[train]\nepochs = "many"\n'
    )
    result = spinrnn_command("train", tmp_path / "bad.toml", "--out", tmp_path / "run")
    refused(
        result,
        "bad.toml",
        "did you mean layers?",
        'did you mean "oscillator"?',
        'train.epochs: must be a whole number, got "many"',
    )
    assert not (tmp_path / "run").exists()
    refused(spinrnn_command("train", tmp_path / "none.toml"), "none.toml: No such file")
    refused(
        spinrnn_command("train", "--set", "network.readout_window=65", "--out", tmp_path / "run"),
        "readout_window: 65",
    )
    refused(
        spinrnn_command("train", "--set", "data.source=none.npz", "--out", tmp_path / "run"),
        "none.npz: No such file",
    )
    assert not (tmp_path / "run").exists()


def test_inputs_with_nan_are_refused_before_anything_is_written(tiny_file, tmp_path, tiny_data):
    inputs = tiny_data.inputs.copy()
    inputs[7, 1, 2] = np.nan
    np.savez(tmp_path / "tiny.npz", inputs=inputs, labels=tiny_data.labels)
    refused(
        spinrnn_command("train", tiny_file, "--out", tmp_path / "run"), "case 7, channel 1, time 2"
    )
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written(tiny_file, tmp_path):
    (tmp_path / "file").write_text("")
    refused(
        spinrnn_command("train", tiny_file, "--out", tmp_path / "file" / "run"),
        "cannot create the folder",
    )


def test_a_full_disk(tiny_file, tmp_path):
    """A file size limit makes every write of more than 4 KiB fail, as a full disk does."""
    out = tmp_path / "run"
    limited = [
        "sh",
        "-c",
        'ulimit -f 8; exec "$@"',
        "sh",
        sys.executable,
        "-m",
        "spinrnn",
        "train",
        str(tiny_file),
        "--out",
        str(out),
    ]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(limited, capture_output=True, text=True, timeout=120, env=environment)
    refused(result, "cannot write", "checkpoints", "File too large")
    assert not [p for p in out.rglob("*") if p.name.endswith(".tmp")]


def test_gradcheck_command():
    result = spinrnn_command("gradcheck")
    assert result.returncode == 0
    assert "all blocks ok" in result.stdout
    rows = [json.loads(line) for line in spinrnn_command("gradcheck", "--json").stdout.splitlines()]
    assert {(r["neuron"], r["scheme"]) for r in rows} == {
        (n, s) for n in ("oscillator", "ctrnn") for s in ("exponential", "euler")
    }
    assert all(r["error"] < 1e-8 and r["ok"] for r in rows)
    sized = spinrnn_command(
        "gradcheck", "--set", "network.layers=[5, 6]", "--set", "network.nonlinear_damping=0.5"
    )
    assert sized.returncode == 0, sized.stdout
    assert "w_ext_1" in sized.stdout
    refused(spinrnn_command("gradcheck", "--set", "network.layers=[0]"), "at least 1 neuron")


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


def test_standard_output_that_cannot_be_written(finished):
    out, _ = finished
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "spinrnn", "evaluate", str(out)]
        result = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120
        )
    refused(result, "cannot write to standard output: No space left")


def test_bad_command_lines():
    for arguments in (
        [],
        ["fly"],
        ["train", "--threads", "0"],
        ["train", "--seed", "x"],
        ["evaluate"],
    ):
        refused(spinrnn_command(*arguments), "--help says what there is")
