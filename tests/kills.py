"""Kills with -9 at random moments of `spinrnn train`, `simulate` and `sweep run`.

As a command, `python tests/kills.py 200 [--seed S]` spreads so many kills over the
three and reports; the suite runs some with `disturb`. A third of the kills come at any
moment from the start of the process, a third while it is at work, and a third as soon
as a temporary file is seen, which is while something is being written. After each:

- every file under its own name is complete, by its checksum where it has one, and a
temporary
  one is complete or refused;
- nothing is lost: the newest checkpoint is not older than before, complete points and
runs
  stay as they are, a trajectory file is the one before or the new one.

Then the same command goes on from there. Whenever one comes to its end its results have
the bits of an undisturbed one, and no temporary file is left.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np

import spinrnn
from spinrnn.cli import main as cli
from spinrnn.files import seal
from spinrnn.files.container import read_container
from spinrnn.runs import checkpoints
from spinrnn.sweep.folder import SweepFolder

COMMAND = [sys.executable, "-m", "spinrnn"]
NETWORK = """
[data]
source = "tiny.npz"
[network]
layers = [6, 5]
inputs = 2
outputs = 3
density_int = 0.5
substeps = 2
"""
PATIENCE = 900
"""Seconds that a process may take for anything."""


# ---- what is compared ----


def weights(folder):
    """All bits that a finished run ends with: best network, final parameters, moments,
    records without times.
    """
    _, arrays, state = checkpoints.load_newest_checkpoint(folder)
    history = [{k: v for k, v in record.items() if k != "seconds"} for record in state["history"]]
    bits = {name: array.tobytes() for name, array in arrays.items()}
    return spinrnn.load(folder).parameters.tobytes(), bits, history


def bits(path, folder):
    """{position: (status, summary and curves without times, extra)} of all points of a
    sweep.
    """
    found = {}
    for point, status, arrays, state in SweepFolder(folder).results(
        spinrnn.load_sweep(path).points
    ):
        assert state is not None, f"{point}: {status}"
        summary = {k: v for k, v in (state["summary"] or {}).items() if not k.startswith("seconds")}
        curves = {k: a.tobytes() for k, a in arrays.items() if k != "history/seconds"}
        found[point.position] = status, summary, curves, state["extra"]
    return found


def everything(file):
    """All numbers that an open trajectory file gives, as bytes."""
    lists = [x for x in (file.state, file.mean, file.output, file.drive) if x is not None]
    arrays = [
        file.time,
        file.logits,
        file.inputs,
        file.cases,
        file.labels,
        file.lengths,
        file.network.parameters,
        file.network.mask,
    ]
    return (
        b"".join(np.asarray(x).tobytes() for x in (*arrays, *(x for found in lists for x in found)))
        + repr(file.config).encode()
    )


def children(pid):
    """Processes that a sweep has started to work for it."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            command = (path / "cmdline").read_bytes()
            if parent == pid and b"spawn_main" in command and b"resource_tracker" not in command:
                found.append(int(path.name))
    return found


def temporaries(folder):
    """Temporary files below a folder."""
    return [path for path in folder.rglob(".*.tmp") if path.is_file()]


def read(path, name):
    """Reads all of a file by the name that it has or was to have; StoreError and the
    like where it is not complete.
    """
    if name.endswith(".h5"):
        if seal.is_streamed(path):
            with spinrnn.open_trajectory(path) as file:
                file.check()
        else:
            read_container(path)
    elif name.endswith(".json") or name.startswith("session-"):
        json.loads(path.read_bytes())
    elif name.endswith(".toml"):
        spinrnn.load_config(path)
    elif name.endswith(".png"):
        assert path.read_bytes().endswith(b"IEND\xaeB`\x82"), "a picture without its end"
    elif name == "metrics.jsonl":  # the last line may be half of one: going on writes the file anew
        for line in path.read_bytes().split(b"\n")[:-1]:
            json.loads(line)
    else:
        assert name == ".lock" or name.endswith((".run", ".npz")), f"an unknown file {name}"


