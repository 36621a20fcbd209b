"""`spinrnn bench`: what is measured, in which company, and what follows from it.

Each result is one flat dictionary, `reference.FIELDS` first. Ratios are those of
medians within one measurement in turns (`timing.take_turns`); `gflops` is that of the
best time.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.bench.devices import RF_NEURONS, WORKS, DeviceSide
from spinrnn.bench.processes import (
    DEVICE_PEERS,
    FIRST,
    IMPORT,
    PEERS,
    RESERVOIR,
    Peer,
    ProcessError,
    in_new_process,
    is_installed,
)
from spinrnn.bench.reference import Row, Side, new_row
from spinrnn.bench.reservoirs import ReservoirSide
from spinrnn.bench.sizes import FULL, Sizes
from spinrnn.bench.timing import Sgemm, Times, crossing, exponent, peak_growth, take_turns
from spinrnn.config.run import DataConfig, NetworkConfig, RunConfig, TrainConfig
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.folder import read_folder
from spinrnn.errors import StoreError
from spinrnn.learning.trainer import Trainer
from spinrnn.machine import environment, threads
from spinrnn.networks import packing

ALIKE = 1e-3
"""Relative difference of loss and gradient up to which a peer does the same work."""
UNSTEADY = 0.1
"""Share by which the matrix product may differ between start and end without a note."""
SHARE = 0.2
"""Of the memory of the whole history that the long sequence must do with."""


def run(
    sizes: Sizes = FULL,
    *,
    count: int | None = None,
    peers: bool = False,
    reservoirs: bool = False,
    devices: bool = False,
    mnist: str | Path | None = None,
    progress: Callable[[str], object] = lambda text: None,
) -> Iterator[Row]:
    """Measures; yields the results as they come, dictionaries ready for JSON.

    Args:
        sizes: how much is measured.
        count: threads of the whole run, None for as many as there are.
        peers: whether to time JAX, PyTorch and reservoirpy beside it.
        reservoirs: nothing but reservoirs, beside reservoirpy's.
        devices: nothing but networks of devices, beside PyTorch's and aihwkit's.
        mnist: folder of MNIST's IDX files, or None.
        progress: called with the name of what is measured next.
    Raises:
        StoreError, DataError: the folder or its files cannot be used. Before anything
            is measured.
    """
    data = None if mnist is None else _images(Path(mnist))
    with threads.using(count):
        yield from _Run(sizes, peers, data, progress, reservoirs, devices).rows()


def _images(folder: Path) -> Dataset:
    """The images of MNIST in a folder."""
    if not folder.is_dir():
        advice = "--mnist takes the folder of MNIST's four IDX files"
        raise StoreError(f"{folder}: no such folder; {advice}")
    return read_folder(folder)


class _Run:
    """One run: its sizes, the matrix product beside all of it, a method for each work.

    Each method yields its rows.
    """

    def __init__(
        self,
        sizes: Sizes,
        peers: bool,
        data: Dataset | None,
        progress: Callable[[str], object],
        reservoirs: bool = False,
        devices: bool = False,
    ) -> None:
        self.sizes, self.peers, self.data, self.progress = sizes, peers, data, progress
        self.reservoirs, self.devices = reservoirs, devices
        self.threads = threads.get_threads()
        self.sgemm = Sgemm(sizes.sgemm, self.threads)

    def rows(self) -> Iterator[Row]:
        """All results: those of the machine first, between two looks at its speed."""
        yield new_row("machine", **environment.describe())
        if not self.sgemm.limited:
            text = "the matrix product takes as many threads as NumPy likes"
            yield _note(f"threadpoolctl is not installed: {text}")
        before = self.product("before")
        yield before
        for kind in self.kinds():
            yield from self.guarded(kind)
        after = self.product("after")
        yield after
        yield self._whole_run()
        change = after["median_s"] / before["median_s"]
        if abs(change - 1) > UNSTEADY:
            text = f"the matrix product took {change:.2f} times as long at the end as at the start"
            yield _note(f"{text}: this machine is not steady, or not only yours")

    def kinds(self) -> list[Callable[[], Iterable[Row]]]:
        """The works of this run, in order."""
        if self.reservoirs:
            return [self.against_reservoirs]
        if self.devices:
            return [self.against_device_peers, self.device_threads, self.device_growth]
        kinds: list[Callable[[], Iterable[Row]]] = [
            self.start,
            self.reference,
            self.sparse,
            self.crossover,
            self.one_thread,
            self.long,
            self.growth,
        ]
        if self.data is not None:
            kinds.append(self.epoch)
        return [*kinds, self.against_peers, self.against_reservoirs] if self.peers else kinds

    @staticmethod
    def guarded(kind: Callable[[], Iterable[Row]]) -> Iterator[Row]:
        """The rows of one kind of work, and a note where another process fails."""
        try:
            yield from kind()
        except ProcessError as error:
            name = getattr(kind, "__name__", "").replace("_", " ")
            yield _note(f"{name}: a process failed: {error}")

    def own(self, scheme: str = "exponential", **more: Any) -> dict[str, Any]:
        """Fields of a row that no `Side` makes."""
        return {"scheme": scheme, "dtype": "float32", "threads": self.threads, **more}

    # ---- the matrix product ----

    def product(self, when: str) -> Row:
        """Times the matrix product alone."""
        self.progress("matrix product")
        times = take_turns({"sgemm": self.sgemm}, max(2, self.sizes.rounds))
        return self._product_row(times["sgemm"], when)

    def _whole_run(self) -> Row:
        """How the products of the whole run are scattered."""
        seconds = self.sgemm.seconds
        fast, slow = np.percentile(seconds, [10, 90])
        times = Times(seconds[0], seconds)
        spread = _ratio(float(slow), float(fast))
        return self._product_row(times, "whole run", spread=spread, products=len(seconds))

    def _product_row(self, times: Times, when: str, **more: Any) -> Row:
        own = {
            "neurons": None,
            "size": self.sgemm.size,
            "dtype": "float32",
            "threads": self.threads if self.sgemm.limited else None,
        }
        return new_row("sgemm", times, self.sgemm.operations, **own, when=when, **more)

    def turns(self, sides: Mapping[Any, Side]) -> tuple[dict[Any, Times], dict[Any, Row]]:
        """Times the sides and the matrix product in turns.

        Returns:
            {name: `Times`} and {name: fields with its share of the product's rate}.
        """
        times = take_turns({"sgemm": self.sgemm, **sides}, self.sizes.rounds, self.sizes.seconds)
        product = times["sgemm"]
        shares = {
            name: of_product(side.operations() / self.sgemm.operations, times[name], product)
            for name, side in sides.items()
        }
        return times, shares

    # ---- one work each ----

    def start(self) -> Iterator[Row]:
        """New processes: imports, and the first step and forward pass of the default
        network.

        The latter from an empty and from a filled cache.
        """
        self.progress("start")
        again = range(max(2, self.sizes.starts))
        with tempfile.TemporaryDirectory(prefix="spinrnn-bench-") as folder:
            cold = [in_new_process(FIRST, f"{folder}/{k}") for k in range(self.sizes.starts)]
            warm = [in_new_process(FIRST, f"{folder}/0") for _ in again]
        neurons = NetworkConfig().layers[0]
        for work, runs in (("compile", cold), ("from cache", warm)):
            whole = round(float(np.median([total for _, total in runs])), 6)
            own = self.own(neurons=neurons, density=1.0)
            yield new_row(work, _alike(runs), **own, process_s=whole)
        for module in ("spinrnn", "spinrnn.networks.recurrent"):
            runs = [in_new_process(IMPORT, module) for _ in again]
            yield new_row(f"import {module}", _alike(runs))

    def reference(self) -> Iterator[Row]:
        """The reference work in both schemes, forward alone, and in float64."""
        for neurons, points in self.sizes.reference:
            self.progress(f"reference, {neurons} neurons")
            kinds: dict[str, dict[str, Any]] = {"reference": {}, "inference": {"backward": False}}
            if neurons in self.sizes.float64:
                kinds["float64"] = {"dtype": "float64"}
            sides = {
                (work, scheme): Side(neurons, points=points, scheme=scheme, **changes)
                for work, changes in kinds.items()
                for scheme in ("euler", "exponential")
            }
            times, shares = self.turns(sides)
            for (work, scheme), side in sides.items():
                more = shares[work, scheme] | reference_ratios(work, scheme, times)
                name = "inference" if work == "inference" else "reference"
                yield side.row(name, times[work, scheme], **more)

    def sparse(self) -> Iterator[Row]:
        """Few couplings against all of them, and the time that both take."""
        for neurons, density, points in self.sizes.sparse:
            self.progress(f"sparse, {neurons} neurons")
            sides = {
                "dense": Side(neurons, points=points),
                "sparse": Side(neurons, points=points, density=density),
            }
            times, shares = self.turns(sides)
            yield sides["dense"].row("sparse", times["dense"], **shares["dense"])
            speedup = _ratio(times["dense"].median, times["sparse"].median)
            more = shares["sparse"] | {"speedup": speedup}
            yield sides["sparse"].row("sparse", times["sparse"], **more)

    def crossover(self) -> Iterator[Row]:
        """The density at which the sparse and the dense kernel take the same time."""
        for neurons, points, densities in self.sizes.crossover:
            self.progress(f"crossover, {neurons} neurons")
            ratios = []
            for density in densities:
                sides = {
                    name: Side(neurons, points=points, density=density, sparse=name == "sparse")
                    for name in ("sparse", "dense")
                }
                times = take_turns(sides, self.sizes.rounds, self.sizes.seconds / len(densities))
                ratios.append(times["sparse"].median / times["dense"].median)
                for name, side in sides.items():
                    yield side.row("crossover", times[name], kernel=name)
            found = crossing(densities, ratios)
            yield new_row(
                "crossover",
                **self.own(neurons=neurons),
                densities=list(densities),
                sparse_to_dense=[round(ratio, 4) for ratio in ratios],
                measured=None if found is None else round(found, 4),
                used=packing.SPARSE_BELOW,
            )

    def one_thread(self) -> Iterator[Row]:
        """One thread against all, and whether the results are the same bits."""
        if self.threads == 1:
            yield _note("one thread only: nothing to compare it with")
            return
        for neurons in self.sizes.threads:
            self.progress(f"threads, {neurons} neurons")
            one, all_of_them = (Side(neurons, count=count) for count in (1, self.threads))
            times = take_turns(
                {"one": one, "all": all_of_them}, self.sizes.rounds, self.sizes.seconds
            )
            more = {
                "speedup": _ratio(times["one"].median, times["all"].median),
                "identical": _same_bits(one.run(), all_of_them.run()),
            }
            yield one.row("threads", times["one"])
            yield all_of_them.row("threads", times["all"], **more)

    def long(self) -> Iterator[Row]:
        """A long sequence with its whole history in memory, and with a share of it."""
        self.progress("long sequence")
        whole = Side(32, points=self.sizes.long).plan().whole
        sides, grown, firsts, results = {}, {}, {}, {}
        for name, limit in (("cut", int(SHARE * whole)), ("whole", whole)):
            sides[name] = Side(32, points=self.sizes.long, limit=limit)
            grown[name], firsts[name] = peak_growth(sides[name])
            results[name] = sides[name].run()
        times = take_turns(sides, self.sizes.rounds, self.sizes.seconds)
        compared = {
            "of_memory": _ratio(sides["cut"].plan().bytes, whole),
            "to_whole": _ratio(times["cut"].median, times["whole"].median),
            "identical": _same_bits(results["cut"], results["whole"]),
        }
        for name, side in sides.items():
            times[name].first = firsts[name]
            more = {"limit_bytes": side.limit, "measured_bytes": grown[name]}
            yield side.row("long", times[name], **more, **(compared if name == "cut" else {}))

    def growth(self) -> Iterator[Row]:
        """Exponents of the time against neurons, points, batch and density."""
        s = self.sizes
        yield self._grow("neurons", s.growth_neurons, points=s.brief)
        yield self._grow("points", s.growth_points, neurons=32, batch=32)
        yield self._grow("batch", s.growth_batch, neurons=32)
        # a small batch is one block, which one thread does alone
        if self.threads > 1:
            yield self._grow("batch", s.growth_batch, neurons=32, count=1)
        for kernel in ("sparse", "dense"):
            chosen = [
                density
                for density in s.growth_density
                if (density < packing.SPARSE_BELOW) == (kernel == "sparse")
            ]
            more = {"neurons": s.growth_n, "points": s.brief}
            yield self._grow("density", chosen, kernel=kernel, **more)

    def _grow(
        self, varied: str, sizes: Sequence[float], kernel: str | None = None, **fixed: Any
    ) -> Row:
        """The exponents of the best times against what is varied."""
        self.progress(f"growth against {varied}")
        sides = {size: Side(**{**fixed, varied: size}) for size in sizes}
        times = take_turns(sides, self.sizes.rounds, self.sizes.seconds)
        best = [times[size].best for size in sizes]
        more = {
            "against": varied,
            "kernel": kernel,
            "sizes": list(sizes),
            "seconds": [round(seconds, 6) for seconds in best],
        }
        row = sides[sizes[-1]].row("growth", times[sizes[-1]], **more)
        # the row is not that of the last size alone
        if varied in ("neurons", "density"):
            row[varied] = None
        return row | exponents(sizes, best)

    def epoch(self) -> Iterator[Row]:
        """One epoch of training on all images, as `spinrnn train` does it.

        A brief run does its first batches and scales them up.
        """
        data = self.data
        # without images this work is not among the kinds
        assert data is not None
        assert data.labels is not None
        assert data.test is not None
        images = data.labels[~data.test]
        # about one image of each class: as good as all are trained on
        fewest = int(np.unique(images, return_counts=True)[1].min())
        own = DataConfig(source="mnist", validation_fraction=min(0.5, 1 / fewest))
        for substeps in (1, 2):
            self.progress(f"MNIST, {substeps} substeps")
            network = NetworkConfig(substeps=substeps, outputs=int(data.labels.max()) + 1)
            trainer = Trainer(RunConfig(network, TrainConfig(epochs=1), own), data)
            yield self._epoch(trainer, len(images), data.inputs.shape[2])

    def _epoch(self, trainer: Trainer, images: int, points: int) -> Row:
        """The row of one epoch; images: in the whole epoch, points: of each."""
        network, batch = trainer.config.network, trainer.config.train.batch
        first, batches = trainer.warm_up(), 0
        for batches, _ in enumerate(trainer.steps(), 1):
            if batches == self.sizes.mnist:
                break
        cases, seconds = min(batches * batch, len(trainer.training)), trainer.seconds()
        n = network.layers[0]
        # forward and backward, three layers coupled within and two between, one input
        operations = 6 * cases * points * network.resolved_substeps * (5 * n * n + n)
        return new_row(
            "mnist",
            Times(first, [seconds]),
            operations,
            **self.own(network.scheme, neurons=n, density=1.0),
            substeps=network.resolved_substeps,
            batch=batch,
            points=points,
            images=cases,
            epoch_s=round(seconds * images / cases, 3),
        )

    # ---- other libraries ----

    def against_peers(self) -> Iterator[Row]:
        """The reference work in JAX and PyTorch, in turns with ours."""
        names = [name for name, (library, _) in PEERS.items() if is_installed(library)]
        libraries = {library for library, _ in PEERS.values()}
        for library in sorted(filter(lambda library: not is_installed(library), libraries)):
            advice = "pip install 'spinrnn[peers]' brings JAX and PyTorch"
            yield _note(f"{library} is not installed, so it is not timed; {advice}")
        for neurons, points in self.sizes.reference if names else ():
            yield from self._peers_at(neurons, points, names)

    def _peers_at(self, neurons: int, points: int, names: Sequence[str]) -> Iterator[Row]:
        ours = Side(neurons, points=points, scheme="euler")
        ready: dict[str, Peer] = {}
        firsts: dict[str, float] = {}
        try:
            for name in names:
                title = f"{PEERS[name][1]}, {neurons} neurons"
                self.progress(title)
                ready[name] = Peer(name, neurons, points, ours.batch, self.threads)
                try:
                    firsts[name] = ready[name]()
                except ProcessError as error:
                    ready.pop(name).close()
                    yield _note(f"{title}: failed: {error}")
                    continue
                yield from _other_work(title, ready[name], ours)
            self.progress(f"reference, {neurons} neurons, in turns with its peers")
            times = take_turns({"ours": ours, **ready}, self.sizes.rounds, 2 * self.sizes.seconds)
        finally:
            for peer in ready.values():
                peer.close()
        for name, first in firsts.items():
            times[name].first = first
        yield from self._peer_rows(ours, list(firsts), times)

    def _peer_rows(
        self, ours: Side, names: Sequence[str], times: Mapping[str, Times]
    ) -> Iterator[Row]:
        """The rows of the peers that answered, and ours beside the best of them."""
        if not names:
            return
        more = {
            "substeps": ours.config.resolved_substeps,
            "batch": ours.batch,
            "points": ours.points,
        }
        for name in names:
            own = self.own("euler", neurons=ours.config.layers[0], density=1.0, peer=name)
            ratio = _ratio(times[name].median, times["ours"].median)
            yield new_row("peer", times[name], ours.operations(), **own, **more, to_ours=ratio)
        best = min(names, key=lambda name: times[name].median)
        ratio = _ratio(times[best].median, times["ours"].median)
        more = {"peer": "spinrnn", "best_peer": best, "to_best_peer": ratio}
        yield ours.row("peer", times["ours"], **more)

    def against_reservoirs(self) -> Iterator[Row]:
        """States and ridge regression of a reservoir, in turns with an echo state
        network of the same size on the same series.
        """
        there = is_installed(RESERVOIR)
        if not there:
            advice = "pip install 'spinrnn[peers]' brings it"
            yield _note(f"{RESERVOIR} is not installed, so it is not timed; {advice}")
        for neurons, points in self.sizes.reservoirs:
            self.progress(f"reservoir, {neurons} neurons")
            ours, peer = ReservoirSide(neurons, points), None
            sides: dict[str, Callable[[], float]] = {"ours": ours}
            if there:
                sides["peer"] = peer = Peer(RESERVOIR, neurons, points, 1, self.threads)
            try:
                times = take_turns(sides, self.sizes.rounds, 2 * self.sizes.seconds)
            finally:
                if peer is not None:
                    peer.close()
            yield from self._reservoir_rows(ours, times)

    def _reservoir_rows(self, ours: ReservoirSide, times: Mapping[str, Times]) -> Iterator[Row]:
        n, own = ours.config.layers[0], {"density": 1.0, "points": ours.points}
        row = self.own(neurons=n, **own, substeps=ours.config.resolved_substeps)
        if "peer" in times:
            ratio = _ratio(times["peer"].median, times["ours"].median)
            peer = {"scheme": None, "dtype": None, "peer": RESERVOIR}
            yield new_row("reservoir", times["peer"], **self.own(neurons=n, **own) | peer)
            row["to_reservoirpy"] = ratio
        yield new_row("reservoir", times["ours"], **row, peer="spinrnn")

    # ---- networks of devices ----

    def against_device_peers(self) -> Iterator[Row]:
        """Training steps of networks of devices, in turns with other libraries."""
        extras = {"torch": "peers", "aihwkit": "analog"}
        for library, extra in extras.items():
            if not is_installed(library):
                advice = f"pip install 'spinrnn[{extra}]' brings it"
                yield _note(f"{library} is not installed, so it is not timed; {advice}")
        for work in WORKS:
            neurons, batch = (RF_NEURONS, self.sizes.rf) if work == "rf" else self.sizes.devices
            self.progress(f"{work}, {neurons} neurons")
            ours, ready = DeviceSide(work, neurons, batch), {}
            first = ours()
            try:
                yield from self._device_peers(ours, ready)
                sides = {"ours": ours, **ready}
                times = take_turns(sides, self.sizes.rounds, 2 * self.sizes.seconds)
            finally:
                for peer in ready.values():
                    peer.close()
            times["ours"].first = first
            yield from self._device_rows(ours, times)

    def _device_peers(self, ours: DeviceSide, ready: dict[str, Peer]) -> Iterator[Row]:
        """Fills `ready` with the peers that work; notes of those that do not."""
        for name, what in DEVICE_PEERS.items():
            library, _, work = name.partition("-")
            if work != ours.work or not is_installed(library):
                continue
            try:
                ready[name] = peer = Peer(name, ours.neurons, 1, ours.batch, self.threads)
                peer()
            except ProcessError as error:
                if name in ready:
                    ready.pop(name).close()
                yield _note(f"{work} in {what}: failed: {error}")
                continue
            # aihwkit's devices are others
            if library == "torch" and abs(peer.loss / ours.loss - 1) > ALIKE:
                losses = f"its loss is {peer.loss:.6g}, ours {ours.loss:.6g}"
                yield _note(f"{work} in {what}: not the same work, {losses}")

    def _device_rows(self, ours: DeviceSide, times: Mapping[str, Times]) -> Iterator[Row]:
        """The row of ours, and those of peers with their time over ours."""
        yield ours.row(times["ours"], peer="spinrnn")
        for name, own in times.items():
            if name != "ours":
                ratio = _ratio(own.median, times["ours"].median)
                best = _ratio(own.best, times["ours"].best)
                more = {"what": DEVICE_PEERS[name], "to_device_peer": ratio, "of_best": best}
                yield ours.row(own, peer=name, **more)

    def device_threads(self) -> Iterator[Row]:
        """A binary network on one thread and on all, and whether it learns the same."""
        neurons, batch = self.sizes.devices
        for work in WORKS[:3] if self.threads > 1 else ():
            self.progress(f"{work}, threads")
            sides = {count: DeviceSide(work, neurons, batch, count) for count in (1, self.threads)}
            for side in sides.values():
                side.run()
            same = _same_bits(*([side.net.parameters] for side in sides.values()))
            times = take_turns(sides, self.sizes.rounds, self.sizes.seconds)
            speedup = _ratio(times[1].median, times[self.threads].median)
            row = sides[self.threads].row(times[self.threads], speedup=speedup, identical=same)
            yield row | {"work": "threads", "scheme": work}

    def device_growth(self) -> Iterator[Row]:
        """How the time of a step grows with the width and with the batch."""
        neurons, batch = self.sizes.devices
        for work in WORKS[:3]:
            grown = {
                "width": (self.sizes.widths, lambda n, w=work: DeviceSide(w, n, batch)),
                "batch": (self.sizes.cases, lambda b, w=work: DeviceSide(w, neurons, b)),
            }
            for against, (sizes, made) in grown.items():
                self.progress(f"{work}, growth against {against}")
                sides = {size: made(size) for size in sizes}
                times = take_turns(sides, self.sizes.rounds, self.sizes.seconds)
                best = [times[size].best for size in sizes]
                row = sides[sizes[-1]].row(times[sizes[-1]])
                row |= {"work": "growth", "against": f"{against} ({work})", "kernel": None}
                row |= {"sizes": list(sizes), "seconds": [round(own, 6) for own in best]}
                yield row | exponents(sizes, best)


# ---- what is computed of times ----


def _ratio(above: float, below: float) -> float:
    return round(above / below, 4)


def of_product(operations: float, times: Times, product: Times) -> Row:
    """The rate as a share of the matrix product's, of medians and of best times.

    operations: those of the side over those of the product.
    """
    return {
        "of_sgemm": _ratio(operations * product.median, times.median),
        "of_sgemm_best": _ratio(operations * product.best, times.best),
    }


def reference_ratios(work: str, scheme: str, times: Mapping[tuple[str, str], Times]) -> Row:
    """The ratio that one side of the reference work is timed for; none for Euler's.

    Training is three times the operations of its forward pass.
    """
    own, training = times[work, scheme].median, times["reference", scheme].median
    if work == "inference":
        return {"of_training": _ratio(training / 3, own)}
    if work == "float64":
        return {"of_float32": _ratio(training, own)}
    if scheme == "exponential":
        return {"to_euler": _ratio(own, times["reference", "euler"].median)}
    return {}


def exponents(sizes: Sequence[float], seconds: Sequence[float]) -> Row:
    """The exponent over all sizes, and over the upper half, where constant parts weigh
    least.

    The upper half needs three sizes, as a line through two points fits anything; with
    fewer it is all of them. None where there is one size only.
    """
    half = len(sizes) // 2
    upper = half if len(sizes) - half > 2 else 0
    fields: Row = {}
    for name, start in (("", 0), ("_upper", upper)):
        chosen, times = sizes[start:], seconds[start:]
        fields[f"exponent{name}"] = round(exponent(chosen, times), 3) if len(chosen) > 1 else None
        fields[f"fitted{name}"] = [chosen[0], chosen[-1]]
    return fields


def _other_work(title: str, peer: Peer, ours: Side) -> Iterator[Row]:
    """A note where loss or gradient of a peer are not ours."""
    _, loss, gradient = ours.run()
    norm = float(np.linalg.norm(gradient))
    if abs(peer.loss / loss - 1) > ALIKE or abs(peer.norm / norm - 1) > ALIKE:
        theirs = f"its loss is {peer.loss:.6g} and its gradient's norm {peer.norm:.6g}"
        yield _note(f"{title}: not the same work, {theirs}, ours {loss:.6g} and {norm:.6g}")


def _note(text: str) -> Row:
    return new_row("note", text=text)


def _alike(runs: Iterable[tuple[float, float]]) -> Times:
    """`Times` of runs (seconds, those of the whole process) that are all first ones."""
    seconds = [own for own, _ in runs]
    return Times(seconds[0], seconds)


def _same_bits(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two results of `Network.logits_loss_grad` are the same to the bit."""
    pairs = zip(one, other, strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)
