"""Results of the sweeps of a recipe."""

import contextlib
import functools
import math
from pathlib import Path

import numpy as np

from spinrnn.errors import StoreError
from spinrnn.paper import curves, guide
from spinrnn.runs import loading
from spinrnn.sweep.cube import collect_sweep, load_cube
from spinrnn.sweep.folder import SweepFolder


def _finished(cube):
    """Number of points that have a result."""
    return int(np.isfinite(cube["diverged"]).sum())


class Source:
    """Results of the sweeps of a recipe, from their folders or, where these are not, from the cubes in the output folder.

    Attributes:
        written: list of paths of cubes and networks that were written; missing: as in
            `Outcome`.
    """

    def __init__(self, out, sweeps):
        self._out, self._sweeps = Path(out), sweeps
        self.written, self.missing = [], {}

    @functools.cache  # noqa: B019 - lives as long as one figure
    def cube(self, name):
        """`Cube` of a sweep, also written to its file unless that knows more; StoreError if there are no results."""
        folder, path, kept = self._out / "sweeps" / name, self._out / f"{name}.h5", None
        if not (folder / "sweep.json").is_file():
            return load_cube(path)
        cube = collect_sweep(self._sweeps[name], folder, history=self._sweeps[name].record_test)
        with contextlib.suppress(StoreError):  # there is none, or it is damaged
            kept = load_cube(path)
        if (
            kept
            and kept.sweep().digest == self._sweeps[name].digest
            and _finished(kept) > _finished(cube)
        ):
            return kept
        if _finished(cube):
            cube.save(path)
            self.written.append(path)
        return cube

    def conditions(self, name):
        """List of `curves.Condition`s of a sweep; StoreError if none has a result."""
        cube = self.cube(name)
        found = curves.conditions(cube)
        if not found:
            raise StoreError(
                f"{self._out / 'sweeps' / name}: no point has a result yet; run the figure's "
                "sweeps to their end"
            )
        left = int((np.isnan(cube["diverged"]) | (cube["failed"] > 0)).sum())
        if left:
            self.missing[name] = left
        return found

    def network(self, ratio):
        """(`curves.Condition` without values, `Network`) of the oscillators with seed 0 whose Delta t / tau is nearest; 0 and inf: the ends.

        Raises:
            StoreError: it has not been trained yet.
        """
        sweep, folder = self._sweeps["intervals"], SweepFolder(self._out / "sweeps" / "intervals")
        seed = sweep.points[0].config.train.seed
        points = [
            p
            for p in sweep.points
            if p.config.network.neuron == "oscillator" and p.config.train.seed == seed
        ]
        ratios = [
            point.config.network.input_interval / point.config.network.relaxation_time
            for point in points
        ]
        distance = [
            r if ratio == 0 else -r if ratio == math.inf else abs(math.log(r / ratio))
            for r in ratios
        ]
        number = distance.index(min(distance))
        point, kept = points[number], self._out / f"network-{ratios[number]:g}.h5"
        result = folder.result_path(point.name)
        if result.is_file():
            _, state = folder.load(point.digest, point.name)
            if state["status"] != "done":
                raise StoreError(
                    f"{result}: the run at {point} has {state['status']}, so its powers cannot be "
                    "drawn"
                )
            net = loading.load(result)
            net.save(kept)
            self.written.append(kept)
        elif kept.is_file():
            net = loading.load(kept)
        else:
            raise StoreError(
                f"{self._out}: the network at {point} has not been trained; without --no-run it is"
            )
        return curves.Condition(point.config, {}, {}), net

    def networks(self, name, wanted):
        """[(`RunConfig`, `Network`)] of a sweep's points whose `NetworkConfig` is wanted and that have been trained; wanted: a function of it.

        One for each seed. Networks that are no longer in the sweep's folder are those
        that were kept beside the figures.
        """
        found = []
        for point in self._sweeps[name].points:
            if not wanted(point.config.network):
                continue
            result = SweepFolder(self._out / "sweeps" / name).result_path(point.name)
            kept = self._out / f"network-{point.name}.h5"
            if result.is_file():
                try:
                    net = loading.load(result)
                except StoreError:  # a run that diverged or failed has no network
                    continue
                net.save(kept)
                self.written.append(kept)
            elif kept.is_file():
                net = loading.load(kept)
            else:
                continue
            found.append((point.config, net))
        return found

    def guide(self):
        """`guide.Guide` of the sweeps that advice rests on."""
        return guide.Guide(
            [condition for name in guide.SWEEPS for condition in self.conditions(name)]
        )