def look_at(folder, counts):
    """Reads every file below a folder. A temporary one is read as if somebody had given
    it its later name: complete or refused, anything else is a fault.
    """
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name, temporary = path.name, path.name.endswith(".tmp")
        if temporary:
            name = name[1:].rsplit(".", 2)[0]
        try:
            read(path, name)
            counts["temporary files, complete" if temporary else "complete files"] += 1
        except Exception as error:
            if not path.exists():  # by a worker that outlives its sweep
                continue
            if not temporary:
                raise AssertionError(
                    f"{path.relative_to(folder)} is not complete: {error}"
                ) from None
            counts["temporary files, refused"] += 1
            if not isinstance(error, (spinrnn.SpinrnnError, ValueError, AssertionError)):
                raise AssertionError(f"{path.name} is not refused in one line: {error!r}") from None


# ---- the programs ----


class Fork:
    """A command in a fork of this process, which has everything imported; used as
    `Popen`.
    """

    def __init__(self, arguments, complaint, folder):
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_command, args=(arguments, complaint, folder))
        with warnings.catch_warnings():
            # of threads that a fork does not have; those of ours are made anew
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def wait(self, timeout=None):
        self._process.join(timeout)
        assert self._process.exitcode is not None, "it does not end"
        return self._process.exitcode

    def kill(self):
        self._process.kill()


def _command(arguments, complaint, folder):
    os.chdir(folder)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(complaint.fileno(), 2)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    sys.exit(cli.main(arguments))


class Program:
    """A command that is killed.

    Attributes:
        folder: what it writes to; home: where it runs; counts: what was seen.
        fork: whether it is a fork of this process, which starts at once.
    """

    def __init__(self, home, rng, fork=False):
        self.home, self.rng, self.number, self.counts = home, rng, 0, Counter()
        self.fork = fork
        self.epochs, self.seeds = (6, 1) if fork else (40, 2)
        home.mkdir(parents=True)
        source = np.random.default_rng(5)
        labels = np.repeat(np.arange(3), 40)
        patterns = source.normal(size=(3, 2, 5))
        lengths = source.integers(4, 6, 120)
        np.savez(
            home / "tiny.npz",
            inputs=patterns[labels] + 0.1 * source.normal(size=(120, 2, 5)),
            labels=labels,
            lengths=lengths,
        )
        self.prepare()
        self.renew()
        process, start, began = self.start(), time.monotonic(), None
        while process.poll() is None:
            if began is None and self.begun():
                began = time.monotonic()
            time.sleep(0.005)
        assert process.returncode == 0, f"{self.name}: the undisturbed run failed"
        self.whole = time.monotonic() - start
        self.seconds = time.monotonic() - (began or start)
        self.expected = self.result()
        self.renew()

    def start(self):
        """Starts the command; `Popen`, or a `Fork` where that was asked for."""
        arguments = [*map(str, self.arguments())]
        with open(self.home / "stderr", "w") as complaint:
            if self.fork:
                return Fork(arguments, complaint, self.home)
            return subprocess.Popen(
                [*COMMAND, *arguments],
                stdout=subprocess.DEVNULL,
                stderr=complaint,
                cwd=self.home,
            )

    def renew(self):
        """Begins with a new folder."""
        self.number += 1
        self.folder = self.home / f"out{self.number}"
        self.forget()

    def begun(self):
        return self.folder.exists()

    def strike(self, process):
        """Kills; returns whether the command itself is dead."""
        process.kill()
        process.wait()
        return True

    def end(self):
        """Checks what a command leaves that came to its end."""
        found = self.result()
        other = [name for name, value in self.expected.items() if found[name] != value]
        assert not other, f"other {' and '.join(other)} than an undisturbed run" + (
            f": {found['files']}" if "files" in other else ""
        )
        left = temporaries(self.folder)
        assert not left, f"left behind: {', '.join(path.name for path in left)}"


class Train(Program):
    """Checkpoints after every batch, forty epochs."""

    name = "train"

    def prepare(self):
        (self.home / "tiny.toml").write_text(
            NETWORK
            + f"[train]\nepochs = {self.epochs}\nbatch = 16\nnoise = 0.2\ncheckpoint_seconds = 0\n"
        )

    def arguments(self):
        return ["train", "tiny.toml", "--out", self.folder, "--resume"]

    def forget(self):
        self.step, self.summary = -1, None

    def check(self):
        paths = checkpoints.checkpoint_paths(self.folder)
        step = int(paths[0].stem) if paths else -1
        assert step >= self.step, f"the newest checkpoint is of step {step}, it was {self.step}"
        summary = self.folder / "summary.json"
        assert self.summary is None or summary.read_bytes() == self.summary, (
            "the results of a complete run have changed"
        )
        self.counts["kills before a checkpoint" if step < 0 else "kills after a checkpoint"] += 1
        self.step, self.summary = step, summary.read_bytes() if summary.exists() else None

    def result(self):
        lines = (self.folder / "metrics.jsonl").read_text().splitlines()
        assert [json.loads(line)["epoch"] for line in lines] == list(range(1, self.epochs + 1))
        files = sorted(p.name for p in self.folder.iterdir())
        summary = json.loads((self.folder / "summary.json").read_bytes())
        return {
            "weights": weights(self.folder),
            "files": files,
            "summary": {k: v for k, v in summary.items() if not k.startswith("seconds")},
        }


