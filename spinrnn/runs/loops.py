"""A device in the loop of a run in a folder: which one it is, by name and source, the
log of its calls, and the callable that a user names on the command line.

Only what the user types makes a module run: a folder's `forward.json` is compared, and
nothing in it is imported.
"""

import hashlib
import importlib
import inspect
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config import kinds
from spinrnn.errors import ConfigError, StoreError
from spinrnn.files.calls import PARTS, CallLog, Planned
from spinrnn.files.text import read_json, write_json
from spinrnn.learning.loop import Loop, said_of
from spinrnn.learning.readings import shapes_of
from spinrnn.learning.trainer import Trainer
from spinrnn.runs.checkpoints import checkpoint_paths

RECORD, LOG = "forward.json", "calls.h5"
"""Of a run's folder: which device is in the loop, and the log of its calls."""


@dataclass(frozen=True, eq=False)
class Named:
    """A callable by the name that the user typed for it, MODULE:NAME or FILE.py:NAME.

    Attributes:
        name: as typed; forward: what it names.
    """

    name: str
    forward: Callable[[Any], Any]

    def __call__(self, call: Any) -> Any:
        return self.forward(call)


def named(text: str) -> Named:
    """The callable of a text MODULE:NAME, looked for in this folder too, or
    FILE.py:NAME; it runs the module.

    Raises:
        ConfigError: it is no such text, or names no callable; StoreError: the module
        is not found, or fails.
    """
    place, colon, name = text.rpartition(":")
    if not (place and colon and name.isidentifier()):
        example = "as lab:device of lab.py, or drivers/lab.py:device"
        raise ConfigError([f"--forward: must be MODULE:NAME, {example}; got {text!r}"])
    module = _of_file(place) if place.endswith(".py") else _of_module(place)
    if not hasattr(module, name):
        raise ConfigError([f"--forward: {place} has nothing of the name {name}"])
    found = getattr(module, name)
    if isinstance(found, type) or not callable(found):
        what = "a class" if isinstance(found, type) else f"a {type(found).__name__}"
        raise ConfigError(
            [f"--forward: {name} of {place} is {what}; name a callable, f(call), or an instance"]
        )
    return Named(text, found)


def _of_file(path):
    kinds.use(path)
    return kinds.module_of(path)


def _of_module(name):
    # a program that is installed does not look into the folder that it runs in
    sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise StoreError(f"--forward: {name} needs {error.name}, which is missing") from error
        advice = "give a module of this folder or an installed one, or FILE.py:NAME"
        raise StoreError(f"--forward: there is no module {name}; {advice}") from None
    # whatever the user's code may come to
    except Exception as error:
        raise StoreError(f"--forward: {name} cannot be imported: {said_of(error)}") from error
    finally:
        sys.path.remove("")


# ---- which device it is ----


def record_of(forward: Any) -> dict[str, str]:
    """{"forward": name, and where it has a file "file" and its "sha256"} of a callable,
    an instance by its class.
    """
    inner = forward.forward if isinstance(forward, Named) else forward
    inner = getattr(inner, "func", inner)
    code = inner if hasattr(inner, "__qualname__") else type(inner)
    name = f"{code.__module__}:{code.__qualname__}"
    found = {"forward": forward.name if isinstance(forward, Named) else name}
    try:
        file = inspect.getsourcefile(sys.modules[code.__module__])
        assert file is not None
        digest = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    # a notebook, a built-in function, a file that has gone
    except (KeyError, TypeError, AssertionError, OSError):
        return found
    return {**found, "file": file, "sha256": digest}


def check(folder: Path, forward: Any) -> None:
    """Raises ConfigError unless the run in a folder was begun with a device of this
    name in the loop, or without one where there is none now.
    """
    if not checkpoint_paths(folder):
        # nothing was asked yet
        return
    before = read_json(folder / RECORD, ("forward",)) if (folder / RECORD).is_file() else None
    if before is None and forward is not None:
        raise ConfigError(
            [f"forward: {folder} was begun without a device in the loop; begin in a new folder"]
        )
    if before is None:
        return
    name, way = before["forward"], "give it (--forward MODULE:NAME, from Python forward=...)"
    if forward is None:
        raise ConfigError([f"forward: {folder} has the device {name} in the loop; {way}"])
    now = record_of(forward)["forward"]
    if now != name:
        raise ConfigError(
            [f"forward: {folder} has the device {name} in the loop, this is {now}; {way}"]
        )


