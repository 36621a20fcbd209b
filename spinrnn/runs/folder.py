"""The files of one run: which there are, when they are written, going on with them.

The order of writing is what makes a kill harmless: configuration first, checkpoints
whenever time has passed, `summary.json` after the network, pictures last. A run that
has a summary is complete; anything else goes on from its newest whole checkpoint.
runs/README.md lists the files.
"""

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from spinrnn.config import kinds
from spinrnn.config.run import RunConfig, automatic, to_tables
from spinrnn.config.toml import read_config, to_toml
from spinrnn.datasets.loading import data_of
from spinrnn.errors import ConfigError, SpinrnnError, StoreError, reason_of
from spinrnn.files.atomic import make_folder, remove_all_stale, warn_of_no_locks, write_atomic
from spinrnn.files.text import read_json, write_json
from spinrnn.learning.trainer import Trainer
from spinrnn.machine.environment import describe
from spinrnn.networks.base import BaseNetwork
from spinrnn.runs import checkpoints, loading, loops
from spinrnn.runs.loading import SUMMARY_KEYS, check_data

PICTURES = ("curves.png", "confusion.png")


class Folder:
    """The files of one run.

    Attributes:
        path: of the folder, which need not exist yet.
    """

    path: Path

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._lock: IO[str] | None = None
        self._log: Any = None

    @property
    def _config_file(self) -> Path:
        return self.path / "config.toml"

    @property
    def started(self) -> bool:
        """Whether there is a run in the folder."""
        return self._config_file.exists()

    @property
    def complete(self) -> bool:
        """Whether there is one, and it has its results."""
        return self.started and (self.path / "summary.json").exists()

    # ---- the start ----

    def settle(self, config: RunConfig | None, resume: bool) -> RunConfig | None:
        """The configuration to use: that of a run which goes on, else the given one.

        Where the given one names another place of the data, so does the result: whether
        they are the same data is seen by their digest.

        Raises:
            StoreError: the folder holds something that must not be overwritten;
                ConfigError: the run in it was started with another configuration.
        """
        if not self.started:
            self._check_free()
            return config
        if not resume:
            raise StoreError(
                f"{self.path} holds a run already; continue it (--resume, from Python resume=True) "
                "or choose another folder (--out)"
            )
        loading.check_kinds(self.path)
        stored = read_config(self._config_file)
        if config is None:
            return stored
        changed = differences(stored, config)
        if changed:
            raise ConfigError(
                changed,
                f"{self.path} was started with another configuration, choose another folder "
                "(--out) or ask for the same",
            )
        moved = dataclasses.replace(stored.data, source=config.data.source, test=config.data.test)
        return dataclasses.replace(stored, data=moved)

    def _check_free(self) -> None:
        """Raises StoreError if the place is taken by something that is no run."""
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"{self.path} is a file; choose another folder (--out)")
        if self.path.is_dir() and any(not p.name.startswith(".") for p in self.path.iterdir()):
            raise StoreError(
                f"{self.path} is not empty and not a run; choose another folder (--out)"
            )

    def check_device(self, forward: Any) -> None:
        """ConfigError where a run that goes on has another device in the loop."""
        if not self.complete:
            loops.check(self.path, forward)

    def open(self, trainer: Trainer, resume: bool) -> None:
        """Writes what a new run starts with, or takes the trainer to where the old was.

        Raises:
            StoreError: it cannot be written, or another process is at work in it;
            ConfigError: as `settle`; DataError: the data are not those of the run.
        """
        make_folder(self.path)
        self._take_lock()
        # once more, as another process may have been quicker
        self.settle(trainer.config, resume)
        going_on = bool(checkpoints.checkpoint_paths(self.path))
        if going_on:
            # before anything is written, as these may be other data
            self._restore(trainer)
        self.keep_config(trainer.config, same_data=going_on)
        write_json(self.path / "environment.json", describe())
        sources = kinds.record_of(trainer.config.kinds)
        if sources:
            write_json(self.path / loading.KINDS, sources)
        self._log = loops.keep(self.path, trainer)
        make_folder(self.path / "checkpoints")
        for folder in (self.path, self.path / "checkpoints"):
            remove_all_stale(folder)
        if not going_on:
            self.checkpoint(trainer)
        # records after the checkpoint belong to work that was lost with the kill
        lines = [json.dumps(record) + "\n" for record in trainer.history]
        write_atomic(self.path / "metrics.jsonl", "".join(lines))

    def begin(self, config: RunConfig, resume: bool) -> None:
        """Writes what the folder of an ensemble starts with.

        Raises:
            StoreError, ConfigError: as `open`.
        """
        make_folder(self.path)
        self._take_lock()
        self.settle(config, resume)
        self.keep_config(config, same_data=False)

    def moved(self, config: RunConfig) -> str | None:
        """The place of the data so far, if the configuration names another one."""
        if not self.started:
            return None
        before, now = (
            loading.places_of(data) for data in (read_config(self._config_file).data, config.data)
        )
        return None if before == now else " and ".join(before)

    def keep_config(self, config: RunConfig, same_data: bool) -> None:
        """Writes config.toml; warns where it names a new place of the data.

        Args:
            same_data: their digest is that of the run's data.
        """
        before = self.moved(config)
        write_atomic(self._config_file, to_toml(config))
        if before is not None:
            digest = ", the same data by their digest" if same_data else ""
            warnings.warn(
                f"{self.path}: its data.source is now "
                f"{' and '.join(loading.places_of(config.data))}{digest}; "
                f"it was {before}",
                stacklevel=2,
            )

    def _take_lock(self) -> None:
        """Keeps others out of the folder until `close`, or until this process ends.

        Raises:
            StoreError: another process is at work in it.
        """
        try:
            self._lock = open(self.path / ".lock", "w")  # noqa: SIM115 - until `close`
        except OSError as error:
            raise StoreError(f"cannot write {self.path / '.lock'}: {reason_of(error)}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"another process is training in {self.path}; wait for it or choose another "
                "folder (--out)"
            ) from None
        except OSError as error:
            warn_of_no_locks(error, self.path)

    def close(self) -> None:
        """Lets other processes, and the next call in this one, into the folder."""
        if self._log is not None:
            self._log.close()
            self._log = None
        if self._lock is not None:
            self._lock.close()

    def _restore(self, trainer: Trainer) -> None:
        stored, arrays, state = checkpoints.load_newest_checkpoint(self.path)
        changed = differences(stored, trainer.config)
        if changed:
            raise ConfigError(changed, f"{self.path}: the checkpoints are not of this config.toml")
        try:
            check_data(state["data_sha256"], trainer.data_digest, self.path)
            trainer.restore(arrays, state)
        except SpinrnnError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(
                f"{self.path}: its newest checkpoint is whole, but not one of a run "
                f"({type(error).__name__}: {error}); remove the checkpoint, or begin in a new "
                "folder"
            ) from None

    # ---- while it goes on ----

    def append(self, record: dict[str, Any]) -> None:
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

    def checkpoint(self, trainer: Trainer) -> None:
        """Writes a checkpoint named by the number of steps.

        Of the earlier ones the newest stay, `train.checkpoints` with this one.
        """
        arrays, state = trainer.state()
        state["data_sha256"] = trainer.data_digest
        path = self.path / "checkpoints" / f"{trainer.learner.steps:08d}.h5"
        checkpoints.save_checkpoint(path, trainer.config, arrays, state)
        for old in checkpoints.checkpoint_paths(self.path)[trainer.config.train.checkpoints :]:
            # one too many does no harm
            with contextlib.suppress(OSError):
                old.unlink(missing_ok=True)

    # ---- the end ----

    def finish(self, net: BaseNetwork, summary: dict[str, Any]) -> None:
        """Writes the network, then the numbers: from now on the run is complete."""
        net.save(self.path / "network.h5")
        self.conclude(summary)

    def conclude(self, summary: dict[str, Any]) -> None:
        """Writes the numbers, after all else but pictures."""
        write_json(self.path / "summary.json", summary)

    def summary(self) -> dict[str, Any]:
        """The numbers of a complete run."""
        return read_json(self.path / "summary.json", SUMMARY_KEYS)

    def results(self) -> tuple[BaseNetwork, dict[str, Any], list[dict[str, Any]]]:
        """(network of the best epoch, summary, history) of a complete run."""
        summary = self.summary()
        _, _, state = checkpoints.load_newest_checkpoint(self.path)
        if not isinstance(state, dict) or not isinstance(state.get("history"), list):
            raise StoreError(
                f"{self.path}: its newest checkpoint is whole, but has no history; remove it"
            )
        return loading.load(self.path), summary, state["history"]

    def draw(
        self,
        history: list[dict[str, Any]],
        summary: dict[str, Any],
        names: Iterable[str] = PICTURES,
    ) -> None:
        """Draws the pictures; for those that cannot be drawn there is one warning."""
        failed = {}
        for name in names:
            try:
                _draw(self.path / name, history, summary)
            except Exception as error:
                # whatever matplotlib, its fonts or the disk may come to
                failed[name] = reason_of(error)
        if failed:
            reasons = " and ".join(dict.fromkeys(failed.values()))
            warnings.warn(
                f"{self.path}: cannot draw {' and '.join(failed)}: {reasons}; the numbers are in "
                "summary.json and metrics.jsonl",
                stacklevel=2,
            )

    def missing_pictures(self) -> list[str]:
        """Those that an earlier attempt did not come to."""
        return [name for name in PICTURES if not (self.path / name).exists()]


