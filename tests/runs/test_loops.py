"""A device in the loop of a run in a folder: the log of its calls, failures, kills,
resumption, and the command line.
"""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from conftest import here, refused

import spinrnn
from spinrnn.files.calls import CallLog, Planned
from spinrnn.runs import checkpoints, loops


class Noisy:
    """An instrument whose numbers never come again: noise without a seed.

    Attributes:
        failing: {number of a call: error, each raised once}; asked: numbers of calls.
    """

    def __init__(self, failing=()):
        self.rng, self.failing, self.asked = np.random.default_rng(), dict(failing), []

    def __call__(self, call):
        self.asked.append(call.number)
        if call.number in self.failing:
            raise self.failing.pop(call.number)
        return call.twin() + 0.05 * self.rng.normal(size=(len(call.inputs), 3))


def arrays(path):
    """{name: array} of an HDF5 file."""
    with h5py.File(path) as file:
        return {name: dataset[()] for name, dataset in file.items()}


def change(path, name, place, value):
    """Writes another value into a log."""
    with h5py.File(path, "r+") as file:
        dataset: Any = file[name]
        dataset[place] = value


def table(path):
    """The answers of a log as a device."""
    known = arrays(path)

    def forward(call):
        first, cases = known["first"][call.number - 1], known["cases"][call.number - 1]
        np.testing.assert_array_equal(known["case"][first : first + cases], call.cases)
        return known["outputs"][first : first + cases]

    return forward


def same(one, two):
    assert one.network.parameters.tobytes() == two.network.parameters.tobytes()
    for name in ("test_loss", "test_loss_twin", "validation_loss", "best_epoch"):
        assert one.summary[name] == two.summary[name]


def train(config, out, data, forward, **more):
    options = {"resume": True, "pictures": False, "forward_wait": 0, **more}
    return spinrnn.train(config, out=out, data=data, forward=forward, **options)


@pytest.fixture
def slow_checkpoints(tiny_config):
    """A run that writes a checkpoint at its start and its end only."""
    return dataclasses.replace(
        tiny_config, train=dataclasses.replace(tiny_config.train, epochs=2, checkpoint_seconds=1e9)
    )


# ---- the log ----