class Simulate(Program):
    """Of two networks by turns, over the complete file of the other one."""

    name = "simulate"

    def prepare(self):
        (self.home / "c.toml").write_text("[network]\nlayers = [32, 32]\nsubsteps = 8\n")
        np.savez(self.home / "u.npz", inputs=np.random.default_rng(0).random((300, 1, 32)))
        self.present, self.wanted, self.file, known = None, 1, self.home / "files" / "t.h5", {}
        self.file.parent.mkdir()
        for seed in (0, 1):
            self.wanted = seed
            assert self.start().wait(PATIENCE) == 0
            known[seed] = self.content()
        assert known[0] != known[1]
        self.known, self.present, self.wanted = known, 1, 0

    def renew(self):
        """The next one is the other network, over what there is."""
        self.folder = self.file.parent
        self.wanted = 1 - self.present

    def arguments(self):
        return [
            "simulate",
            "c.toml",
            "--input",
            "u.npz",
            "--out",
            self.file,
            "--overwrite",
            "--set",
            f"train.seed={self.wanted}",
        ]

    def begun(self):
        return bool(temporaries(self.folder))

    def content(self):
        with spinrnn.open_trajectory(self.file) as file:
            file.check()
            return everything(file)

    def check(self):
        content = self.content()
        assert content in (self.known[self.present], self.known[self.wanted]), (
            "neither the file before nor the new one"
        )
        replaced = content == self.known[self.wanted]
        self.counts[
            "kills after the new file was in its place"
            if replaced
            else "kills with the file before kept"
        ] += 1
        if replaced:
            self.present = self.wanted
            self.renew()

    def result(self):
        assert self.content() == self.known[self.wanted]
        self.present = self.wanted
        return {"files": [p.name for p in self.folder.iterdir()]}


class Sweep(Program):
    """Eight points by two workers; the sweep, a worker or all are killed."""

    name = "sweep run"

    def prepare(self):
        (self.home / "tiny.toml").write_text(NETWORK)
        self.file = self.home / "sweep.toml"
        self.file.write_text(
            f'[sweep]\nname = "toy"\nbase = "tiny.toml"\nseeds = {self.seeds}\nrecord_test = true\n'
            f"[train]\nepochs = {self.epochs}\nbatch = 16\nnoise = 0.1\ncheckpoint_seconds = 0.02\n"
            '[[axes]]\nkey = "train.learning_rate"\nvalues = [1e-3, 1e-2, 2e-2, 3e-2]\n'
        )

    def arguments(self):
        workers = ["--executor", "serial"] if self.fork else ["--jobs", 2]
        return ["sweep", "run", self.file, "--out", self.folder, *workers]

    def forget(self):
        self.points, self.deaths = {}, Counter()

    def begun(self):
        return any(self.folder.glob("points/*.run"))

    def strike(self, process):
        workers, how = children(process.pid), self.rng.choice(("sweep", "worker", "all"))
        if how == "worker":
            # three deaths of a point without a checkpoint in between would rightly
            # count as its own fault
            victims = [
                lock for lock in self.folder.glob("points/*.run") if self.deaths[lock.stem] < 2
            ]
            for lock in self.rng.sample(victims, len(victims)):
                with contextlib.suppress(OSError, ValueError):  # it has just finished
                    pid = json.loads(lock.read_bytes())["pid"]
                    if pid in workers:
                        os.kill(pid, 9)
                        self.deaths[lock.stem] += 1
                        self.counts["kills of a worker"] += 1
                        return False
            how = "sweep"
        self.counts[
            "kills of the sweep" if how == "sweep" else "kills of the sweep and all workers"
        ] += 1
        process.kill()
        for pid in workers if how == "all" else ():
            with contextlib.suppress(OSError):
                os.kill(pid, 9)
        process.wait()
        self.deaths.clear()
        return True

    def check(self):
        for name, content in self.points.items():
            assert (self.folder / "points" / name).read_bytes() == content, (
                f"the complete point {name} has changed"
            )
        self.points = {path.name: path.read_bytes() for path in self.folder.glob("points/*.h5")}
        self.counts["complete points found"] += len(self.points)

    def result(self):
        files = sorted(str(p.relative_to(self.folder)) for p in self.folder.rglob("*"))
        return {"bits": bits(self.file, self.folder), "files": files}


