"""The example of a search with Optuna: it goes on where a kill has stopped it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import spinrnn

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "search.py"
SMALLER = {
    "TRIALS = 40": "TRIALS = 4",
    "spinrnn.load_config()": 'spinrnn.load_config("mine.toml")',
    "epochs=30": "epochs=60",
    "[16, 32]": "[3]",
}


@pytest.fixture
def script(tmp_path, tiny_data):
    """The example with a small data set; the folder is made to be the working one."""
    data = {name: getattr(tiny_data, name) for name in ("inputs", "labels", "lengths")}
    np.savez(tmp_path / "mine.npz", **data)
    text = '[data]\nsource = "mine.npz"\n[train]\nbatch = 8\ncheckpoint_seconds = 0\n'
    (tmp_path / "mine.toml").write_text(text)
    example = EXAMPLE.read_text()
    for old, new in SMALLER.items():
        assert old in example
        example = example.replace(old, new)
    path = tmp_path / "search.py"
    path.write_text(example)
    return path


def lines(folder):
    """Numbers of the epochs in the records of a run."""
    try:
        text = (folder / "metrics.jsonl").read_text()
    except OSError:
        return []
    return [json.loads(line)["epoch"] for line in text.splitlines()]


def test_the_page_shows_the_example():
    page = (ROOT / "docs" / "sklearn.md").read_text()
    assert f"# search.py\n{EXAMPLE.read_text()}" in page


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_results(script):
    optuna = pytest.importorskip("optuna", reason="optuna is not installed (the extra optuna)")
    folder = script.parent
    options = {"cwd": folder, "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    first = subprocess.Popen([sys.executable, script], stderr=subprocess.DEVNULL, **options)
    killed, deadline = folder / "search" / "1", time.monotonic() + 120
    while len(lines(killed)) < 5:
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = len(lines(killed))
    assert before < 60
    second = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=200, **options
    )
    assert second.returncode == 0, second.stderr
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "search.log"))
    storage = optuna.storages.JournalStorage(backend)
    found = optuna.load_study(study_name="search", storage=storage)
    states = [trial.state.name for trial in found.trials]
    assert states.count("FAIL") == 1
    assert states[1] == "FAIL"
    assert len(states) == 5
    assert states.count("COMPLETE") + states.count("PRUNED") == 4
    # the third stands for the killed one, in its folder and with its parameters
    dead, again = found.trials[1], found.trials[2]
    assert again.params == dead.params
    assert again.user_attrs["folder"] == dead.user_attrs["folder"] == "search/1"
    if again.state.name == "COMPLETE":
        assert lines(killed) == list(range(1, 61))
        assert not (folder / "search" / "2").exists()
        config = spinrnn.load_config(killed / "config.toml")
        whole = spinrnn.train(config)
        assert again.value == whole.summary["validation_accuracy"]
        assert (whole.network.parameters == spinrnn.load(killed).parameters).all()


def test_a_trial_that_runs_at_the_start_is_retried(script, monkeypatch):
    """Without training: what the example does with the study."""
    optuna = pytest.importorskip("optuna", reason="optuna is not installed (the extra optuna)")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    monkeypatch.chdir(script.parent)
    names = {"__name__": "search"}
    exec(compile(script.read_text(), str(script), "exec"), names)
    first = names["study"]()
    trial = first.ask()
    trial.suggest_float("noise", 0.0, 0.3)
    trial.set_user_attr("folder", "search/0")
    second = names["study"]()
    assert [trial.state.name for trial in second.trials] == ["FAIL", "WAITING"]
    again = second.ask()
    assert again.suggest_float("noise", 0.0, 0.3) == trial.params["noise"]
    assert again.user_attrs["folder"] == "search/0"