def _draw(path: Path, history: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    # matplotlib takes longer to import than everything else
    from spinrnn import plotting
    from spinrnn.tasks import figures

    if path.name == "curves.png":
        plotting.save(figures.training_curves(history)[0], path)
    elif "confusion" in summary:
        named = summary.get("classes")
        plotting.save(figures.confusion_matrix(summary["confusion"], classes=named), path)


# ---- which run is meant ----


def differences(stored: RunConfig, given: RunConfig) -> list[str]:
    """What a configuration asks for that is not in the stored one of a run.

    The place of the data is no difference, as data are known by their digest; nor is a
    key that follows automatically from the same value written down, as folders of
    earlier versions have such values.

    Returns:
        A text for each key; none if it is the same run.
    """
    follows = automatic(given)
    known, asked, changed = _by_key(to_tables(stored)), _by_key(to_tables(given)), []
    open_keys = {"data.source", "data.test", *(f"network.{key}" for key in given.network.follows)}
    for key in {**known, **asked}:
        old, new = known.get(key), asked.get(key)
        automatically = new is None and old == follows.get(key.rpartition(".")[2])
        if key not in open_keys and old != new and not automatically:
            changed.append(f"{key}: {json.dumps(old)} there, {json.dumps(new)} asked for")
    return changed


def _by_key(tables):
    """{"train.seed": value, ...} of tables; of several neurons neuron[0].kind ..."""
    found = {}
    for section, table in tables.items():
        rows = {section: table}
        if isinstance(table, list):
            rows = {f"{section}[{i}]": row for i, row in enumerate(table)}
        for place, row in rows.items():
            found |= {f"{place}.{key}": value for key, value in row.items()}
    return found


def newest_run(folder: str | Path, config: RunConfig | None = None) -> Path | None:
    """The run in one of the folders of this one that was written to last.

    Args:
        config: only runs of this configuration; None means of any. Where the data have
            another place than those of a run, their digest decides; a run of the same
            place comes first.
    Returns:
        Its folder; None if there is none.
    """
    here, elsewhere = [], []
    for path in Path(folder).glob("*/config.toml"):
        # a damaged one is not the one that is meant
        with contextlib.suppress(SpinrnnError):
            stored = read_config(path)
            if config is None or not differences(stored, config):
                same = config is None or stored.data.source == config.data.source
                (here if same else elsewhere).append(path.parent)
    if config is not None and elsewhere and not here:
        here = _of_these_data(elsewhere, config)
    return max(here, key=_last_written, default=None)


def _of_these_data(folders: list[Path], config: RunConfig) -> list[Path]:
    """Those whose data are the ones of the configuration."""
    digest, found = data_of(config).digest(), []
    for folder in folders:
        with contextlib.suppress(SpinrnnError):
            if loading.progress(folder)[2] == digest:
                found.append(folder)
    return found


def _last_written(folder: Path) -> float:
    return max(path.stat().st_mtime for path in folder.iterdir())
