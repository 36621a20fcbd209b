"""The files of one run: which there are, what they are for, and going on with them after a kill."""

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
from pathlib import Path

from spinrnn.config.run import automatic, to_tables
from spinrnn.config.toml import load_config, to_toml
from spinrnn.errors import (
    ConfigError,
    SpinrnnError,
    StoreError,
    reason_of,
)
from spinrnn.files.atomic import make_folder, remove_all_stale, warn_of_no_locks, write_atomic
from spinrnn.files.text import read_json, write_json
from spinrnn.machine.environment import describe
from spinrnn.networks.recurrent import Network
from spinrnn.runs import checkpoints, loading
from spinrnn.runs.loading import SUMMARY_KEYS, check_data


@dataclasses.dataclass
class Result:
    """What a training run gives back.

    Attributes:
        network: the network of the best epoch; summary: dict, as summary.json; history: records of the epochs; folder: Path or None.
    """

    network: Network
    summary: dict
    history: list
    folder: Path | None


class Folder:
    """The files of one run."""

    def __init__(self, path):
        self.path = Path(path)
        self._lock = None

    @property
    def complete(self):
        return (self.path / "summary.json").exists()

    def settle(self, config, resume):
        """The configuration to use: the run's own when it is continued, else the given one.

        Raises:
            StoreError: the folder holds something that must not be overwritten; ConfigError: it was made with another configuration.
        """
        own = self.path / "config.toml"
        if own.exists():
            if not resume:
                raise StoreError(
                    f"{self.path} holds another run; continue it (--resume, from Python resume=True) or choose another folder (--out)"
                )
            stored = load_config(own)
            changed = [] if config is None else differences(stored, config)
            if changed:
                where = f"{self.path} was started with another configuration, choose another folder (--out) or ask for the same"
                raise ConfigError(changed, where)
            return stored
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"{self.path} is a file; choose another folder (--out)")
        if self.path.is_dir() and any(not p.name.startswith(".") for p in self.path.iterdir()):
            raise StoreError(
                f"{self.path} is not empty and not a run; choose another folder (--out)"
            )
        return config

    def open(self, trainer, resume):
        """Writes what a new run starts with, or takes the trainer to where the old one was."""
        make_folder(self.path)
        self._take_lock()
        self.settle(trainer.config, resume)  # again, as another process may have been quicker
        write_atomic(self.path / "config.toml", to_toml(trainer.config))
        write_json(self.path / "environment.json", describe())
        make_folder(self.path / "checkpoints")
        for folder in (self.path, self.path / "checkpoints"):
            remove_all_stale(folder)
        if checkpoints.checkpoint_paths(self.path):
            self._restore(trainer)
        else:
            self.checkpoint(trainer)
        # records after the checkpoint belong to work that was lost with the kill
        write_atomic(
            self.path / "metrics.jsonl",
            "".join(json.dumps(record) + "\n" for record in trainer.history),
        )

    def _take_lock(self):
        """Keeps others out of the folder until `close`, or until this process ends, however it ends.

        Raises:
            StoreError: another process is at work in it.
        """
        try:
            self._lock = open(self.path / ".lock", "w")  # noqa: SIM115 - held open as long as the run lasts
        except OSError as error:
            raise StoreError(f"cannot write {self.path / '.lock'}: {reason_of(error)}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"another process is training in {self.path}; wait for it or choose another folder (--out)"
            ) from None
        except OSError as error:
            warn_of_no_locks(error, self.path)

    def close(self):
        """Lets other processes, and the next call in this one, into the folder."""
        if self._lock is not None:
            self._lock.close()

    def _restore(self, trainer):
        stored, arrays, state = checkpoints.load_newest_checkpoint(self.path)
        changed = [
            d for d in differences(stored, trainer.config) if not d.startswith("data.source")
        ]  # data are known by their digest
        if changed:
            raise ConfigError(changed, f"{self.path}: the checkpoints are not of this config.toml")
        try:
            check_data(state["data_sha256"], trainer.data_digest, self.path)
            trainer.restore(arrays, state)
        except SpinrnnError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"its newest checkpoint is whole, but not one of a run ({type(error).__name__}: {error})"
            raise StoreError(
                f"{self.path}: {reason}; remove the checkpoint, or begin in a new folder"
            ) from None

    def append(self, record):
        """Adds a line to metrics.jsonl; on a full disk all of it or nothing."""
        path, line = self.path / "metrics.jsonl", (json.dumps(record) + "\n").encode()
        try:
            with open(path, "ab", buffering=0) as file:
                before = os.fstat(file.fileno()).st_size
                try:
                    if file.write(line) < len(line):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                except OSError:
                    file.truncate(before)
                    raise
        except OSError as error:
            raise StoreError(f"cannot write {path}: {reason_of(error)}") from None

    def checkpoint(self, trainer):
        """Writes a checkpoint named by the number of steps, and removes all but the newest `train.checkpoints`."""
        arrays, state = trainer.state()
        state["data_sha256"] = trainer.data_digest
        checkpoints.save_checkpoint(
            self.path / "checkpoints" / f"{trainer.adam.steps:08d}.h5",
            trainer.config,
            arrays,
            state,
        )
        for old in checkpoints.checkpoint_paths(self.path)[trainer.config.train.checkpoints :]:
            with contextlib.suppress(OSError):  # one too many does no harm
                old.unlink(missing_ok=True)

    def finish(self, net, history, summary, pictures):
        net.save(self.path / "network.h5")
        if pictures:
            from spinrnn import plotting as figures
            from spinrnn.tasks import (
                figures as figures_,  # matplotlib takes longer to import than everything else
            )

            figures.save(figures_.training_curves(history)[0], self.path / "curves.png")
            figures.save(
                figures_.confusion_matrix(summary["confusion"]), self.path / "confusion.png"
            )
        write_json(self.path / "summary.json", summary)

    def result(self):
        """The `Result` of a complete run."""
        summary = read_json(self.path / "summary.json", SUMMARY_KEYS)
        _, _, state = checkpoints.load_newest_checkpoint(self.path)
        if not isinstance(state, dict) or not isinstance(state.get("history"), list):
            raise StoreError(
                f"{self.path}: its newest checkpoint is whole, but has no history; remove it"
            )
        return Result(loading.load(self.path), summary, state["history"], self.path)


def differences(stored, given):
    """What a configuration asks for that is not in the stored one of a run: a text for each key, none if it is the same run.

    A key that follows automatically is no difference from the same value written down: folders of earlier versions have such values.
    """
    follows = automatic(given)
    pairs = zip(to_tables(stored).items(), to_tables(given).values(), strict=True)
    return [
        f"{section}.{key}: {json.dumps(old)} there, {json.dumps(new[key])} asked for"
        for (section, table), new in pairs
        for key, old in table.items()
        if json.dumps(old) != json.dumps(new[key]) and (new[key] is not None or old != follows[key])
    ]
