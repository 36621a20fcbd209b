"""Any path that holds a network, as the network and its configuration.

Such a path is the file of a network, a checkpoint, the result of a point of a sweep, a
trajectory file, a configuration (a fresh network) or the folder of a run, finished or
not.
"""

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinrnn.config import kinds
from spinrnn.config.run import DataConfig, RunConfig
from spinrnn.config.toml import load_config, read_config
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.known import Known
from spinrnn.datasets.loading import data_of
from spinrnn.errors import ConfigError, DataError, StoreError
from spinrnn.files.container import load_record, read_container
from spinrnn.files.seal import is_streamed
from spinrnn.files.text import read_json
from spinrnn.networks.ensemble import Ensemble
from spinrnn.networks.making import network_of
from spinrnn.networks.saved import config_in, network_of_arrays, network_of_checkpoint
from spinrnn.recordings.reading import open_trajectory
from spinrnn.runs.checkpoints import load_newest_checkpoint

KINDS = "kinds.json"
"""Of a run's or a sweep's folder: sources of kinds that are the user's."""
SUMMARY_KEYS = (
    "test_loss",
    "validation_loss",
    "best_epoch",
    "epochs",
    "seconds_training",
    "seconds_compiling",
    "data_sha256",
)
"""What a reader of summary.json may rely on."""


def load(path: str | Path) -> Any:
    """Reads a `Network` from a file or from the folder of a run, of an ensemble an
    `Ensemble`.

    Args:
        path: a file that `Network.save` wrote; or a checkpoint, the folder of a run or
            the result of a point of a sweep: then the network of the best epoch, so far
            where the run is not finished. That of a trajectory file is
            `open_trajectory(path).network`.
    Raises:
        StoreError: missing, truncated, damaged, foreign or too new, one line that says
            which.
    """
    path = Path(path)
    if is_ensemble(path):
        return _load_ensemble(path)
    if path.is_dir():
        _require_kinds(path)
        if not (path / "network.h5").exists():
            config, arrays, state = load_newest_checkpoint(path)
            return _knowing(network_of_checkpoint(path, config.network, arrays), Known.of(state))
        known = _summary_names(path)
        return _knowing(load_with_config(path / "network.h5")[0], known)
    return load_with_config(path)[0]


def _knowing(net, known):
    net.knows = known
    return net


def _summary_names(folder):
    """`Known` of a finished run; nothing of a folder that has no summary."""
    path = folder / "summary.json"
    return Known.of(read_json(path, SUMMARY_KEYS)) if path.is_file() else Known()


def member_paths(folder: str | Path, count: int) -> list[Path]:
    """Run folders of the members of an ensemble."""
    return [Path(folder) / f"member-{k}" for k in range(count)]


def is_ensemble(path: str | Path) -> bool:
    """Whether a path is the folder of an ensemble."""
    return member_paths(path, 1)[0].is_dir()


def _load_ensemble(path):
    config = read_config(path / "config.toml")
    if not (path / "summary.json").exists():
        raise StoreError(
            f"{path}: the ensemble is not complete; go on (spinrnn train --out {path} --resume), "
            f"or give one of its networks, as {path / 'member-0'}"
        )
    networks = [load(member) for member in member_paths(path, config.train.ensemble)]
    return Ensemble(networks, config.task.labelled)


def load_with_config(path):
    """(`Network`, `RunConfig` or None) of a file; the latter where it holds a run's."""
    kind, text, arrays = read_container(path)
    # of the folder of a run or a sweep, or of one within it
    for folder in Path(path).absolute().parents[:2]:
        if any((folder / name).is_file() for name in ("config.toml", "sweep.json")):
            _require_kinds(folder)
    config = config_in(path, text)
    if kind in ("checkpoint", "point"):
        return network_of_checkpoint(path, config.network, arrays), config
    return network_of_arrays(path, config.network, arrays), None


# ---- the folder of a run ----


@dataclass(frozen=True)
class StoredRun:
    """A run as its folder has it.

    Attributes:
        folder; config: `RunConfig`, with what was set; network: of the best epoch (so
            far).
        finished: whether it has its results; best_epoch: from 1, None before the first
            has ended.
        data_sha256: digest of the data that it was started with.
        known: names of their classes and input channels, units and rate.
    """

    folder: Path
    config: RunConfig
    network: Any
    finished: bool
    best_epoch: int | None
    data_sha256: str
    known: Known

    def check_data(self, digest):
        """Raises DataError unless the digest is that of the run's data."""
        check_data(self.data_sha256, digest, self.folder)

    @property
    def note(self):
        """What the user should know of a run that is not finished, else None."""
        if self.finished:
            return None
        return f"the run in {self.folder} is not finished, " + (
            "these are its initial weights"
            if self.best_epoch is None
            else "this is its best epoch so far"
        )


def check_kinds(folder):
    """Raises ConfigError if a kind of the user's is not known, or has changed since the
    run in the folder was started.
    """
    path = Path(folder) / KINDS
    if path.is_file():
        kinds.check_record(read_json(path, ()), folder)


