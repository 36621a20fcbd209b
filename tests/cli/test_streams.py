"""No command depends on its streams: closed, broken, full, or unable to show a character."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from spinrnn.cli import streams

COMMANDS = {
    "train": "train tiny.toml --out run --set train.epochs=2",
    "evaluate": "evaluate run",
    "evaluate-json": "evaluate run --json",
    "gradcheck": "gradcheck --set network.layers=[1] --set network.outputs=2",
    "simulate": "simulate run --input :all[0:6] --out traces.h5",
    "analyse": "analyse traces.h5 --only drive --out report",
    "identify": "identify device.npz --out device",
    "sweep run": "sweep run sweep.toml --out sweep --executor serial",
    "sweep status": "sweep status sweep",
    "sweep collect": "sweep collect sweep",
    "reproduce": "reproduce --list",
    "advise": "advise --interval 10e-9",
    "doctor": "doctor .",
    "bench": "bench --quick",
    "resume": "train --out run --resume",
}
"""{name: command line} in the order in which they need each other's files."""
FILES = {
    "run/summary.json": "train",
    "run/network.h5": "train",
    "traces.h5": "simulate",
    "report/report.txt": "analyse",
    "device/device.json": "identify",
    "sweep/cube.h5": "sweep collect",
}
"""{file: the command that writes it}."""
RUN = """
    import json, sys
    from spinrnn.cli import streams
    from spinrnn.cli.main import main
    with streams.careful():  # as main does; NumPy 2.0's f2py cannot be imported without stderr
        from spinrnn.bench import runner
    runner.run = lambda *_, **__: iter([runner._note("nothing is measured here")])
    statuses = {}
    for name, command in json.loads(sys.argv[1]).items():
        try:
            statuses[name] = main(command.split())
        except SystemExit as stop:
            statuses[name] = f"ended with {stop.code}"
    open("statuses.json", "w").write(json.dumps(statuses))
"""
FEW = ("train", "evaluate", "simulate", "identify")
"""Those of which files and outputs are looked at here; the streams are opened for all
in one place."""


def program(names=tuple(COMMANDS)):
    """Arguments of a process that runs these commands, one after the other."""
    commands = json.dumps({name: COMMANDS[name] for name in names})
    return sys.executable, "-c", textwrap.dedent(RUN), commands


@pytest.fixture
def folder(tiny_file, sweep_file):
    """A folder with what the commands need."""
    sweep_file('[[axes]]\nkey = "train.seed"\nvalues = [0, 1]', epochs=1)
    # the logistic rise of eq. (1) with gamma = 1e8 1/s, Q = 0 and drives of 2 and 3 gamma
    time, rng = 1e-9 * np.arange(60), np.random.default_rng(2)
    drive = np.array([[2e8] * 60, [3e8] * 60])
    steady, rate = 1 - 1e8 / drive, drive - 1e8
    power = steady / (1 + 50 * np.exp(-rate * time)) + 1e-3 * rng.normal(size=(2, 60))
    np.savez(tiny_file.parent / "device.npz", time=time, drive=drive, power=power)
    return tiny_file.parent


def run(folder, redirections="", names=tuple(COMMANDS), **environment):
    """Runs the commands in one process under a shell's redirections.

    Returns:
        The finished process and {name: status}.
    """
    process = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirections}', "sh", *program(names)],
        cwd=folder, capture_output=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert [
        file for file, name in FILES.items() if name in names and not (folder / file).exists()
    ] == []
    return process, json.loads((folder / "statuses.json").read_text())


def ends(statuses, expected=0):
    """Checks the statuses; that of doctor depends on the machine."""
    assert statuses.pop("doctor", expected) in ({0, 1} if expected == 0 else {expected})
    assert statuses == dict.fromkeys(statuses, expected)


@pytest.mark.parametrize(
    ("redirections", "names"),
    [
        ("2>&-", FEW),
        *(
            pytest.param(redirections, tuple(COMMANDS), marks=pytest.mark.slow)
            for redirections in ("2>&-", "", ">&-", "<&- >&- 2>&-")
        ),
    ],
)
def test_streams_that_are_closed_or_cannot_show_a_character(folder, redirections, names):
    process, statuses = run(folder, redirections, names, PYTHONIOENCODING="ascii")
    ends(statuses)
    assert b"Traceback" not in process.stderr
    if ">&-" not in redirections.split():
        text = process.stdout.decode("ascii")
        (gamma,) = (line for line in text.splitlines() if line.startswith("gamma  "))
        assert " +- " in gamma
        assert "?" not in gamma
        assert text.count("test accuracy  ") == names.count("train") + names.count("resume")


@pytest.mark.slow
@pytest.mark.parametrize("names", [tuple(COMMANDS)])
def test_a_disk_that_is_full_behind_the_output(folder, names):
    """The work is done, and each command says that its output is lost."""
    process, statuses = run(folder, "> /dev/full", names)
    ends(statuses, 2)
    lines = process.stderr.decode().splitlines()
    lost = "spinrnn: error: cannot write to standard output: No space left on device"
    assert lines.count(lost) == len(names)
    assert "Traceback" not in process.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize("redirections", ["2> /dev/full", "> /dev/full 2>&1"])
def test_a_disk_that_is_full_behind_the_complaints(folder, redirections):
    ends(run(folder, redirections)[1], 0 if redirections[0] == "2" else 2)


@pytest.mark.slow
def test_a_reader_that_leaves(folder):
    """Like `| head -1`: the work goes on, and nothing is said about it."""
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        program(), cwd=folder, stdout=writer, stderr=subprocess.PIPE, timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    os.close(writer)
    assert (process.returncode, b"Traceback" in process.stderr) == (0, False)
    assert b"cannot write" not in process.stderr
    assert [name for name in FILES if not (folder / name).exists()] == []
    ends(json.loads((folder / "statuses.json").read_text()))


def test_a_closed_number_is_not_given_to_a_file(tmp_path):
    """Else what a library says on its standard error lands in the next file that is opened."""
    code = (
        "import os; from spinrnn.cli import streams\n"
        "with streams.careful(): "
        "file = open('data', 'w'); os.write(2, b'noise'); os.write(1, b'x')\n"
        "assert file.fileno() > 2"
    )
    result = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert result.returncode == 0
    assert (tmp_path / "data").read_text() == ""


def test_the_streams_are_as_before_afterwards(capsys):
    before = sys.stdout, sys.stderr
    with streams.careful() as (output, complaints):
        assert (sys.stdout, sys.stderr) == (output, complaints)
        print("a ± b")
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out == "a ± b\n"


def test_what_stands_for_a_character(tmp_path):
    path = tmp_path / "text"
    with open(path, "w", encoding="ascii") as file:
        stream = streams.Stream(file)
        stream.write("1 ± 2 \xd7 3 µs, \u4e2d \udcff\n")
        assert stream.error is None
        stream.end()
        assert file.errors == "strict"
    assert path.read_text() == "1 +- 2 x 3 us, ? ?\n"


def test_the_first_error_is_kept_and_what_follows_is_dropped(tmp_path):
    with open("/dev/full", "w") as file:
        stream = streams.Stream(file)
        print("one", file=stream, flush=True)
        print("two", file=stream, flush=True)
        assert stream.error.strerror == "No space left on device"
    closed = open(tmp_path / "file", "w")  # noqa: SIM115
    closed.close()
    stream = streams.Stream(closed)
    stream.write("lost")
    assert "closed file" in str(stream.error)
    assert stream.isatty() is False
