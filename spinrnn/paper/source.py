"""Results of a recipe's sweeps, from their folders or the cubes beside the figures.

Networks whose powers are drawn, or that are put on other devices, are kept there, too.
"""

import contextlib
import functools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from spinrnn.config.neurons import name_of
from spinrnn.config.run import NetworkConfig, RunConfig
from spinrnn.errors import StoreError
from spinrnn.networks.recurrent import Network
from spinrnn.paper import curves, guide
from spinrnn.runs import loading
from spinrnn.sweep.cube import Cube, collect_sweep, load_cube
from spinrnn.sweep.file import Sweep
from spinrnn.sweep.folder import SweepFolder
from spinrnn.sweep.points import Point


class Source:
    """Results of the sweeps of a recipe.

    Attributes:
        written: list of paths of cubes and networks that were written.
        missing: {sweep: number of its points without a result or failed}, of those that
            are not complete.
    """

    def __init__(self, out: str | Path, sweeps: dict[str, Sweep]):
        self._out, self._sweeps = Path(out), sweeps
        self.written: list[Path] = []
        self.missing: dict[str, int] = {}

    @functools.cache  # noqa: B019 - lives as long as one figure
    def cube(self, name: str) -> Cube:
        """The cube of a sweep, also written to its file unless that knows more.

        Raises:
            StoreError: there are no results.
        """
        folder, path = self._folder(name), self._out / f"{name}.h5"
        if not (folder.path / "sweep.json").is_file():
            return load_cube(path)
        sweep, kept = self._sweeps[name], None
        cube = collect_sweep(sweep, folder.path, history=sweep.record_test)
        # there may be none, or a damaged one
        with contextlib.suppress(StoreError):
            kept = load_cube(path)
        if kept and kept.sweep().digest == sweep.digest and _finished(kept) > _finished(cube):
            return kept
        if _finished(cube):
            cube.save(path)
            self.written.append(path)
        return cube

    def conditions(self, name: str) -> list[curves.Condition]:
        """The conditions of a sweep; StoreError if none has a result."""
        cube = self.cube(name)
        found = curves.conditions(cube)
        if not found:
            raise StoreError(
                f"{self._folder(name).path}: no point has a result yet; run the figure's sweeps "
                "to their end"
            )
        left = int((np.isnan(cube["diverged"]) | (cube["failed"] > 0)).sum())
        if left:
            self.missing[name] = left
        return found

    def network(self, ratio: float) -> tuple[curves.Condition, Network]:
        """The oscillators of the first seed with Delta t / tau nearest to a ratio.

        Args:
            ratio: 0 and infinity mean the ends.
        Returns:
            A condition without values, and the network.
        Raises:
            StoreError: it has not been trained yet.
        """
        point, ratio = self._nearest(ratio)
        folder, kept = self._folder("intervals"), self._out / f"network-{ratio:g}.h5"
        result = folder.result_path(point.name)
        if result.is_file():
            _, state = folder.load(point.digest, point.name)
            if state["status"] != "done":
                raise StoreError(
                    f"{result}: the run at {point} has {state['status']}, so its powers cannot "
                    "be drawn"
                )
            net = self._keep(result, kept)
        elif kept.is_file():
            net = loading.load(kept)
        else:
            raise StoreError(
                f"{self._out}: the network at {point} has not been trained; without --no-run it is"
            )
        return curves.Condition(point.config, {}, {}), net

    def _nearest(self, ratio: float) -> tuple[Point, float]:
        """(point, its Delta t / tau) of the sweep intervals, on a logarithmic scale."""
        points = self._sweeps["intervals"].points
        seed = points[0].config.train.seed
        ratios = {}
        for point in points:
            network = point.config.network
            if name_of(network) == "oscillator" and point.config.train.seed == seed:
                ratios.setdefault(network.input_interval / network.time_unit, point)
        if ratio == 0:
            nearest = min(ratios)
        elif ratio == math.inf:
            nearest = max(ratios)
        else:
            nearest = min(ratios, key=lambda other: abs(math.log(other / ratio)))
        return ratios[nearest], nearest

    def networks(
        self, name: str, wanted: Callable[[NetworkConfig], bool]
    ) -> list[tuple[RunConfig, Network]]:
        """The trained networks of a sweep that are wanted, one for each seed.

        Those no longer in the sweep's folder are those kept beside the figures.
        """
        found = []
        for point in self._sweeps[name].points:
            if not wanted(point.config.network):
                continue
            result = self._folder(name).result_path(point.name)
            kept = self._out / f"network-{point.name}.h5"
            if result.is_file():
                # a run that diverged or failed has no network
                with contextlib.suppress(StoreError):
                    found.append((point.config, self._keep(result, kept)))
            elif kept.is_file():
                found.append((point.config, loading.load(kept)))
        return found

    def guide(self) -> guide.Guide:
        """The `Guide` of the sweeps that advice rests on."""
        every = [condition for name in guide.SWEEPS for condition in self.conditions(name)]
        return guide.Guide(every)

    def _folder(self, name):
        return SweepFolder(self._out / "sweeps" / name)

    def _keep(self, result, kept):
        """The network of a result, also written beside the figures."""
        net = loading.load(result)
        net.save(kept)
        self.written.append(kept)
        return net


def _finished(cube):
    """Number of points that have a result."""
    return int(np.isfinite(cube["diverged"]).sum())
