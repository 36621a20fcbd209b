"""Checkpoints of a run: written, read, and the newest one that is whole."""

import warnings
from pathlib import Path

from spinrnn.config.toml import to_toml
from spinrnn.errors import StoreError
from spinrnn.files.container import load_record, save_record
from spinrnn.networks.saved import config_in


def save_checkpoint(path, config, arrays, state):
    """Writes flat arrays by name and `state`, anything that JSON can hold, for
    `load_checkpoint`.
    """
    save_record(path, "checkpoint", to_toml(config), arrays, state)


def load_checkpoint(path):
    """(`RunConfig`, {name: array}, state) of a checkpoint; StoreError as in
    `spinrnn.load`.
    """
    toml, arrays, state = load_record(path, "checkpoint")
    return config_in(path, toml), arrays, state


def checkpoint_paths(folder):
    """Checkpoints of a run folder, newest first."""
    return sorted(Path(folder).glob("checkpoints/[0-9]*.h5"), reverse=True)


def load_newest_checkpoint(folder):
    """`load_checkpoint` of the newest one that is whole; warns of each damaged one by
    name.

    Raises:
        StoreError: there is none, or none is whole.
    """
    paths = checkpoint_paths(folder)
    if not paths:
        raise StoreError(
            f"{folder}: no network.h5 and no checkpoint; is it a run folder of spinrnn?"
        )
    for path in paths:
        try:
            return load_checkpoint(path)
        except StoreError as error:
            last = error
            # with no record of those that were shown, so that each is shown, also again
            warnings.warn_explicit(
                f"skipped a checkpoint that cannot be used: {error}", UserWarning, __file__, 1
            )
    raise StoreError(f"{folder}: no checkpoint can be used; the last one tried: {last}")