def test_what_is_in_the_log(tmp_path, slow_checkpoints, tiny_data):
    device = Noisy({2: OSError("line 3 is down"), 5: ValueError("")})
    result = train(slow_checkpoints, tmp_path / "run", tiny_data, device)
    log, cases = arrays(tmp_path / "run" / "calls.h5"), result.summary["cases"]
    batches = -(-cases["training"] // 16)
    calls = 2 * (batches + 1) + 1
    assert (log["state"] == 2).all()
    assert len(log["state"]) == calls == len(device.asked) - 2
    assert log["part"].tolist() == ([0] * batches + [1]) * 2 + [2]
    assert log["epoch"].tolist() == [e for e in (1, 2) for _ in range(batches + 1)] + [0]
    assert log["batch"].tolist() == [*range(1, batches + 1), 0] * 2 + [0]
    assert log["cases"].sum() == 2 * (cases["training"] + cases["validation"]) + cases["test"]
    assert log["attempts"].tolist() == [1, 2, 1, 1, 2] + [1] * (calls - 5)
    for name in ("first_error", "last_error"):
        assert log[name][1].startswith(b"came to OSError: line 3 is down (")
        assert log[name][4].startswith(b"came to ValueError (")
        assert [n for n, text in enumerate(log[name]) if text] == [1, 4]
    assert (log["gave"] == 1).all()
    assert (log["features"] == 0).all()
    assert (log["seconds"] > 0).all()
    assert (log["seconds_failed"] > 0).tolist() == (log["attempts"] == 2).tolist()
    assert abs(log["started"] - time.time()).max() < 100
    # the weights of a step are others than those of the step before; a validation's are
    # those of the next step
    digests = log["parameters_sha256"]
    assert len(set(digests[:batches])) == batches
    assert digests[batches] == digests[batches + 1]
    assert len(set(log["inputs_sha256"])) == 2 * batches + 2
    record = json.loads((tmp_path / "run" / "forward.json").read_text())
    assert record["forward"] == "test_loops:Noisy"
    assert record["sources"][0]["file"] == __file__
    assert result.summary["forward"] == "test_loops:Noisy"
    assert result.summary["forward_calls"] == calls
    assert result.summary["forward_failures"] == 2


def test_the_log_is_a_table_that_gives_the_same_training(tmp_path, slow_checkpoints, tiny_data):
    first = train(slow_checkpoints, tmp_path / "run", tiny_data, Noisy())
    again = train(
        slow_checkpoints, None, tiny_data, table(tmp_path / "run" / "calls.h5"), resume=False
    )
    same(first, again)
    said = "run was trained with the device test_loops:Noisy in the loop; this is its twin's"
    with pytest.warns(UserWarning, match=said):
        spinrnn.predict(tmp_path / "run", tiny_data)
    answers = spinrnn.predict(tmp_path / "run", tiny_data, forward=lambda call: 2 * call.twin())
    np.testing.assert_array_equal(
        answers.outputs,
        2 * again.network.forward(tiny_data.inputs, tiny_data.lengths).astype(np.float64),
    )


def test_features_are_kept_too(tmp_path, slow_checkpoints, tiny_data):
    rng = np.random.default_rng(0)
    given = {}

    def forward(call):
        given[call.number] = rng.normal(size=(len(call.inputs), 5))
        return spinrnn.Reading(features=given[call.number])

    train(slow_checkpoints, tmp_path / "run", tiny_data, forward)
    log = arrays(tmp_path / "run" / "calls.h5")
    assert (log["gave"] == 2).all()
    np.testing.assert_array_equal(log["features"], np.concatenate(list(given.values())))
    assert not log["outputs"].any()


def test_what_was_not_asked_takes_no_room(tmp_path, slow_checkpoints, tiny_data):
    """A run of many epochs that stops early."""
    config = dataclasses.replace(
        slow_checkpoints, train=dataclasses.replace(slow_checkpoints.train, epochs=3000, patience=1)
    )
    train(config, tmp_path / "run", tiny_data, lambda call: np.zeros((len(call.inputs), 3)))
    path = tmp_path / "run" / "calls.h5"
    log = arrays(path)
    # of the first epoch the score is the best, and the second is no better
    assert log["state"][:7].tolist() == [2] * 7
    assert log["state"][-1] == 2
    assert (log["state"] == 2).sum() < 30
    assert os.stat(path).st_blocks * 512 < path.stat().st_size / 4


# ---- what fails, and goes on ----


def test_all_attempts_count_and_the_first_and_last_errors_stay(
    tmp_path, slow_checkpoints, tiny_data
):
    """Over two processes, the second of which has an answer."""
    errors = iter([OSError("one"), OSError("two"), OSError("thr\u00e9" * 200), OSError("four")])

    def forward(call):
        time.sleep(0.002)
        error = next(errors, None) if call.number == 2 else None
        if error is not None:
            raise error
        return call.twin()

    with pytest.raises(spinrnn.DeviceError, match=r"in each of 2 attempts, the last: .* two \("):
        train(slow_checkpoints, tmp_path / "run", tiny_data, forward, forward_retries=1)
    train(slow_checkpoints, tmp_path / "run", tiny_data, forward)
    log = arrays(tmp_path / "run" / "calls.h5")
    assert log["attempts"][:3].tolist() == [1, 5, 1]
    assert log["first_error"][1].startswith(b"came to OSError: one (")
    assert log["last_error"][1].startswith(b"came to OSError: four (")
    assert log["seconds_failed"][1] > 4 * 0.002


@pytest.mark.parametrize("number", [3, 7, 15])
def test_after_a_failure_a_run_goes_on_at_the_same_call(
    number, tmp_path, slow_checkpoints, tiny_data
):
    """In a batch, in a validation, in the test: no other call is asked twice, and what
    comes of it is what the log says.
    """
    out, device = tmp_path / "run", Noisy({number: OSError("down")})
    with pytest.raises(spinrnn.DeviceError, match=f"all before it is kept in {out}"):
        train(slow_checkpoints, out, tiny_data, device, forward_retries=0)
    assert device.asked == list(range(1, number + 1))
    log = arrays(out / "calls.h5")
    assert log["state"].tolist() == [2] * (number - 1) + [1] + [0] * (15 - number)
    result = train(slow_checkpoints, out, tiny_data, device)
    assert device.asked == [*range(1, number + 1), *range(number, 16)]
    log = arrays(out / "calls.h5")
    assert (log["state"] == 2).all()
    assert log["attempts"].tolist() == [1] * (number - 1) + [2] + [1] * (15 - number)
    assert result.summary["forward_failures"] == 1
    same(result, train(slow_checkpoints, None, tiny_data, table(out / "calls.h5"), resume=False))
    # a run that is complete needs no device any more
    assert train(None, out, tiny_data, None).summary == result.summary


@pytest.mark.parametrize("number", [7, 15])
def test_calls_after_the_last_checkpoint_are_not_asked_again(
    number, tmp_path, slow_checkpoints, tiny_data
):
    """As after a kill: an interruption that writes no checkpoint."""
    out, device = tmp_path / "run", Noisy({number: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        train(slow_checkpoints, out, tiny_data, device)
    newest = checkpoints.load_newest_checkpoint(out)[2]
    assert newest["steps"] == (0 if number < 15 else 12)
    log = arrays(out / "calls.h5")
    assert log["state"].tolist() == [2] * (number - 1) + [0] * (16 - number)
    result = train(slow_checkpoints, out, tiny_data, device)
    assert device.asked == [*range(1, number + 1), *range(number, 16)]
    same(result, train(slow_checkpoints, None, tiny_data, table(out / "calls.h5"), resume=False))


def test_a_stop_while_it_waits_writes_a_checkpoint(tmp_path, slow_checkpoints, tiny_data):
    device = Noisy({3: OSError("down")})
    stops = iter([False, False, False, True])
    start = time.monotonic()
    with pytest.raises(spinrnn.Interrupted, match="stopped after 2 training steps"):
        train(
            slow_checkpoints, tmp_path / "run", tiny_data, device, forward_wait=50,
            stop=lambda: next(stops),
        )  # fmt: skip
    assert time.monotonic() - start < 20
    assert checkpoints.load_newest_checkpoint(tmp_path / "run")[2]["steps"] == 2
    train(slow_checkpoints, tmp_path / "run", tiny_data, device)
    assert device.asked == [1, 2, 3, 3, *range(4, 16)]


def test_an_answer_that_was_torn_is_asked_again(tmp_path, slow_checkpoints, tiny_data):
    """As by a power cut: the number that says that it is there was written, a part of
    the answer not.
    """
    out, device = tmp_path / "run", Noisy({4: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        train(slow_checkpoints, out, tiny_data, device)
    change(out / "calls.h5", "outputs", (40, 1), 0)
    result = train(slow_checkpoints, out, tiny_data, device)
    assert device.asked == [1, 2, 3, 4, 3, *range(4, 16)]
    # a good answer that is asked for again is no failure
    assert arrays(out / "calls.h5")["attempts"].tolist() == [1] * 15
    assert result.summary["forward_failures"] == 0
    assert "in vain" not in str(result)


def test_a_torn_answer_and_failures_after_it(tmp_path, slow_checkpoints, tiny_data):
    out, device = tmp_path / "run", Noisy({3: OSError("one"), 4: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        train(slow_checkpoints, out, tiny_data, device)
    change(out / "calls.h5", "outputs", (40, 1), 0)
    device.failing[3] = OSError("two")
    result = train(slow_checkpoints, out, tiny_data, device)
    assert device.asked == [1, 2, 3, 3, 4, 3, 3, *range(4, 16)]
    assert arrays(out / "calls.h5")["attempts"].tolist() == [1, 1, 3] + [1] * 12
    assert result.summary["forward_failures"] == 2


def test_answers_to_other_weights_are_neither_taken_nor_lost(tmp_path, slow_checkpoints, tiny_data):
    """As where the last bits of the weights are others after a change of the machine."""
    out, device = tmp_path / "run", Noisy({4: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        train(slow_checkpoints, out, tiny_data, device)
    change(out / "calls.h5", "parameters_sha256", 1, b"0" * 64)
    before = (out / "calls.h5").read_bytes()
    said = (
        r"call 2 \(epoch 1, batch 2\): .*calls.h5 has an answer to other weights or inputs.* move"
    )
    for _ in range(2):
        with pytest.raises(spinrnn.DeviceError, match=said) as caught:
            train(slow_checkpoints, out, tiny_data, device)
        assert "\n" not in str(caught.value)
    assert device.asked == [1, 2, 3, 4]
    assert (out / "calls.h5").read_bytes() == before
    # what the sentence says to do
    (out / "calls.h5").rename(out / "calls-before.h5")
    result = train(slow_checkpoints, out, tiny_data, device)
    assert device.asked == [1, 2, 3, 4, *range(2, 16)]
    log = arrays(out / "calls.h5")
    assert log["state"].tolist() == [0] + [2] * 14
    assert result.summary["forward_calls"] == 14
    assert (out / "calls-before.h5").read_bytes() == before


def test_an_answer_is_not_overwritten(tmp_path):
    """Whatever asks: an answered call stays answered, and its numbers stay."""
    ones = np.ones(2, np.int32)
    log = CallLog(tmp_path / "calls.h5", Planned(ones, ones, ones, ones, (3,), ()), "t")
    digests, case = {"inputs_sha256": "a"}, np.array([0])
    log.answered(1, 1.0, 2.0, {"outputs": np.ones((1, 3))}, case, digests)
    for change_it in (
        lambda: log.failed(1, 1.0, 2.0, "down", digests),
        lambda: log.answered(1, 1.0, 2.0, {"outputs": np.zeros((1, 3))}, case, digests),
    ):
        with pytest.raises(spinrnn.StoreError, match="has an answer of call 1, which is kept"):
            change_it()
    known = log.answer(1)
    assert known is not None
    assert known[0]["outputs"].tolist() == [[1.0, 1.0, 1.0]]
    assert log.totals() == {"calls": 1, "failures": 0, "seconds": 2.0}
    log.close()


def other(call):
    return call.twin()


def test_another_device_is_refused_by_name(tmp_path, slow_checkpoints, tiny_data):
    out = tmp_path / "run"
    with pytest.raises(spinrnn.DeviceError):
        train(slow_checkpoints, out, tiny_data, Noisy({2: OSError()}), forward_retries=0)
    said = "has the device test_loops:Noisy in the loop, this is test_loops:other; give it"
    with pytest.raises(spinrnn.ConfigError, match=said):
        train(slow_checkpoints, out, tiny_data, other)
    with pytest.raises(spinrnn.ConfigError, match="has the device test_loops:Noisy in the loop; g"):
        train(slow_checkpoints, out, tiny_data, None)
    plain = tmp_path / "plain"
    with pytest.raises(spinrnn.Interrupted):
        train(slow_checkpoints, plain, tiny_data, None, stop=lambda: True)
    with pytest.raises(spinrnn.ConfigError, match="was begun without a device in the loop"):
        train(slow_checkpoints, plain, tiny_data, other)


def test_a_source_that_was_mended_is_told_and_kept(tmp_path, slow_checkpoints, tiny_data):
    """What fails in an instrument's driver is mended, and the run goes on."""
    out, lab = tmp_path / "run", tmp_path / "mending.py"
    lab.write_text("def device(call):\n    assert call.number < 5\n    return call.twin()\n")
    with pytest.raises(spinrnn.DeviceError, match=r"AssertionError .*mending.py, line 2"):
        train(slow_checkpoints, out, tiny_data, loops.named(f"{lab}:device"), forward_retries=0)
    lab.write_text("def device(call):\n    return call.twin()\n")
    with pytest.warns(UserWarning, match="mending.py:device has changed since"):
        train(slow_checkpoints, out, tiny_data, loops.named(f"{lab}:device"))
    sources = json.loads((out / "forward.json").read_text())["sources"]
    assert [source["from_step"] for source in sources] == [1, 5]
    assert len({source["sha256"] for source in sources}) == 2


def test_a_log_of_another_training_is_refused(tmp_path, tiny_config, slow_checkpoints, tiny_data):
    out = tmp_path / "run"
    train(tiny_config, out, tiny_data, other)
    moved = tmp_path / "moved"
    with pytest.raises(spinrnn.DeviceError):
        train(slow_checkpoints, moved, tiny_data, Noisy({1: OSError()}), forward_retries=0)
    (out / "calls.h5").replace(moved / "calls.h5")
    with pytest.raises(spinrnn.StoreError, match=r"calls.h5 has the calls of another training"):
        train(slow_checkpoints, moved, tiny_data, Noisy())
    (moved / "calls.h5").write_bytes(b"nothing")
    with pytest.raises(spinrnn.StoreError, match=r"cannot write .*calls.h5"):
        train(slow_checkpoints, moved, tiny_data, Noisy())


# ---- kills ----

KILLED = """
import sys, time
import numpy as np
import spinrnn

folder, pace = sys.argv[1], float(sys.argv[2])


class Instrument:
    def __init__(self):
        self.rng = np.random.default_rng()

    def __call__(self, call):
        with open(f"{folder}/asked.txt", "a") as file:
            file.write(f"{call.number}\\n")
        time.sleep(pace)
        if self.rng.random() < 0.1:
            raise TimeoutError("no answer")
        with open(f"{folder}/answered.txt", "a") as file:
            file.write(f"{call.number}\\n")
        return call.twin() + 0.05 * self.rng.normal(size=(len(call.inputs), 3))


data = spinrnn.load_dataset(f"{folder}/tiny.npz")
config = spinrnn.load_config(f"{folder}/tiny.toml", ["train.checkpoint_seconds=0.3"])
spinrnn.train(
    config, f"{folder}/run", True, data, pictures=False, forward=Instrument(), forward_wait=0.001,
    forward_retries=20,
)
"""


@pytest.mark.slow
def test_kills_in_the_middle_of_a_call_lose_nothing(tmp_path, tiny_file):
    """Kills with -9 at any time, most of them within a call: h5py reads the log after
    each, no answer that it has is asked for again, and the end is that of the log.
    """
    program, out = tmp_path / "killed.py", tmp_path / "run"
    program.write_text(KILLED)
    rng, kills = np.random.default_rng(1), 0
    while not (out / "summary.json").exists():
        pace = "0.05" if kills < 12 else "0"
        process = subprocess.Popen([sys.executable, program, tmp_path, pace], cwd=tmp_path)
        if kills < 12:
            lines = number_of(tmp_path / "asked.txt") + rng.integers(1, 6)
            while process.poll() is None and number_of(tmp_path / "asked.txt") < lines:
                time.sleep(0.005)
            time.sleep(rng.uniform(0, 0.06))
            process.send_signal(signal.SIGKILL)
        kills += 1
        assert process.wait() in (0, -signal.SIGKILL)
        log = arrays(out / "calls.h5")
        done = int((log["state"] == 2).sum())
        assert (log["state"][:done] == 2).all()
        # of the calls in a kill at most one had its answer and no place in the log
        answered = [int(line) for line in (tmp_path / "answered.txt").read_text().split()]
        assert len(answered) - len(set(answered)) <= kills
        assert len(set(answered)) - done in (0, 1)
    assert kills >= 12
    log = arrays(out / "calls.h5")
    assert (log["state"] == 2).all()
    config = spinrnn.load_config(tiny_file)
    data = spinrnn.load_dataset(tmp_path / "tiny.npz")
    again = train(config, None, data, table(out / "calls.h5"), resume=False)
    assert again.network.parameters.tobytes() == spinrnn.load(out).parameters.tobytes()


def number_of(path):
    return len(path.read_text().splitlines()) if path.exists() else 0


# ---- the command line ----

QUICK = ("--set", "train.epochs=1", "--set", "train.checkpoint_seconds=1e9")
LAB = """
import numpy as np

class Lab:
    def __init__(self, low):
        self.low = low

    def __call__(self, call):
        if call.number < self.low:
            raise TimeoutError("the amplifier is warm")
        outputs = np.zeros((len(call.inputs), 3))
        outputs[:, 1] = 5
        return outputs

device, broken, thing = Lab(0), Lab(99), 3
"""


@pytest.fixture
def laboratory(tmp_path, tiny_file, monkeypatch):
    """A folder with tiny.toml and lab.py, in which the commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("spinrnn.learning.loop.LONGEST_WAIT", 0.0)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = f"lab_{tmp_path.name}".replace("-", "_")
    Path(f"{name}.py").write_text(LAB)
    yield name
    sys.modules.pop(name, None)


def test_the_command_line_asks_the_device(laboratory, tiny_file):
    lab = laboratory
    result = here("train", tiny_file, *QUICK, "--out", "run", "--forward", f"{lab}:device")
    assert result.returncode == 0, result.stderr
    assert f"8   calls of {lab}:device, " in result.stdout
    assert "test accuracy, twin" in result.stdout
    twin = here("evaluate", "run")
    assert f"run was trained with the device {lab}:device in the loop; this is" in twin.stderr
    assert "of the device" not in twin.stdout
    asked = here("evaluate", "run", "--forward", f"./{lab}.py:device", "--json")
    assert asked.stderr == ""
    found = json.loads(asked.stdout)
    assert found["forward"] == f"./{lab}.py:device"
    confusion = np.array(found["confusion"])
    assert confusion[:, 1].sum() == confusion.sum()
    assert "of the device" in here("evaluate", "run", "--forward", f"{lab}:device").stdout
    answers = here("predict", "run", "tiny.npz", "--forward", f"{lab}:device").stdout
    assert {line.split()[1] for line in answers.splitlines()[1:]} == {"1"}
    assert "in the loop; this is its twin's answer" in here("predict", "run", "tiny.npz").stderr


def test_the_command_line_says_how_often_it_is_asked_again(laboratory, tiny_file):
    lab = laboratory
    failing = ("train", tiny_file, *QUICK, "--forward", f"{lab}:broken")
    for options, said in (
        (("--forward-retries", "0"), "(epoch 1, batch 1): came to TimeoutError"),
        (("--forward-retries", "6", "--forward-wait", "0.5"), "in each of 7 attempts, the last"),
        (("--forward-retries", "-1"), "forward_retries: must be a whole number from 0, got -1"),
        (("--forward-wait", "-1"), "--forward-wait: must be a time in seconds from 0"),
    ):
        failed = here(*failing, "--out", f"run{options[1]}{len(options)}", *options)
        assert failed.returncode == 2
        assert said in failed.stderr.splitlines()[-1]
    refused(
        here("train", tiny_file, "--forward-retries", "1", "--forward-wait", "1"),
        "--forward-retries: goes with --forward",
        "--forward-wait: goes with --forward",
    )


def test_a_run_of_the_command_line_goes_on_with_its_device_only(laboratory, tiny_file):
    lab = laboratory
    failed = here("train", tiny_file, *QUICK, "--out", "run", "--forward", f"{lab}:broken")
    assert failed.returncode == 2
    assert failed.stderr.splitlines()[-1].startswith(
        "spinrnn: error: forward: call 1 (epoch 1, batch 1) in each of 4 attempts, the last: came "
        "to TimeoutError: the amplifier is warm ("
    )
    refused(
        here("train", "--out", "run", "--resume", "--forward", f"{lab}:device"),
        f"forward: run has the device {lab}:broken in the loop, this is {lab}:device",
    )
    refused(
        here("train", "--out", "run", "--resume"),
        f"forward: run has the device {lab}:broken in the loop; give it (--forward",
    )
    Path(f"{lab}.py").write_text(LAB.replace("Lab(99)", "Lab(0)"))
    sys.modules.pop(lab)
    result = here("train", "--out", "run", "--resume", "--forward", f"{lab}:broken")
    assert result.returncode == 0, result.stderr
    assert "has changed since" in result.stderr
    assert ", 4 attempts in vain" in result.stdout


def test_names_that_the_command_line_refuses(laboratory, tiny_file):
    lab = laboratory
    Path("failing.py").write_text("import numpy\n\n1 / 0\n")
    Path("needing.py").write_text("import a_module_that_is_not_there\n")
    for name, said in (
        (lab, f"--forward: must be MODULE:NAME, as lab:device of lab.py, or drivers/lab.py:device;"
         f" got '{lab}'"),
        (f"{lab}:none", f"--forward: {lab} has nothing of the name none"),
        (f"{lab}:thing", f"--forward: thing of {lab} is a int; name a callable"),
        (f"{lab}:Lab", f"--forward: Lab of {lab} is a class; name a callable"),
        ("nowhere:device", "--forward: there is no module nowhere; give a module of this folder"),
        ("nowhere.py:device", "cannot read"),
        ("failing:device", "failing cannot be imported: ZeroDivisionError: division by zero ("),
        ("needing:device", "--forward: needing needs a_module_that_is_not_there, which is missing"),
    ):  # fmt: skip
        refused(here("train", tiny_file, *QUICK, "--out", "run", "--forward", name), said)
    assert not Path("run").exists()
    refused(here("predict", "x", "-", "--forward", f"{lab}:device"), "--forward: goes with a file")


def test_nothing_in_a_folder_is_imported(laboratory, tiny_file):
    """A folder's record names a module, which is compared, and never run."""
    lab = laboratory
    assert (
        here("train", tiny_file, *QUICK, "--out", "run", "--forward", f"{lab}:device").returncode
        == 0
    )
    sys.modules.pop(lab)
    Path(f"{lab}.py").write_text("open('ran', 'w')\n")
    assert here("evaluate", "run").returncode == 0
    assert here("train", "--out", "run", "--resume").returncode == 0
    assert not Path("ran").exists()
