"""Carries a recipe out: runs what its sweeps lack, collects them, and writes the drawing with its numbers beside it.

OUT/sweeps/NAME      the sweep's folder; figures share sweeps OUT/NAME.h5          its
cube, so far OUT/network-R.h5     networks whose powers are drawn, R = Delta t / tau
OUT/network-POINT.h5 networks that are put on other devices, by the names of their
points, which sweeps may share OUT/FIGURE.pdf .png  drawing; FIGURE.csv and FIGURE-*.csv
its numbers; FIGURE.json its findings
"""

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path

from spinrnn.errors import StoreError
from spinrnn.files.atomic import make_folder, write_together
from spinrnn.files.text import to_csv, to_json
from spinrnn.paper import figures as draw
from spinrnn.paper.recipes import recipe, recipe_sweep
from spinrnn.paper.source import Source
from spinrnn.sweep.cube import load_cube
from spinrnn.sweep.folder import SweepFolder
from spinrnn.sweep.runner import run_sweep


@dataclass
class Outcome:
    """What `reproduce` did.

    Attributes:
        progress: list of the sweeps' `Progress`; findings: as in the JSON file, None
            where it was stopped before it could draw.
        files: list of paths written; missing: {sweep: number of its points without a
            result or failed}, of those that are not complete.
    """

    progress: list
    findings: dict | None
    files: list
    missing: dict


def reproduce(
    name, out="reproduction", *, quick=False, run=True, compute=None, on_sweep=None, **settings
):
    """Runs what is missing for a figure, draws it and writes its numbers.

    Args:
        name: of a recipe; out: folder, shared by all figures, one for the full and one
            for the quick form.
        quick: the reduced form. run: False draws what there is, also from the cubes
            alone.
        compute: keyword arguments of the recipe's numbers: neuron_power and
            synapse_power (W) of "energy".
        on_sweep: called with (sweep, folder, points) before each sweep; settings: of
            `run_sweep`.
    Returns:
        `Outcome`.
    Raises:
        ConfigError: no such figure; StoreError: the folder holds other sweeps, results
            are missing, the disk is full; EngineError. Finished points are safe in
            every case.
    """
    wanted, out = recipe(name), Path(out)
    sweeps = {sweep: recipe_sweep(sweep, quick) for sweep in wanted.sweeps}
    if out.exists() and not out.is_dir():
        raise StoreError(f"{out} is a file; choose another folder (--out)")
    if not settings.get("extend", False):
        for sweep, definition in sweeps.items():  # before the first of them runs for an hour
            _check_folder(out, sweep, definition)
    progress = []
    if run:
        for sweep, only in wanted.sweeps.items():
            definition = sweeps[sweep]
            if on_sweep:
                on_sweep(
                    definition,
                    out / "sweeps" / sweep,
                    sum(only is None or only(p) for p in definition.points),
                )
            progress.append(run_sweep(definition, out / "sweeps" / sweep, only=only, **settings))
            if progress[-1].stopped:
                return Outcome(progress, None, [], {})
    else:
        needed = [
            sweep for sweep, only in wanted.sweeps.items() if only is None
        ]  # of the others a network file may be enough
        missing = [
            s
            for s in needed
            if not (out / "sweeps" / s / "sweep.json").is_file() and not (out / f"{s}.h5").is_file()
        ]
        if missing:
            raise StoreError(
                f"{out}: no results of the sweeps {', '.join(missing)} there; without --no-run "
                "they are run"
            )
    make_folder(out)
    source = Source(out, sweeps)
    result = wanted.compute(source, **(compute or {}))
    stem = out / name
    with draw.style():
        contents = draw.pictures(wanted.draw(result), stem)
    contents |= {f"{stem}{suffix}.csv": to_csv(rows) for suffix, rows in result.tables.items()}
    findings = _plain(result.findings)
    contents[f"{stem}.json"] = to_json(
        {"figure": name, "title": wanted.title, "quick": quick, "findings": findings}
    )
    write_together(contents)
    return Outcome(progress, findings, [*map(str, source.written), *contents], source.missing)


def _check_folder(out, name, sweep):
    """StoreError if the output folder holds another form of a sweep, as a folder or as a cube."""
    folder, path, found = out / "sweeps" / name, out / f"{name}.h5", {}
    if (folder / "sweep.json").is_file():
        found[folder] = SweepFolder(folder).sweep()
    if path.is_file():
        with contextlib.suppress(
            StoreError
        ):  # a damaged one is made again, or told when it is needed
            found[path] = load_cube(path).sweep()
    for where, other in found.items():
        if other.digest != sweep.digest:
            raise StoreError(
                f"{where} holds another form of this sweep ({other.name}, {len(other)} points); "
                "choose another folder (--out), "
                "or --extend to take it over with the results that both have"
            )


def _plain(value):
    """With None in place of NaN, which JSON lacks."""
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
