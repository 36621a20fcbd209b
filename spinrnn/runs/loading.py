"""Any path that holds a network, a file or the folder of a run, as the network and its configuration."""

from pathlib import Path

from spinrnn.errors import (
    DataError,
    StoreError,
)
from spinrnn.files.container import read_container
from spinrnn.networks.saved import _checkpoint_network, config_of, devices_in, network_from
from spinrnn.runs.checkpoints import load_newest_checkpoint
from spinrnn.synapses.layout import Layout


def load(path):
    """Reads a `Network` from a file that `Network.save` wrote, from a checkpoint (its best epoch so far) or from a run folder.

    The result file of a point of a sweep has the network of its best epoch, too; `open_trajectory(path).network` is that of a trajectory file.

    Raises:
        StoreError: missing, truncated, damaged, foreign or too new, one line that says which.
    """
    path = Path(path)
    if path.is_dir():
        if not (path / "network.h5").exists():
            return _checkpoint_network(*load_newest_checkpoint(path)[:2], path)
        path = path / "network.h5"
    return load_with_config(path)[0]


def load_with_config(path):
    """(`Network`, `RunConfig`) of a file, as `load` reads it; the latter None where the file knows its network only."""
    kind, toml, arrays = read_container(path)
    config = config_of(path, toml)
    if kind in ("checkpoint", "point"):
        return _checkpoint_network(config, arrays, path), config
    layout = Layout(config.network)
    sparse = config.network.density_int < 1 or config.network.density_ext < 1

    def blocks(prefix, kinds):
        for name, (_, shape) in layout.blocks.items():
            stored = arrays.get(f"{prefix}/{name}")
            if stored is None or stored.shape != shape or stored.dtype.kind not in kinds:
                raise StoreError(
                    f"{path}: the dataset {prefix}/{name} is missing or not of the shape {shape}; the file does not fit its configuration"
                )
        return {name: arrays[f"{prefix}/{name}"] for name in layout.blocks}

    return network_from(
        config.network,
        blocks("parameters", "f"),
        blocks("mask", "bu") if sparse else None,
        devices_in(path, arrays, config.network),
    ), None


SUMMARY_KEYS = (
    "test_accuracy", "test_loss", "test_accuracy_fine", "test_loss_fine", "substeps", "substeps_fine", "validation_accuracy", "best_epoch",
    "epochs", "seconds_training", "seconds_compiling", "data_sha256",
)  # fmt: skip
"""What a reader of summary.json may rely on."""


def check_data(expected, digest, path):
    """Raises DataError unless the digest is that of the data which the run in `path` was started with."""
    if digest != expected:
        raise DataError(
            f"{path} was trained on other data than those found now; restore them, or give them again (from Python data=...)"
        )