def _require_kinds(folder):
    """`check_kinds` for a network, with a StoreError."""
    try:
        check_kinds(folder)
    except ConfigError as error:
        raise StoreError(str(error)) from None


def open_run(folder, settings=(), command="evaluate"):
    """`StoredRun` of a folder.

    Args:
        settings: ["KEY=VALUE", ...] of [network], [neuron] and [spread], and
            data.source and data.test where the data have moved, data.missing for new
            data.
        command: that asks, for the message.
    Raises:
        StoreError: no run, or a damaged one; ConfigError: other settings, or wrong
            ones.
    """
    folder = Path(folder)
    file = folder / "config.toml"
    if not file.is_file():
        raise StoreError(
            f"{folder}: no config.toml there; give the folder of a run, as spinrnn train writes it"
        )
    check_kinds(folder)
    stored, config = read_config(file), read_config(file, settings)
    own = {key: getattr(config.data, key) for key in ("source", "test", "missing")}
    moved = dataclasses.replace(stored.data, **own)
    if config.train != stored.train or config.data != moved:
        raise ConfigError(
            [
                f"--set: of a run, {command} takes keys of [network], [neuron] and "
                "[spread], data.source for data that have moved, and data.missing"
            ]
        )
    found = progress(folder)
    network = load(folder).replace(**vars(config.network))
    if not is_ensemble(folder):
        network.knows = found[3]
    return StoredRun(folder, config, network, *found)


def progress(folder):
    """(whether the run is finished, number of its best epoch or None, digest of its
    data, `Known` of them).
    """
    summary = folder / "summary.json"
    finished = summary.is_file()
    state = read_json(summary, SUMMARY_KEYS) if finished else load_newest_checkpoint(folder)[2]
    try:
        return finished, state["best_epoch"], state["data_sha256"], Known.of(state)
    except (KeyError, TypeError, AttributeError):
        raise StoreError(
            f"{folder}: its newest checkpoint is whole, but not one of a run; remove it"
        ) from None


def known_of(path: str | Path, run: StoredRun | None) -> Known | None:
    """What is known of the data of what `open_any` opened: a run, a checkpoint and a
    point of a sweep hold it; None of other paths.

    Raises:
        StoreError: the file cannot be read.
    """
    if run is not None:
        return run.known
    path = Path(path)
    if path.suffix == ".toml" or is_streamed(path):
        return None
    kind = read_container(path)[0]
    if kind not in ("checkpoint", "point"):
        return None
    state = load_record(path, kind)[2]
    # of a point they are in the results of its run
    found = state.get("summary") if kind == "point" else state
    return Known.of(found if isinstance(found, dict) else {})


def load_data(config: RunConfig, folder: str | Path) -> Dataset:
    """The data of the run in a folder, with what to do where they are not found.

    Raises:
        StoreError, DataError: they cannot be read.
    """
    try:
        return data_of(config, heads=reads_heads(folder))
    except (DataError, StoreError) as error:
        if all(Path(path).exists() for path in places_of(config.data)):
            raise
        raise type(error)(
            f"{error}; if the data of {folder} have moved, give their new place "
            "(--set data.source=PATH)"
        ) from None


def reads_heads(folder: str | Path) -> bool:
    """Whether the data of a run are read as now, with the units of their heads
    converted; those of earlier versions are not.
    """
    folder = member_paths(folder, 1)[0] if is_ensemble(folder) else folder
    with warnings.catch_warnings():
        # of damaged checkpoints, which are told when one is used
        warnings.simplefilter("ignore")
        try:
            return progress(folder)[3].units is not None
        except StoreError:
            return True


def places_of(data: DataConfig) -> list[str]:
    """Paths of the files that the data are read of."""
    return [path for path in (data.source, data.test) if path is not None]


def check_data(expected, digest, path):
    """Raises DataError unless the digest is that of the data which the run in `path`
    was started with.
    """
    if digest != expected:
        raise DataError(
            f"{path} was trained on other data than those found now, by their digest; restore "
            "them, or give their place (--set data.source=PATH, from Python data=...)"
        )


# ---- any path ----


def open_any(
    path: str | Path, settings: Sequence[str] = (), command: str = "simulate"
) -> tuple[Any, RunConfig | None, StoredRun | None]:
    """(`Network`, `RunConfig` or None, `StoredRun` or None) of any path that holds a
    network.

    Args:
        settings: ["KEY=VALUE", ...], for a configuration and for a run as of
            `open_run`.
    Raises:
        StoreError: it cannot be read; ConfigError: settings that it cannot take.
    """
    path = Path(path)
    if path.is_dir():
        if is_ensemble(path) and command != "predict":
            raise StoreError(
                f"{path}: an ensemble; {command} takes one network, as {path / 'member-0'}"
            )
        run = open_run(path, settings, command)
        return run.network, run.config, run
    if path.suffix == ".toml":
        config = load_config(path, settings)
        return network_of(config.network, seed=config.train.seed), config, None
    if settings:
        raise ConfigError(["--set: goes with the folder of a run or with a CONFIG.toml"])
    if is_streamed(path):
        with open_trajectory(path) as file:
            return file.network, None, None
    network, config = load_with_config(path)
    return network, config, None