PROGRAMS = Train, Simulate, Sweep


# ---- kills ----


def wait(program, process, rng):
    """Waits for the moment of the kill, or the end of the process; says what kind of
    moment it is.
    """
    kind = rng.choice(("at any time", "at work", "while writing"))
    end = time.monotonic() + PATIENCE
    if kind != "at any time":
        while process.poll() is None and not program.begun():
            assert time.monotonic() < end, f"{program.name} does not begin"
            time.sleep(0.002)
    moment = time.monotonic() + rng.random() * (
        program.whole if kind == "at any time" else program.seconds
    )
    while process.poll() is None and time.monotonic() < moment:
        time.sleep(0.002)
    if kind == "while writing":
        while process.poll() is None and not temporaries(program.folder):
            assert time.monotonic() < end, f"{program.name} neither ends nor writes"
    return kind


class Faults(list):
    """Texts of what was wrong with a program; each is told at once."""

    def __init__(self, program, tell):
        super().__init__()
        self.program, self.tell = program, tell or (lambda _: None)

    def check(self, what, *functions):
        """Calls the functions and notes what they raise."""
        for function in functions:
            try:
                function()
            except Exception as error:
                self.append(f"{self.program.name}, {what}: {type(error).__name__}: {error}")
                self.tell(self[-1])

    def check_end(self, process, done):
        """What must hold when the command came to its end after so many kills."""
        self.program.counts["ends"] += 1
        complaint = (self.program.home / "stderr").read_text().strip()
        if process.returncode:
            failed = f"status {process.returncode}: {complaint}"
            self.check(f"after {done} kills", lambda: _fail(failed))
        else:
            self.check(f"at an end after {done} kills", self.program.end)
        self.program.renew()


def disturb(program, kills, rng, tell=None):
    """Kills a program so many times and lets it end at last.

    Returns a list of faults, texts; `program.counts` has what was seen.
    """
    faults, counts, process, done = Faults(program, tell), program.counts, None, 0
    try:
        while done < kills:
            process = process or program.start()
            kind = wait(program, process, rng)
            if process.poll() is not None:
                faults.check_end(process, done)
                process = None
                continue
            dead = program.strike(process)
            done += 1
            counts[kind] += 1
            look = partial(look_at, program.folder, counts)
            faults.check(f"kill {done} {kind}", look, program.check)
            if done % 10 == 0:
                faults.tell(f"{program.name}: {done} kills, {len(faults)} faults")
            process = None if dead else process
        process = process or program.start()
        process.wait(PATIENCE)
        faults.check_end(process, done)
    finally:
        if process and process.poll() is None:
            process.kill()
            process.wait()
    return faults


def _fail(text):
    raise AssertionError(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kills", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=[program.__name__.lower() for program in PROGRAMS])
    options = parser.parse_args()
    home, faults = Path(tempfile.mkdtemp(prefix="kills-")), []
    chosen = [program for program in PROGRAMS if options.only in (None, program.__name__.lower())]
    for number, made in enumerate(chosen):
        rng = random.Random(f"{options.seed} {made.name}")
        program = made(home / made.__name__.lower(), rng)
        share = options.kills // len(chosen) + (number < options.kills % len(chosen))
        found = disturb(
            program, share, rng, lambda text: print(time.strftime("%H:%M:%S"), text, flush=True)
        )
        print(f"{program.name}: {share} kills, {len(found)} faults")
        for what, count in sorted(program.counts.items()):
            print(f"  {count:>6} {what}", flush=True)
        faults += found
    print(f"{options.kills} kills, {len(faults)} faults", flush=True)
    for fault in faults:
        print(f"  {fault}")
    if not faults:
        shutil.rmtree(home)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
