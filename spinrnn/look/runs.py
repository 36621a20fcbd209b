"""What a run folder holds: its network, what it was trained on, and how far it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinrnn.datasets.known import Known
from spinrnn.runs.loading import open_run


@dataclass(frozen=True)
class RunLook:
    """A run.

    Attributes:
        folder: of the run; finished: whether it has its results; best_epoch: from 1, of
            an ensemble those of its members, None before the first has ended.
        kind: of the network; layers: their neurons; neurons, or activation: kinds;
            synapses: kinds of the blocks of each layer, or one for all.
        task, estimator, writer: kinds, the last "none" of a rule that asks none;
            source: of the data; frontend: what is made of samples, "none" for nothing.
        known: names, units and rate of the data; network: of the best epoch.
    """

    folder: str
    finished: bool
    best_epoch: Any
    kind: str
    layers: tuple[int, ...]
    neurons: tuple[str, ...]
    synapses: tuple[str, ...]
    task: str
    estimator: str
    writer: str
    source: str
    frontend: str
    known: Known
    network: Any

    def plain(self) -> dict[str, Any]:
        """For JSON: all but the network."""
        own = {name: value for name, value in vars(self).items() if name != "network"}
        return {**own, "known": self.known.record()}


def is_run(path: str | Path) -> bool:
    """Whether a path is the folder of a run."""
    return (Path(path) / "config.toml").is_file()


def look_at_run(folder: str | Path) -> RunLook:
    """Looks at a run.

    Raises:
        StoreError: it cannot be read.
    """
    # an ensemble is opened as for predictions
    run = open_run(folder, command="look")
    config, net = run.config, run.network
    asked = not (config.train.estimator.local or config.train.estimator.at_once)
    neurons = [kind for kind in config.network.kinds if kind.role in ("neuron", "activation")]
    return RunLook(
        str(folder),
        run.finished,
        run.best_epoch,
        config.network.kind,
        tuple(config.network.layers),
        _kinds(neurons),
        _kinds(config.network.synapses),
        config.task.kind,
        config.train.estimator.kind,
        config.train.writer.kind if asked else "none",
        config.data.source,
        config.data.frontend,
        run.known,
        net,
    )


def _kinds(parts):
    """Kinds of parts; one where all are the same."""
    found = tuple(part.kind for part in parts)
    return found[:1] if len(set(found)) == 1 else found


def _sizes(look):
    """The layers of a run's network, or where it has none what it takes and gives."""
    if look.layers or look.network is None:
        return f"layers {', '.join(map(str, look.layers))}"
    return f"{look.network.config.inputs} inputs, {look.network.config.outputs} outputs"


def lines_of_run(look: RunLook) -> list[str]:
    """A look as lines for people."""
    state = "finished" if look.finished else "not finished"
    best = "no epoch has ended" if look.best_epoch is None else f"best epoch {look.best_epoch}"
    known = look.known
    units = [unit or "unknown" for unit in known.units or ()]
    writer = "" if look.writer == "none" else f", written by {look.writer}"
    rows = {
        "run": f"{state}, {best}",
        "network": f"{look.kind}, {_sizes(look)}",
        "neurons": ", ".join(look.neurons),
        "synapses": ", ".join(look.synapses),
        "learned": f"{look.task} by {look.estimator}{writer}",
        "data": look.source,
        "frontend": look.frontend + (f", sounds of {known.rate:g} Hz" if known.rate else ""),
        "classes": ", ".join(known.classes or ()),
        "channels": ", ".join(known.channels or ()),
        "targets": ", ".join(known.targets or ()),
        "units": ", ".join(units) if any(known.units or ()) else "",
    }
    width = max(map(len, rows))
    return [look.folder, "", *(f"  {name:{width}}  {text}" for name, text in rows.items() if text)]
