"""Carries a recipe out: runs its sweeps, writes the drawing with its numbers beside it.

OUT/sweeps/NAME       the sweep's folder; figures share sweeps
OUT/NAME.h5           its cube, so far
OUT/network-R.h5      networks whose powers are drawn, R = Delta t / tau
OUT/network-POINT.h5  networks put on other devices, by their points
OUT/FIGURE.pdf .png   drawing; FIGURE.csv and FIGURE-*.csv its numbers
OUT/FIGURE.json       findings, {key: {value, unit, meaning}}
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinrnn.errors import StoreError
from spinrnn.files.atomic import make_folder, write_together
from spinrnn.files.text import to_csv, to_json
from spinrnn.findings import findings
from spinrnn.paper import figures
from spinrnn.paper.recipes import Recipe, recipe, recipe_sweep
from spinrnn.paper.source import Source
from spinrnn.sweep.cube import load_cube
from spinrnn.sweep.file import Sweep
from spinrnn.sweep.folder import SweepFolder
from spinrnn.sweep.runner import Progress, run_sweep


@dataclass
class Outcome:
    """What `reproduce` did.

    Attributes:
        progress: of the sweeps.
        findings: {key: {"value", "unit", "meaning"}} as in the JSON file, None where it
            was stopped before it could draw.
        files: paths written.
        missing: {sweep: number of its points without a result or failed}, of those that
            are not complete.
    """

    progress: list[Progress]
    findings: dict[str, dict[str, Any]] | None
    files: list[str]
    missing: dict[str, int]


def reproduce(
    name: str,
    out: str | Path = "reproduction",
    *,
    quick: bool = False,
    run: bool = True,
    compute: dict[str, float] | None = None,
    on_sweep: Callable[[Sweep, Path, int], None] | None = None,
    **settings: Any,
) -> Outcome:
    """Runs what is missing for a figure, draws it and writes its numbers.

    Args:
        name: of a recipe.
        out: folder, shared by all figures, one for the full and one for the quick form.
        quick: the reduced form.
        run: False draws what there is, also from the cubes alone.
        compute: keyword arguments of the recipe's numbers: neuron_power and
            synapse_power (W) of "energy".
        on_sweep: called with (sweep, folder, points) before each sweep.
        settings: of `run_sweep`.
    Raises:
        ConfigError: no such figure.
        StoreError: the folder holds other sweeps, results are missing, no space left.
        EngineError: as `run_sweep`.
        Finished points are safe in every case.
    """
    wanted, out = recipe(name), Path(out)
    sweeps = {sweep: recipe_sweep(sweep, quick) for sweep in wanted.sweeps}
    if out.exists() and not out.is_dir():
        raise StoreError(f"{out} is a file; choose another folder (--out)")
    if not settings.get("extend", False):
        # before the first sweep runs for an hour
        for sweep, definition in sweeps.items():
            _check_folder(out, sweep, definition)
    progress = []
    if run:
        progress = _run_sweeps(wanted, sweeps, out, on_sweep, settings)
        if progress[-1].stopped:
            return Outcome(progress, None, [], {})
    else:
        _check_results(wanted, out)
    make_folder(out)
    source = Source(out, sweeps)
    result = wanted.compute(source, **(compute or {}))
    found, stem = findings(result.findings), out / name
    contents: dict[str, bytes | str] = {}
    with figures.style():
        contents |= figures.pictures(wanted.draw(result), stem)
    for suffix, rows in result.tables.items():
        contents[f"{stem}{suffix}.csv"] = to_csv(rows)
    about = {"figure": name, "title": wanted.title, "quick": quick}
    contents[f"{stem}.json"] = to_json({**about, "findings": found})
    write_together(contents)
    return Outcome(progress, found, [*map(str, source.written), *contents], source.missing)


def _run_sweeps(wanted, sweeps, out, on_sweep, settings):
    """Runs the sweeps of a recipe, up to one that is stopped; list of `Progress`."""
    progress = []
    for name, only in wanted.sweeps.items():
        sweep, folder = sweeps[name], out / "sweeps" / name
        if on_sweep:
            on_sweep(sweep, folder, sum(only is None or only(point) for point in sweep.points))
        progress.append(run_sweep(sweep, folder, only=only, **settings))
        if progress[-1].stopped:
            break
    return progress


def _check_results(wanted: Recipe, out: Path) -> None:
    """StoreError if a sweep has neither a folder nor a cube.

    Of a sweep of which a figure needs only some points a network file may be enough.
    """
    missing = [
        name
        for name, only in wanted.sweeps.items()
        if only is None
        and not (out / "sweeps" / name / "sweep.json").is_file()
        and not (out / f"{name}.h5").is_file()
    ]
    if missing:
        raise StoreError(
            f"{out}: no results of the sweeps {', '.join(missing)} there; without --no-run they "
            "are run"
        )


def _check_folder(out, name, sweep):
    """StoreError if another form of a sweep is there, as a folder or as a cube."""
    folder, path, found = out / "sweeps" / name, out / f"{name}.h5", {}
    if (folder / "sweep.json").is_file():
        found[folder] = SweepFolder(folder).sweep()
    if path.is_file():
        # a damaged one is made again, or told when it is needed
        with contextlib.suppress(StoreError):
            found[path] = load_cube(path).sweep()
    for where, other in found.items():
        if other.digest != sweep.digest:
            raise StoreError(
                f"{where} holds another form of this sweep ({other.name}, {len(other)} points); "
                "choose another folder (--out), or --extend to take it over with the results "
                "that both have"
            )
