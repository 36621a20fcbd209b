"""How far a computation is: lines in a log, a bar on a terminal, nothing that can fail."""

import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import types

import numpy as np
import pytest

import spinrnn
from spinrnn import progress


class Clock:
    """A time that a test sets."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)


class Full:
    """A stream to a full disk."""

    def isatty(self):
        return False

    def write(self, text):
        raise OSError(28, "No space left on device")

    flush = write


@pytest.fixture
def clock(monkeypatch):
    made = Clock(monkeypatch)
    yield made
    monkeypatch.undo()


def test_a_log_has_a_line_for_each_tenth_and_after_some_seconds(capsys, clock):
    with progress.Bar(1000, "case") as bar:
        for done in range(1, 1001):
            clock.now += 1.0
            bar(done, "well")
    lines = capsys.readouterr().out.splitlines()
    shown = [int(line.split()[0]) for line in lines]
    assert shown[0] == 1
    assert {*range(100, 1001, 100)} <= set(shown)
    assert max(np.diff(shown)) <= progress.SECONDS
    assert len(shown) < 50
    assert lines[-1] == "1000 of 1000 cases, well"


def test_a_quick_computation_has_few_lines(capsys, clock):
    with progress.Bar(10000, "case") as bar:
        for done in range(1, 10001):
            bar(done)
    assert len(capsys.readouterr().out.splitlines()) == 11


def test_nothing_is_shown_unless_it_is_asked_for(capsys, tmp_path):
    assert progress.is_shown(True)
    assert not progress.is_shown(False)
    assert not progress.is_shown(None)
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(2,), outputs=2))
    net.simulate_to(tmp_path / "a.h5", np.zeros((3, 1, 2)))
    assert capsys.readouterr() == ("", "")
    net.simulate_to(tmp_path / "a.h5", np.zeros((3, 1, 2)), progress=True)
    assert capsys.readouterr().out.splitlines()[-1] == "3 of 3 cases"


def test_a_notebook_is_known(monkeypatch):
    shell = types.SimpleNamespace(config={"IPKernelApp": {}})
    fake = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", fake)
    assert progress.is_shown(None)
    shell.config = {}
    assert not progress.is_shown(None)


def test_an_epoch_that_takes_long_has_lines(capsys, clock):
    trainer = types.SimpleNamespace(
        epoch=2, epochs=9, batch=4, batches=60, seconds=lambda: 61.0, history=[{"epoch": 3}]
    )
    with progress.TrainingBar(lambda trainer: "fine") as bar:
        bar.start(trainer)
        for second in range(100):
            clock.now = float(second)
            bar.tick()
        bar(trainer)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["epoch    3 of 9, batch 4 of 60, 61.0 s"] * 3
    assert lines[3:] == ["epoch    3 of 9: fine, 61.0 s"]


def test_training_and_sweep_show_themselves(capsys, tiny_config, tiny_data, sweep_file):
    seen = []
    spinrnn.train(tiny_config, data=tiny_data, progress=True,
                  on_epoch=lambda trainer: seen.append(trainer.epoch))  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    epochs = tiny_config.train.epochs
    assert len(seen) == epochs
    assert lines[-1].startswith(f"epoch {epochs:>4} of {epochs}: loss ")
    assert "validation accuracy" in lines[-1]
    sweep = spinrnn.load_sweep(sweep_file(epochs=1))
    spinrnn.run_sweep(sweep, sweep_file().parent / "out", executor="serial", progress=True)
    count = len(sweep)
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{count} of {count} points")


@pytest.mark.parametrize("broken", [None, "closed", "full"])
def test_no_stream_is_needed(monkeypatch, broken):
    stream = None
    if broken == "closed":
        stream = io.StringIO()
        stream.close()
    elif broken == "full":
        stream = Full()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, stream)
    assert not progress.on_terminal()
    with progress.Bar(3, "case") as bar, progress.TrainingBar() as other:
        for done in range(1, 4):
            bar(done)
        other.start(types.SimpleNamespace())
        other.tick()


def test_a_terminal_has_a_bar_and_outlives_it():
    """A bar goes on silently where its terminal is gone."""
    code = """
import os, sys
from spinrnn.progress import Bar
with Bar(4, "case") as bar:
    bar(1, "well")
    bar._bar.refresh()
    bar(3)
    sys.stderr.close()
    bar(4)
print("done")
"""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=follower, text=True, timeout=60
    )
    # while this end is open nothing of it is lost
    assert select.select([leader], [], [], 10)[0]
    shown = os.read(leader, 100000).decode()
    os.close(follower)
    os.close(leader)
    assert "1/4" in shown
    assert "well" in shown
    assert done.stdout == "done\n"
    assert done.returncode == 0