def device_of(folder: str | Path) -> str | None:
    """The name of the device in the loop of a run, None where there is none."""
    path = Path(folder) / RECORD
    return read_json(path, ("forward",))["forward"] if path.is_file() else None


def note_of(folder: str | Path | None, forward: Any) -> str | None:
    """What the user should know where a run was trained with a device in the loop and
    its twin answers, else None.
    """
    device = None if folder is None or forward is not None else device_of(folder)
    if device is None:
        return None
    return (
        f"{folder} was trained with the device {device} in the loop; this is its twin's answer, "
        "forward= (--forward MODULE:NAME) asks the device"
    )


def keep(folder: Path, trainer: Trainer) -> CallLog | None:
    """Writes which device is in the loop, and opens the log of its calls for it; warns
    where its source has changed since the run was begun.
    """
    loop, path = trainer.loop, folder / RECORD
    if loop is None:
        return None
    now = record_of(loop.forward)
    known = read_json(path, ("forward",)) if path.is_file() else {**now, "sources": []}
    sources = list(known.get("sources", []))
    digest = now.get("sha256")
    if not sources or sources[-1].get("sha256") != digest:
        if sources:
            warnings.warn(
                f"{folder}: {now['forward']} has changed since ({now.get('file')}); calls from "
                f"step {trainer.learner.steps + 1} on are of the new source, forward.json has both",
                stacklevel=2,
            )
        own = {name: now[name] for name in ("file", "sha256") if name in now}
        sources.append({**own, "from_step": trainer.learner.steps + 1})
    write_json(path, {"forward": now["forward"], "sources": sources})
    loop.log = CallLog(folder / LOG, planned(trainer), f"calls of {now['forward']}")
    return loop.log


def planned(trainer: Trainer) -> Planned:
    """All calls that a training will make at most."""
    c, cases = trainer.config, len(trainer.training)
    whole, rest = divmod(cases, c.train.batch)
    batches = [c.train.batch] * whole + ([rest] if rest else [])
    epochs, each = trainer.epochs, trainer.batches + 1
    parts = trainer.training, trainer.validation, trainer.test
    points = max(part.inputs.shape[2] for part in parts)
    shapes = shapes_of(c.network, points)
    kinds_of = [PARTS.index("training")] * trainer.batches + [PARTS.index("validation")]
    sizes = [*batches, len(trainer.validation)]
    return Planned(
        np.array([*kinds_of * epochs, PARTS.index("test")], dtype=np.uint8),
        np.append(np.repeat(np.arange(1, epochs + 1), each), 0).astype(np.int32),
        np.array([*[*range(1, each), 0] * epochs, 0], dtype=np.int32),
        np.array([*sizes * epochs, len(trainer.test)], dtype=np.int32),
        shapes["outputs"],
        shapes["features"],
    )


def loop_of(forward: Any, retries: int, wait: float, stop: Any, config: Any) -> Loop | None:
    """The device of `train`, None without one.

    Raises:
        ConfigError: it, its settings or the run cannot be.
    """
    if forward is None:
        return None
    problems = []
    if config.train.ensemble > 1:
        count = config.train.ensemble
        problems.append(f"train.ensemble: {count} networks cannot share a device; train one each")
    problems += _deaf(config)
    try:
        loop = Loop(forward, retries, wait, stop=stop)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    return loop


def _deaf(config):
    """That an estimator would take no notice of what a device has measured."""
    estimator = config.train.estimator
    if estimator.hears_devices and not estimator.at_once:
        return []
    once = " all at once" if estimator.at_once else ""
    others = "adjoint" in config.network.abilities
    advice = ('take "bptt", or ' if others else "") + "leave the device out"
    learns = f"{estimator.kind} learns{once} of the network's own states"
    return [f"estimator.kind: {learns}, which a device in the loop does not give; {advice}"]
