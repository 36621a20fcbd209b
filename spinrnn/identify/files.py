"""The files of a fitted synapse, FILE.toml with its numbers in FILE.json and its
picture in FILE.png, and those of fitted lines: lines.json, lines.csv, lines.png in a
folder.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.toml import tables_to_toml
from spinrnn.files.atomic import make_folder, write_together
from spinrnn.files.text import to_csv, to_json
from spinrnn.identify.lines import Lines
from spinrnn.identify.responses import SynapseFit
from spinrnn.identify.told import lines_told, synapse_told
from spinrnn.plotting import picture_or_none

WRITER = "pulses"
"""The kind of writer that asks for pulses."""
SOURCES, FACTOR = 32, 4
"""Of a neuron, for which its scale is reckoned; see `_scale`."""


# ---- a synapse ----


def synapse_report(fit: SynapseFit, source: str) -> dict[str, Any]:
    """The numbers for JSON; what cannot be known is None."""
    curves = {
        name: {
            "step": _plain(getattr(fit, name)),
            "interval": _plain(getattr(fit, f"{name}_interval")),
        }
        for name in ("potentiation", "depression")
    }
    return {
        "file": source,
        "window_S": list(fit.window),
        "states": _plain(fit.states),
        **curves,
        **{name: _plain(np.array(number)) for name, number in fit.numbers.items()},
        "read_noise_told_apart": fit.told_apart,
        "level": fit.level,
        "devices": fit.devices,
        "cycles": fit.cycles,
        "readings": fit.pulses,
        "outside_window": fit.outside,
        "tests": [test._asdict() for test in fit.tests],
        "describes": fit.describes,
        "notes": list(fit.notes),
    }


def _plain(array):
    """Nested lists, None for NaN."""
    if np.ndim(array):
        return [_plain(item) for item in array]
    return None if math.isnan(array) else float(array)


def synapse_toml(fit: SynapseFit, source: str) -> str:
    """A configuration of the synapse; comments say what was found."""
    table = {key: value for key, value in fit.synapse().table().items() if value is not None}
    listed = {key: _listed(value) for key, value in table.items()}
    tables = {"synapse": listed, "writer": {"kind": WRITER, "scale": _scale(fit)}}
    comments = "".join(f"# {line}\n" for line in synapse_told(fit, source))
    return f"{comments}\n{tables_to_toml(tables)}"


def _scale(fit):
    """Pulses for a change of a weight by 1, of a neuron with 32 sources, times FACTOR.

    Without that Adam's steps would be as long as those of ideal synapses at first, but
    less than half a pulse, and so none, as soon as the rate falls.
    """
    kind = fit.synapse()
    step = np.mean([np.mean(kind.potentiation), np.mean(kind.depression)])
    return float(f"{FACTOR / (2 * kind.largest_of(SOURCES) * step):.3g}")


def _listed(value):
    return list(value) if isinstance(value, tuple) else value


def write_synapse(fit: SynapseFit, out: str | Path, source: str) -> list[str]:
    """Writes FILE.toml, FILE.json and FILE.png; returns their names.

    StoreError: that is impossible.
    """
    from spinrnn.identify.figures import synapse_fit

    out = Path(out)
    make_folder(out.parent)
    contents: dict[Path, str | bytes] = {
        out: synapse_toml(fit, source),
        out.with_suffix(".json"): to_json(synapse_report(fit, source)),
    }
    drawn = picture_or_none(lambda: synapse_fit(fit)[0], out.with_suffix(".png").name)
    if drawn is not None:
        contents[out.with_suffix(".png")] = drawn
    write_together(contents)
    return [path.name for path in contents]


# ---- lines ----


def lines_report(lines: Lines, source: str) -> dict[str, Any]:
    """The numbers for JSON."""
    fields = [f.name for f in dataclasses.fields(lines) if f.name not in ("points", "good")]
    values = {name: getattr(lines, name) for name in fields}
    plain = {
        name: value if isinstance(value, (str, float)) else _plain(np.array(value))
        for name, value in values.items()
    }
    told = lines_told(lines, source)
    return {"file": source, **plain, "good": lines.good.tolist(), "sentences": told}


def write_lines(lines: Lines, out: str | Path, source: str) -> list[str]:
    """Writes lines.json, lines.csv and lines.png into a folder; returns their names.

    StoreError: that is impossible.
    """
    from spinrnn.identify.figures import line_fit

    out = Path(out)
    make_folder(out)
    columns = ("frequency", "field", "width", "symmetric", "dispersive", "share", "fitted")
    rows = [
        {name: float(getattr(lines, name)[k]) for name in columns} | {"good": int(lines.good[k])}
        for k in range(len(lines.frequency))
    ]
    contents: dict[str, str | bytes] = {
        "lines.json": to_json(lines_report(lines, source)),
        "lines.csv": to_csv(rows),
    }
    drawn = picture_or_none(lambda: line_fit(lines)[0], "lines.png")
    if drawn is not None:
        contents["lines.png"] = drawn
    write_together({out / name: content for name, content in contents.items()})
    return list(contents)
