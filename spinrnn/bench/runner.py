"""`spinrnn bench`: what is measured, in which company, and what follows from it. Each result is one flat dictionary, `reference.FIELDS` first.

Ratios are those of medians within one measurement in turns (`measure.take_turns`); `gflops` is that of the best time.
"""

import tempfile
from pathlib import Path

import numpy as np

from spinrnn.bench.processes import (
    FIRST,
    IMPORT,
    PEERS,
    Peer,
    ProcessError,
    in_new_process,
    is_installed,
)
from spinrnn.bench.reference import Side, new_row
from spinrnn.bench.sizes import FULL
from spinrnn.bench.timing import Sgemm, Times, crossing, exponent, peak_growth, take_turns
from spinrnn.config.run import DataConfig, NetworkConfig, RunConfig, TrainConfig
from spinrnn.datasets.folder import read_folder
from spinrnn.errors import StoreError
from spinrnn.learning.trainer import Trainer
from spinrnn.machine import environment, threads
from spinrnn.networks import packing

ALIKE = 1e-3
"""Relative difference of loss and gradient's norm up to which a peer does the same work."""
UNSTEADY = 0.1
"""Share by which the matrix product may differ between start and end before the run says so."""
SHARE = 0.2
"""Of the memory of the whole history that the long sequence must do with."""


def run(sizes=FULL, *, count=None, peers=False, mnist=None, progress=lambda text: None):
    """Measures; yields the results as they come, dictionaries ready for JSON.

    Args:
        sizes: `Sizes`; count: threads of the whole run, None for as many as there are; peers: whether to time JAX and PyTorch beside it.
        mnist: folder of MNIST's IDX files, or None; progress: called with the name of what is measured next.
    Raises:
        StoreError, DataError: the folder or its files cannot be used. Before anything is measured.
    """
    data = None
    if mnist is not None:
        if not Path(mnist).is_dir():
            raise StoreError(
                f"{mnist}: no such folder; --mnist takes the folder of MNIST's four IDX files"
            )
        data = read_folder(mnist)
    with threads.using(count):
        yield from _Run(sizes, peers, data, progress).rows()


def _ratio(above, below):
    return round(above / below, 4)


