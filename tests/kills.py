"""Kills with -9: `python tests/kills.py 200 [--seed S]` kills training, simulation and sweeps at random moments and looks at what is left.

After each kill every file is complete, or it is refused; nothing that was complete is lost. What was killed is then started again, as a
user would, and at the end the results are the bits of an undisturbed run and no temporary file is left.
"""

import argparse
import collections
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import spinrnn
from spinrnn import store
from spinrnn.errors import SpinrnnError
from spinrnn.sweep.folder import SweepFolder

SERIES = 12
"""Kills of one folder before it is finished and compared; one that finishes before its kill begins a new series."""
TRAIN = (
    "[network]\nlayers = [6, 5]\ninputs = 2\noutputs = 3\ndensity_int = 0.5\nsubsteps = 2\n"
    "[train]\nepochs = {}\nbatch = 16\nnoise = 0.1\ncheckpoint_seconds = {}\n[data]\nsource = 'tiny.npz'\n"
)


def children(pid):
    """Numbers of the processes that a sweep has started to work for it."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            command = (path / "cmdline").read_bytes()
            if parent == pid and b"spawn_main" in command and b"resource_tracker" not in command:
                found.append(int(path.name))
    return found


def temporaries(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob(".*") if p.suffix in (".tmp", ".part"))


def run_bits(folder):
    """All that a finished run ends with: best network, checkpoint, records without times."""
    _, arrays, state = store.load_newest_checkpoint(folder)
    history = [{k: v for k, v in record.items() if k != "seconds"} for record in state["history"]]
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    records = [{k: v for k, v in record.items() if k != "seconds"} for record in lines]
    summary = {k: v for k, v in json.loads((folder / "summary.json").read_text()).items() if not k.startswith("seconds")}
    return spinrnn.load(folder).parameters.tobytes(), {n: a.tobytes() for n, a in arrays.items()}, history, records, summary


def point_bits(arrays, state):
    """The result of a point without times."""
    summary = {k: v for k, v in (state["summary"] or {}).items() if not k.startswith("seconds")}
    return state["status"], summary, {k: a.tobytes() for k, a in arrays.items() if k != "history/seconds"}, state["extra"]


class Program:
    """A command that is killed. `command`: its arguments; `wrong`: what was found; `out`: folder or file of the series at hand."""

    def __init__(self, folder, rng):
        self.folder, self.rng, self.wrong, self.number = folder, rng, [], 0
        folder.mkdir()
        rng = np.random.default_rng(5)
        labels = np.repeat(np.arange(3), 40)
        np.savez(folder / "tiny.npz", inputs=rng.normal(size=(3, 2, 5))[labels] + 0.1 * rng.normal(size=(120, 2, 5)), labels=labels)
        self.prepare()
        self.begin()
        started = time.perf_counter()
        self.finish()
        self.seconds = time.perf_counter() - started
        self.expected = self.bits()
        self.begin()

    def begin(self):
        """A new series."""
        self.number += 1
        self.killed = 0
        self.out = self.folder / f"out{self.number}"

    def start(self):
        command = [sys.executable, "-m", "spinrnn", *map(str, self.command())]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=self.folder)

    def finish(self):
        process = self.start()
        complaint = process.communicate(timeout=300)[1]
        if process.returncode:
            raise RuntimeError(f"{self.command()}: {complaint}")

    def victims(self, process):
        """(processes to kill, whether the command itself is among them)."""
        return [process.pid], True

    def kill(self):
        """Starts the command and kills it; returns False where it had ended by itself before."""
        process = self.start()
        while True:
            # most of the time is taken by the start, in which nothing can be lost: one kill in ten falls into it
            early = self.rng.random() < 0.1
            time.sleep(self.rng.uniform(0, 0.4 * self.seconds) if early else self.rng.uniform(0.4, 1.05) * self.seconds)
            if process.poll() is not None:
                complaint = process.communicate()[1]
                if process.returncode:
                    self.wrong.append(f"status {process.returncode}: {complaint}")
                self.compare()
                return False
            workers = children(process.pid)
            victims, whole = self.victims(process)
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if whole:
                process.wait()
                process.stderr.close()
                end = time.monotonic() + 60
                while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < end:
                    time.sleep(0.02)
            self.look()
            self.killed += 1
            if whole:
                if self.killed >= SERIES:
                    self.end()
                return True
            self.more()

    def more(self):
        """Counts a kill that the command survives."""

    def end(self):
        """Finishes the series undisturbed."""
        try:
            self.finish()
        except RuntimeError as error:
            self.wrong.append(f"cannot go on: {error}")
        else:
            self.look()
            self.compare()
        self.begin()

    def compare(self):
        if self.bits() != self.expected:
            self.wrong.append(f"{self.out}: other results than undisturbed")
        if temporaries(self.folder):
            self.wrong.append(f"left over: {temporaries(self.folder)}")
            for name in temporaries(self.folder):
                (self.folder / name).unlink()
        self.begin()


class Train(Program):
    def prepare(self):
        (self.folder / "tiny.toml").write_text(TRAIN.format(60, 0))

    def begin(self):
        super().begin()
        self.newest = -1

    def command(self):
        return ["train", "tiny.toml", "--out", self.out, "--resume"]

    def bits(self):
        return run_bits(self.out)

    def look(self):
        newest = -1
        for path in store.checkpoint_paths(self.out):
            try:
                newest = max(newest, store.load_checkpoint(path)[2]["steps"])
            except SpinrnnError as error:
                self.wrong.append(f"a checkpoint that is not whole: {error}")
        if newest < self.newest:
            self.wrong.append(f"{self.out}: the newest checkpoint went back from step {self.newest} to {newest}")
        self.newest = newest
        for name, read in (("network.h5", store.load), ("summary.json", _json), ("config.toml", spinrnn.load_config)):
            if (self.out / name).exists():
                read(self.out / name)
        for path in self.out.rglob(".*.tmp"):  # complete, or refused
            with contextlib.suppress(SpinrnnError):
                store.load(path)


def _json(path):
    return json.loads(Path(path).read_text())


class Simulate(Program):
    def prepare(self):
        (self.folder / "c.toml").write_text("[network]\nlayers = [32, 32]\nsubsteps = 8\n")
        np.savez(self.folder / "u.npz", inputs=np.random.default_rng(0).random((1500, 1, 32)))
        self.path = self.folder / "t.h5"

    def command(self):
        return ["simulate", "c.toml", "--input", "u.npz", "--out", self.path, "--overwrite"]

    def bits(self):
        with spinrnn.open_trajectory(self.path) as file:
            file.check()
            return [np.asarray(x).tobytes() for x in (file.state[1], file.output[0], file.drive[1])], file.logits.tobytes()

    def look(self):
        if self.bits() != self.expected:
            self.wrong.append("the file from before is gone")
        for path in self.folder.glob(".t.h5.*.part"):
            with contextlib.suppress(SpinrnnError), spinrnn.open_trajectory(path) as file:
                file.check()  # killed between its last byte and its renaming: then it is complete
                if file.logits.tobytes() != self.expected[1]:
                    self.wrong.append(f"{path}: taken for complete")


class Sweep(Program):
    def prepare(self):
        (self.folder / "tiny.toml").write_text(TRAIN.format(20, 0.05))
        axes = '[sweep]\nname = "toy"\nbase = "tiny.toml"\nseeds = 3\n[[axes]]\nkey = "train.learning_rate"\nvalues = [1e-3, 1e-2]\n'
        (self.folder / "sweep.toml").write_text(axes)
        self.sweep = spinrnn.load_sweep(self.folder / "sweep.toml")

    def begin(self):
        super().begin()
        self.done = {}

    def command(self):
        # a point whose workers were killed three times before a checkpoint has failed, rightly
        return ["sweep", "run", "sweep.toml", "--out", self.out, "--jobs", 2, "--retry-failed"]

    def bits(self):
        results = SweepFolder(self.out).results(self.sweep.points)
        return {point.name: None if state is None else point_bits(arrays, state) for point, _, arrays, state in results}

    def victims(self, process):
        workers, whom = children(process.pid), self.rng.choice(("parent", "worker", "worker", "both"))
        if whom == "worker" and workers:
            return [self.rng.choice(workers)], False
        return [process.pid, *(workers if whom == "both" else [])], True

    def look(self):
        folder = SweepFolder(self.out)
        for point in self.sweep.points:
            path = folder.result_path(point.name)
            if not path.exists():
                if point.name in self.done:
                    self.wrong.append(f"{path} was complete and is gone")
                continue
            try:
                found = point_bits(*folder.load(point.digest, point.name))
            except SpinrnnError as error:
                self.wrong.append(f"a result that is not whole: {error}")
                continue
            if self.done.get(point.name, found) != found:
                self.wrong.append(f"{path} was complete and has changed")
            if found[0] == "done":
                self.done[point.name] = found
        for path in self.out.glob("runs/*/checkpoints/[0-9]*.h5"):
            with contextlib.suppress(FileNotFoundError):
                content = path.read_bytes()  # while other workers go on, and remove old ones
                copy = self.folder / "copy.h5"
                copy.write_bytes(content)
                try:
                    store.load_checkpoint(copy)
                except SpinrnnError as error:
                    self.wrong.append(f"a checkpoint that is not whole: {path}: {error}")

    def compare(self):
        left = sorted(p.name for p in self.out.iterdir() if p.name not in (".lock", "points", "sweep.json"))
        left += sorted(p.name for p in (self.out / "points").iterdir() if p.suffix != ".h5")
        if left:
            self.wrong.append(f"{self.out}: left over at the end: {left}")
        super().compare()

    def more(self):
        self.survived = getattr(self, "survived", 0) + 1


def kills(count, seed=0, tell=print):
    """Kills `count` times, training, simulation and sweeps in turn.

    Returns:
        (Counter of kills by program, and of the runs that ended before their kill; [(program, what is wrong)]).
    """
    rng, counts, wrong = random.Random(seed), collections.Counter(), []
    with tempfile.TemporaryDirectory() as folder:
        programs = [kind(Path(folder) / kind.__name__, rng) for kind in (Train, Simulate, Sweep)]
        turn = 0
        while sum(n for name, n in counts.items() if not name.endswith("itself")) < count:
            program, turn = programs[turn % 3], turn + 1
            name = type(program).__name__
            before = getattr(program, "survived", 0)
            counts[name] += program.kill()
            counts[f"{name}, a worker alone"] += getattr(program, "survived", 0) - before
            counts[f"{name} ended by itself"] = program.number
            for text in program.wrong:
                wrong.append((name, text))
                tell(f"{name}: {text}")
            program.wrong = []
            if turn % 5 == 0:
                tell(f"{time.strftime('%H:%M:%S')} {dict(counts)}")
        for program in programs:
            program.end()
            wrong += [(type(program).__name__, text) for text in program.wrong]
            for text in program.wrong:
                tell(f"{type(program).__name__}, at the end: {text}")
            shutil.rmtree(program.folder)
    counts = collections.Counter({name: n for name, n in counts.items() if n and not name.endswith("itself")})
    return counts, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts, wrong = kills(options.count, options.seed, lambda text: print(text, flush=True))
    for name, number in counts.items():
        print(f"{name:24} {number:4}")
    print(f"{sum(counts.values())} kills, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
