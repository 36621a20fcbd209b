"""Signals that ask a run to stop, and what is said of the machine in results."""

import datetime
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from spinrnn.machine import environment, signals, threads
from spinrnn.machine.signals import StopSignals


@pytest.fixture
def stop():
    """`StopSignals` of this process; the handlers of before come back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in numbers}
    yield StopSignals()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 75)]
)
def test_the_first_signal_says_the_exit_status(stop, number, status):
    assert not stop()
    assert stop.status == 143
    os.kill(os.getpid(), number)
    assert stop()
    assert (stop.number, stop.status) == (number, status)
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert (stop.number, stop.status) == (number, status)


def test_a_second_interrupt_stops_at_once(stop):
    os.kill(os.getpid(), signal.SIGUSR1)
    assert signal.getsignal(signal.SIGUSR1) == stop._note
    os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) == stop._note


def test_the_environment_is_that_of_this_process(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    with threads.using(3):
        found = environment.describe()
    assert (found["threads"], found["slurm_job"]) == (3, "4711")
    assert found["packages"]["numpy"] == np.__version__
    assert found["python"] == os.sys.version.split()[0]
    assert found["processors"] == os.cpu_count()
    now = datetime.datetime.now(datetime.UTC)
    assert abs(now - datetime.datetime.fromisoformat(found["date"])).total_seconds() < 60
    monkeypatch.delenv("SLURM_JOB_ID")
    assert environment.describe()["slurm_job"] is None


COMPUTES = """
import hashlib
from spinrnn.machine import signals
signals.GRACE = 0.3
stop = signals.StopSignals(watched={watched})
print("ready", flush=True)
# no signal is heard by Python in it
hashlib.pbkdf2_hmac("sha256", b"a", b"b", 2**31 - 1)
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_what_python_does_not_interrupt(number, status):
    code = COMPUTES.format(watched=True)
    with subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            # until it is in the computation
            time.sleep(0.3)
            for other in (signal.SIGUSR1, number):
                process.send_signal(other)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            process.send_signal(number)
            assert process.wait(20) == status
            assert process.stderr.read().startswith("spinrnn: ended at once by a second signal")
        finally:
            process.kill()


@pytest.mark.parametrize("first", [signal.SIGUSR1, signal.SIGINT])
def test_a_sigterm_after_another_signal_ends_it(first, monkeypatch):
    """A queue's SIGUSR1 before the time limit, and its SIGTERM at the limit."""
    read, write = os.pipe()
    ended, told, times = [], [], iter([10.0, 10.0 + signals.GRACE / 2, 10.0 + signals.GRACE])
    monkeypatch.setattr(signals.os, "_exit", ended.append)
    monkeypatch.setattr(signals.os, "write", lambda _, text: told.append(text))
    monkeypatch.setattr(signals.time, "monotonic", lambda: next(times))
    with open(write, "wb") as pipe:
        pipe.write(bytes([first, signal.SIGTERM, signal.SIGTERM]))
    signals._end(read)
    assert ended == [143]
    assert told == [signals._ENDED]


def test_two_sigterms_of_one_request_let_the_batch_end(monkeypatch):
    read, write = os.pipe()
    ended = []
    monkeypatch.setattr(signals.os, "_exit", ended.append)
    os.write(write, bytes([signal.SIGTERM, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR1]))
    os.close(write)
    signals._end(read)
    assert ended == []


def test_a_watch_ends(stop):
    own = StopSignals(watched=True)
    own.close()
    own.close()
    assert signal.set_wakeup_fd(-1) == -1
    assert not stop()