class _Run:
    """One run: its sizes, the matrix product that goes with all of it, and a method for each kind of work, which yields its rows."""

    def __init__(self, sizes, peers, data, progress):
        self.sizes, self.peers, self.data, self.progress = sizes, peers, data, progress
        self.threads = threads.get_threads()
        self.sgemm = Sgemm(sizes.sgemm, self.threads)

    def rows(self):
        machine = environment.describe()
        yield new_row("machine", **machine)
        if not self.sgemm.limited:
            yield _note(
                "threadpoolctl is not installed: the matrix product takes as many threads as NumPy likes"
            )
        before = self.product("before")
        yield before
        kinds = [
            self.start,
            self.reference,
            self.sparse,
            self.crossover,
            self.one_thread,
            self.long,
            self.growth,
        ]
        for kind in (
            kinds + [self.epoch] * (self.data is not None) + [self.against_peers] * self.peers
        ):
            yield from self.guarded(kind)
        after = self.product("after")
        yield after
        times = Times(self.sgemm.seconds[0], self.sgemm.seconds)
        spread = np.percentile(times.others, [10, 90])
        yield self._product_row(
            times, "whole run", spread=_ratio(spread[1], spread[0]), products=len(times.others)
        )
        change = after["median_s"] / before["median_s"]
        if abs(change - 1) > UNSTEADY:
            text = f"the matrix product took {change:.2f} times as long at the end as at the start: this machine is not steady, or not only yours"
            yield _note(text)

    @staticmethod
    def guarded(kind):
        """The rows of one kind of work; a note in place of the rest where another process fails."""
        try:
            yield from kind()
        except ProcessError as error:
            yield _note(f"{kind.__name__.replace('_', ' ')}: a process failed: {error}")

    # ---- the matrix product ----

    def product(self, when):
        self.progress("matrix product")
        return self._product_row(
            take_turns({"sgemm": self.sgemm}, max(2, self.sizes.rounds))["sgemm"], when
        )

    def _product_row(self, times, when, **more):
        own = {
            "neurons": None,
            "size": self.sgemm.size,
            "dtype": "float32",
            "threads": self.threads if self.sgemm.limited else None,
        }
        return new_row("sgemm", times, self.sgemm.operations, **own, when=when, **more)

    def turns(self, sides):
        """Times the sides and the matrix product in turns. Returns {name: Times} and a function of a name: its share of the product's rate."""
        times = take_turns({"sgemm": self.sgemm, **sides}, self.sizes.rounds, self.sizes.seconds)
        product = times["sgemm"]

        def of_sgemm(name):
            operations = sides[name].operations() / self.sgemm.operations
            return {
                "of_sgemm": _ratio(operations * product.median, times[name].median),
                "of_sgemm_best": _ratio(operations * product.best, times[name].best),
            }

        return times, of_sgemm

    # ---- one work each ----

    def start(self):
        """New processes: imports, and the first training step and forward pass of the default network, from an empty and from a filled cache."""
        self.progress("start")
        with tempfile.TemporaryDirectory(prefix="spinrnn-bench-") as folder:
            cold = [in_new_process(FIRST, f"{folder}/{k}") for k in range(self.sizes.starts)]
            warm = [in_new_process(FIRST, f"{folder}/0") for _ in range(max(2, self.sizes.starts))]
        for work, runs in (("compile", cold), ("from cache", warm)):
            net = NetworkConfig()
            own = {
                "neurons": net.layers[0],
                "scheme": net.scheme,
                "dtype": net.dtype,
                "density": 1.0,
                "threads": self.threads,
            }
            yield new_row(
                work,
                _alike(seconds for seconds, _ in runs),
                **own,
                process_s=round(float(np.median([total for _, total in runs])), 6),
            )
        for module in ("spinrnn", "spinrnn.networks.recurrent"):
            runs = [in_new_process(IMPORT, module) for _ in range(max(2, self.sizes.starts))]
            yield new_row(f"import {module}", _alike(seconds for seconds, _ in runs))

    def reference(self):
        """The reference work in both schemes, forward alone, and in float64."""
        for neurons, points in self.sizes.reference:
            self.progress(f"reference, {neurons} neurons")
            kinds = {"reference": {}, "inference": {"backward": False}}
            if neurons in self.sizes.float64:
                kinds["float64"] = {"dtype": "float64"}
            sides = {
                (work, scheme): Side(neurons, points=points, scheme=scheme, **changes)
                for work, changes in kinds.items()
                for scheme in ("euler", "exponential")
            }
            times, of_sgemm = self.turns(sides)
            for (work, scheme), side in sides.items():
                own, training = times[work, scheme].median, times["reference", scheme].median
                more = of_sgemm((work, scheme))
                if work == "inference":
                    more["of_training"] = _ratio(training / 3, own)
                elif work == "float64":
                    more["of_float32"] = _ratio(training, own)
                elif scheme == "exponential":
                    more["to_euler"] = _ratio(own, times["reference", "euler"].median)
                yield side.row(
                    "inference" if work == "inference" else "reference", times[work, scheme], **more
                )

    def sparse(self):
        """Few couplings against all of them, and the time that both take."""
        for neurons, density, points in self.sizes.sparse:
            self.progress(f"sparse, {neurons} neurons")
            sides = {
                "dense": Side(neurons, points=points),
                "sparse": Side(neurons, points=points, density=density),
            }
            times, of_sgemm = self.turns(sides)
            yield sides["dense"].row("sparse", times["dense"], **of_sgemm("dense"))
            speedup = _ratio(times["dense"].median, times["sparse"].median)
            yield sides["sparse"].row(
                "sparse", times["sparse"], **of_sgemm("sparse"), speedup=speedup
            )

    def crossover(self):
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
            own = {
                "neurons": neurons,
                "scheme": "exponential",
                "dtype": "float32",
                "threads": self.threads,
            }
            yield new_row(
                "crossover", **own, densities=list(densities), sparse_to_dense=[round(r, 4) for r in ratios],
                measured=None if (found := crossing(densities, ratios)) is None else round(found, 4), used=packing.SPARSE_BELOW,
            )  # fmt: skip

    def one_thread(self):
        """One thread against all, and whether the results are the same bits."""
        if self.threads == 1:
            yield _note("one thread only: nothing to compare it with")
            return
        for neurons in self.sizes.threads:
            self.progress(f"threads, {neurons} neurons")
            sides = {count: Side(neurons, count=count) for count in (1, self.threads)}
            times = take_turns(sides, self.sizes.rounds, self.sizes.seconds)
            identical = _same_bits(*(side.run() for side in sides.values()))
            yield sides[1].row("threads", times[1])
            speedup = _ratio(times[1].median, times[self.threads].median)
            yield sides[self.threads].row(
                "threads", times[self.threads], speedup=speedup, identical=identical
            )

    def long(self):
        """A long sequence with its whole history in memory, and with a share of that memory."""
        self.progress("long sequence")
        whole = Side(32, points=self.sizes.long).plan().whole
        sides, grown, firsts, results = {}, {}, {}, {}
        for name, limit in (("cut", int(SHARE * whole)), ("whole", whole)):
            sides[name] = Side(32, points=self.sizes.long, limit=limit)
            grown[name], firsts[name] = peak_growth(sides[name])
            results[name] = sides[name].run()
        times = take_turns(sides, self.sizes.rounds, self.sizes.seconds)
        for name, side in sides.items():
            times[name].first = firsts[name]
            more = {"limit_bytes": side.limit, "measured_bytes": grown[name]}
            if name == "cut":
                share = _ratio(side.plan().bytes, whole)
                more |= {
                    "of_memory": share,
                    "to_whole": _ratio(times["cut"].median, times["whole"].median),
                }
                more["identical"] = _same_bits(*results.values())
            yield side.row("long", times[name], **more)

    def growth(self):
        """Exponents of the time against neurons, points, batch (also with one thread) and density."""
        s = self.sizes
        yield self._grow("neurons", s.growth_neurons, points=s.brief)
        yield self._grow("points", s.growth_points, neurons=32, batch=32)
        yield self._grow("batch", s.growth_batch, neurons=32)
        if self.threads > 1:  # a small batch is one block, which one thread does alone
            yield self._grow("batch", s.growth_batch, neurons=32, count=1)
        for kernel in ("sparse", "dense"):
            densities = [
                d for d in s.growth_density if (d < packing.SPARSE_BELOW) == (kernel == "sparse")
            ]
            yield self._grow(
                "density", densities, neurons=s.growth_n, points=s.brief, kernel=kernel
            )

    def _grow(self, varied, sizes, kernel=None, **fixed):
        """The exponent over all sizes and over the upper half, where what does not grow weighs least; of the best times."""
        self.progress(f"growth against {varied}")
        sides = {size: Side(**{**fixed, varied: size}) for size in sizes}
        times = take_turns(sides, self.sizes.rounds, self.sizes.seconds)
        best = [times[size].best for size in sizes]
        half = len(sizes) // 2
        upper = half if len(sizes) - half > 2 else 0  # a line through two points fits anything
        side = sides[sizes[-1]]
        row = side.row(
            "growth",
            times[sizes[-1]],
            against=varied,
            kernel=kernel,
            sizes=list(sizes),
            seconds=[round(t, 6) for t in best],
        )
        if varied in ("neurons", "density"):  # the row is not that of the last size alone
            row[varied] = None
        for name, start in (("", 0), ("_upper", upper)):
            row[f"exponent{name}"] = (
                round(exponent(sizes[start:], best[start:]), 3) if len(sizes) - start > 1 else None
            )
            row[f"fitted{name}"] = [sizes[start], sizes[-1]]
        return row

    def epoch(self):
        """One epoch of training on all images, as `spinrnn train` does it; a brief run does its first batches and scales them up."""
        images = self.data.labels[~self.data.test]
        fewest = int(np.unique(images, return_counts=True)[1].min())
        for substeps in (1, 2):
            self.progress(f"MNIST, {substeps} substeps")
            network = NetworkConfig(substeps=substeps, outputs=int(self.data.labels.max()) + 1)
            own = DataConfig(
                source="mnist", validation_fraction=min(0.5, 1 / fewest)
            )  # about one image of each class: as good as all are trained on
            trainer = Trainer(RunConfig(network, TrainConfig(epochs=1), own), self.data)
            first, batches = trainer.warm_up(), 0
            for batches, _ in enumerate(trainer.steps(), 1):
                if batches == self.sizes.mnist:
                    break
            cases = min(batches * trainer.config.train.batch, len(trainer.training))
            seconds = trainer.seconds()
            points = self.data.inputs.shape[2]
            n = network.layers[0]
            operations = 6 * cases * points * substeps * (5 * n * n + n)
            yield new_row(
                "mnist", Times(first, [seconds]), operations, neurons=n, scheme=network.scheme, dtype=network.dtype, density=1.0,
                threads=self.threads, substeps=substeps, batch=trainer.config.train.batch, points=points, images=cases,
                epoch_s=round(seconds * len(images) / cases, 3),
            )  # fmt: skip

    def against_peers(self):
        """The reference work in JAX and PyTorch, in turns with ours."""
        names = [name for name, (library, _) in PEERS.items() if is_installed(library)]
        for library in sorted(
            {library for library, _ in PEERS.values() if not is_installed(library)}
        ):
            yield _note(
                f"{library} is not installed, so it is not timed; pip install 'spinrnn[peers]' brings JAX and PyTorch"
            )
        for neurons, points in self.sizes.reference if names else ():
            yield from self._peers_at(neurons, points, names)

    def _peers_at(self, neurons, points, names):
        ours = Side(neurons, points=points, scheme="euler")
        _, loss, gradient = ours.run()
        norm, ready, firsts = float(np.linalg.norm(gradient)), {}, {}
        try:
            for name in names:
                title = f"{PEERS[name][1]}, {neurons} neurons"
                self.progress(title)
                ready[name] = peer = Peer(name, neurons, points, ours.batch, self.threads)
                try:
                    firsts[name] = peer()
                except ProcessError as error:
                    ready.pop(name).close()
                    yield _note(f"{title}: failed: {error}")
                    continue
                if abs(peer.loss / loss - 1) > ALIKE or abs(peer.norm / norm - 1) > ALIKE:
                    theirs = f"its loss is {peer.loss:.6g} and its gradient's norm {peer.norm:.6g}, ours {loss:.6g} and {norm:.6g}"
                    yield _note(f"{title}: not the same work, {theirs}")
            self.progress(f"reference, {neurons} neurons, in turns with its peers")
            times = take_turns({"ours": ours, **ready}, self.sizes.rounds, 2 * self.sizes.seconds)
        finally:
            for peer in ready.values():
                peer.close()
        for name in ready:
            times[name].first = firsts[name]
            own = {
                "neurons": neurons,
                "scheme": "euler",
                "dtype": "float32",
                "density": 1.0,
                "threads": self.threads,
            }
            more = {
                "substeps": ours.config.resolved_substeps,
                "batch": ours.batch,
                "points": points,
            }
            ratio = _ratio(times[name].median, times["ours"].median)
            yield new_row(
                "peer", times[name], ours.operations(), **own, peer=name, **more, to_ours=ratio
            )
        if ready:
            best = min(ready, key=lambda name: times[name].median)
            ratio = _ratio(times[best].median, times["ours"].median)
            yield ours.row(
                "peer", times["ours"], peer="spinrnn", best_peer=best, to_best_peer=ratio
            )


def _note(text):
    return new_row("note", text=text)


def _alike(seconds):
    """`Times` of runs that are all first ones."""
    seconds = list(seconds)
    return Times(seconds[0], seconds)


def _same_bits(one, other):
    """Whether two results of `Network.logits_loss_grad` are the same to the bit."""
    return all(
        np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(one, other, strict=True)
    )
