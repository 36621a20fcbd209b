"""A memristor Bayesian machine: memory, registers and counters to the bit, or sums of
logarithms; eq. (B1) to (B6) of docs/MODEL.md.

Built from the equations of arXiv:2112.10547 (Nat. Electron. 6, 52 (2023)) and the
public circuit of the follow-up chip. All results are the same to the bit for any number
of threads.
"""

import math
from typing import Any, ClassVar

import numpy as np

from spinrnn.config.bayesian import PERIOD, BayesianConfig
from spinrnn.errors import ConfigError, DataError, DivergenceError
from spinrnn.kernels import bitstreams
from spinrnn.machine import threads
from spinrnn.machine.threads import each, parts_of
from spinrnn.networks.base import Seed
from spinrnn.networks.losses import losses_of
from spinrnn.networks.planning import Plan
from spinrnn.networks.running import Batch
from spinrnn.networks.static import StaticNetwork, require_room
from spinrnn.notebook import card
from spinrnn.synapses.connections import Connections
from spinrnn.synapses.layout import Layout

EDGES = "bins/edges"
"""Name of the buffer with the edges of the bins."""
_PLACES, _ERRORS = 12, 13
"""Purposes of random numbers."""
FIRST = 1
"""State of a register at place 0 of its sequence."""


class BayesianNetwork(StaticNetwork):
    """A Bayesian machine.

    Args:
        config: None for the default one; seed: not used, memory is blank at first: all
            classes count alike.
    Attributes:
        config: as given; layout: where each block stands in `parameters`.
        parameters: (size,) bytes as they were programmed, whole numbers from 0 to 255:
            memory (class, observable, bin), and with a prior a byte for each class.
        buffers: {"bins/edges": (observable, bin - 1)}, rising, in the inputs' units.
        connections: empty.
        scaling: as of `Network`.
    """

    config: BayesianConfig
    buffers: dict[str, np.ndarray]
    called: ClassVar[str] = "a Bayesian machine"
    fixed: ClassVar[tuple[str, ...]] = (
        "inputs",
        "outputs",
        "bins",
        "mode",
        "normalisation",
        "prior",
        "log_step",
    )
    fixed_by: ClassVar[str] = "the programmed memory"

    def __init__(self, config: BayesianConfig | None = None, seed: int = 0) -> None:
        self.config = BayesianConfig() if config is None else config
        self.layout = Layout(self.config)
        blank = 255.0 if self.config.mode == "stochastic" else 0.0
        self.parameters = np.full(self.layout.size, blank)
        self.connections = Connections((), self.layout, self.parameters, None, seed)
        edges = np.zeros((int(self.config.inputs), self.config.bins - 1))
        self.buffers = {EDGES: edges}

    def __repr__(self) -> str:
        c = self.config
        mode, steps = c.summary
        return f"<Network {c.sizes[0]} observables, {c.sizes[1]} classes, {mode}, {steps}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return card("Bayesian machine", [*self.config.rows(), ("bytes", self.layout.size)])

    def replace(self, **changes: Any) -> "BayesianNetwork":
        """A machine with a copy of the memory and another configuration.

        Raises:
            ConfigError: the change concerns what the bytes mean, or is impossible in
                itself.
        """
        config = self._config_with(changes)
        other = BayesianNetwork(config)
        other.parameters = self.parameters
        other.buffers = self._copied_buffers()
        other.scaling, other.knows = self.scaling, self.knows
        return other

    # ---- what is in it ----

    def memory(self) -> tuple[np.ndarray, np.ndarray]:
        """Bytes as they are read, wrong bits included: (class, observable, bin), and
        (class,) of the prior, which changes nothing where classes count alike; uint8.

        DivergenceError: a parameter is no whole number from 0 to 255.
        """
        known = self.parameters
        wrong = ~((known >= 0) & (known <= 255) & (known == np.floor(known)))
        if wrong.any():
            place = int(np.argmax(wrong))
            got = f"got {known[place]:g} at {place}"
            raise DivergenceError(f"memory holds whole numbers from 0 to 255; {got}")
        views = self.layout.named(known.astype(np.uint8) ^ self._wrong_bits())
        none = np.full(self.config.sizes[1], 255 if self._stochastic else 0, dtype=np.uint8)
        return views["memory_0"], views.get("prior_0", none)

    def _wrong_bits(self):
        """(size,) uint8, 1 in each bit that is read wrongly. Those of a smaller rate
        are among those of a larger one.
        """
        rate, size = self.config.error_rate, self.layout.size
        if not rate:
            return np.zeros(size, dtype=np.uint8)
        rng = np.random.default_rng([self.config.error_seed, _ERRORS])
        return np.packbits(rng.random((size, 8)) < rate, axis=1)[:, 0]

    @property
    def _stochastic(self):
        return self.config.mode == "stochastic"

    def places(self) -> np.ndarray:
        """(column,) where in their sequence the registers begin, from 0 to 254; that of
        the prior is the last.
        """
        c, count = self.config, self.config.columns
        if c.seeds == "equal":
            return np.zeros(count, dtype=np.int64)
        if c.seeds == "spaced":
            return spaced(count)
        return np.random.default_rng([c.register_seed, _PLACES]).permutation(PERIOD)[:count]

    def registers(self) -> np.ndarray:
        """(column, cycle) int64 states of the registers."""
        once = np.empty(PERIOD, dtype=np.int64)
        bitstreams.sequence(FIRST, once)
        places = self.places()[:, None] + np.arange(self.config.cycles)
        return np.ascontiguousarray(once[places % PERIOD])

    def _words(self):
        """The bits of all bytes in all cycles, and those of the prior, as of
        `bitstreams.count`.
        """
        (memory, prior), states = self.memory(), self.registers()
        columns, classes = self.config.sizes
        count = -(-self.config.cycles // bitstreams.WORD)
        words = np.empty((columns, self.config.bins, classes, count), dtype=np.uint64)
        bitstreams.lay_down(memory, states[:columns], words)
        of_prior = np.empty((1, 1, classes, count), dtype=np.uint64)
        # a byte of 255 gives a 1 in each cycle, whatever the register
        bitstreams.lay_down(np.ascontiguousarray(prior[:, None, None]), states[-1:], of_prior)
        return words, of_prior[0, 0]

    # ---- what can be asked ----

    def observed(self, u, lengths=None) -> np.ndarray:
        """(case, observable) uint8 bins of inputs u; arguments, errors as in
        `forward`.
        """
        return self._observed(self._read(u, lengths, 0))

    def counters(self, u, lengths=None) -> np.ndarray:
        """(case, class) int64: counters after all cycles, or sums of the logarithmic
        mode; arguments and errors as in `forward`.
        """
        return self._counted(self.observed(u, lengths))

    def forward(self, u, lengths=None, noise_seed: Seed = 0) -> np.ndarray:
        """Logits (case, class) of inputs u (case, channel, time), float64: logarithms
        of likelihoods, eq. (B5).

        A counter n stands for (n + 1/2) / cycles, as one of 0 would exclude its class
        for ever. Their softmax are the probabilities of the classes, as far as they
        could be counted. Where two are equal, the answer is the class of the smaller
        number.

        Args:
            u: real array (case, channel, time) with channel * time = config.inputs,
                finite; lengths: (case,) that are all `time`, or None; noise_seed: not
                used, as the registers are the only source of chance.
        Raises:
            DataError: u or lengths do not fit; DivergenceError: memory holds something
            else than bytes; MemoryLimitError.
        """
        return self._logits(self.counters(u, lengths))

    def undecided(self, u, lengths=None) -> dict[str, float]:
        """{"ties": share of the cases in which several classes are first,
        "zeros": share in which no counter has counted anything, or all sums are full};
        such cases are ties too.

        DataError: there are no cases; others as in `forward`.
        """
        found = self.counters(u, lengths)
        if not len(found):
            raise DataError("inputs: no cases, the share of them is not defined")
        best = found.max(axis=1) if self._stochastic else found.min(axis=1)
        ties = (found == best[:, None]).sum(axis=1) > 1
        nothing = best == (0 if self._stochastic else bitstreams.LARGEST)
        return {"ties": float(ties.mean()), "zeros": float(nothing.mean())}

    def operations(self) -> dict[str, int]:
        """{what: how often} of one decision: bytes read, ANDs of two bits, bits that
        counters take, steps of registers; additions in the logarithmic mode.
        """
        c = self.config
        classes, columns = c.sizes[1], c.columns
        found = {"bytes_read": classes * columns}
        if not self._stochastic:
            return found | {"additions": classes * (columns - 1)}
        return found | {
            "register_steps": c.cycles * columns,
            "selections": c.cycles * classes * columns,
            "ands": c.cycles * classes * (columns - 1),
            "counted_bits": c.cycles * classes,
        }

    def _observed(self, batch):
        u = np.ascontiguousarray(batch.u[:, :, 0])
        bins = np.empty(u.shape, dtype=np.uint8)
        edges = self._edges()
        _shared(len(u), lambda first, last: bitstreams.observe(u, edges, first, last, bins))
        return bins

    def _edges(self):
        """Edges of the bins; DivergenceError where they are not finite or fall, so that
        there are no such bins.
        """
        edges = self.buffers[EDGES]
        wrong = ~np.isfinite(edges).all(axis=1) | (np.diff(edges, axis=1) < 0).any(axis=1)
        if wrong.any():
            place = f"those of observable {int(np.argmax(wrong))}"
            raise DivergenceError(f"{EDGES} must be finite and not fall; {place} are not so")
        return edges

    def _counted(self, bins):
        """Counters or sums of bins (case, observable)."""
        self.plan(len(bins), 1, False)
        found = np.empty((len(bins), self.config.sizes[1]), dtype=np.int64)
        if self._stochastic:
            own, prior = self._words()
            work = bitstreams.count
        else:
            own, prior = self.memory()
            work = bitstreams.add_up
        _shared(len(bins), lambda first, last: work(own, prior, bins, first, last, found))
        return found

    def _logits(self, counters):
        if self._stochastic:
            return np.log((counters + 0.5) / self.config.cycles)
        return -self.config.log_step * counters

    def _takes(self, points):
        return (
            "a Bayesian machine takes one number for each observable; make them of "
            'sequences by data.frontend = "statistics"'
        )

    def plan(self, cases: int, points: int, backward: bool = True) -> Plan:
        """How so many cases would be run, and the memory it would take.

        MemoryLimitError: it does not fit into `spinrnn.get_memory_limit`.
        """
        columns, classes = self.config.sizes
        of_words = 8 * -(-self.config.cycles // bitstreams.WORD) if self._stochastic else 1
        wanted = cases * (9 * columns + 16 * classes) + self.layout.size * (8 + of_words)
        require_room(cases, wanted, "give fewer cases")
        return Plan(cases, cases, 1, 1, 1, 1, threads.get_threads(), 1, wanted, wanted)

    # ---- what it does not have ----

    def prepared(self) -> "BayesianNetwork":
        """The machine itself: no step of training prepares anything."""
        return self

    def logits_loss_grad(self, *arguments: Any, **named: Any) -> Any:
        """ConfigError: bits have no gradient."""
        told = "network.kind: a Bayesian machine has no gradient; it learns by the estimator counts"
        raise ConfigError([told])

    def _run(self, batch: Batch, backward: bool) -> tuple[Any, Any, Any]:
        """As of `BaseNetwork`, without a gradient."""
        outputs = self._logits(self._counted(self._observed(batch)))
        losses = None if batch.targets is None else losses_of(outputs, batch.targets)[0]
        return outputs[:, :, None], losses, None


def spaced(count: int) -> np.ndarray:
    """(count,) places in the registers' sequence about as far apart as they can be.

    Registers 85 places apart, a third of the period, are the exclusive or of each
    other; so are 5 of them 51 and 17 of them 15 places apart. Columns with such
    registers are not independent, so the distance is that of the next number of columns
    with no divisor in common with 255.
    """
    parts = range(count, PERIOD)
    apart = next((n for n in parts if math.gcd(n, PERIOD) == 1), count)
    return np.arange(count) * PERIOD // max(apart, 1)


def bytes_of(
    config: BayesianConfig, likelihoods: np.ndarray, shares: np.ndarray
) -> dict[str, np.ndarray]:
    """{block: bytes} that a machine is programmed with, eq. (B1), float64.

    Args:
        likelihoods: (class, observable, bin) positive p(bin | class); shares: (class,)
            of the classes.
    """
    over = 0 if config.normalisation == "value" else (0, 2)
    found = {"memory_0": likelihoods / likelihoods.max(axis=over, keepdims=True)}
    if config.prior == "counts":
        found["prior_0"] = shares / shares.max()
    if config.mode == "stochastic":
        return {name: np.round(255 * share) for name, share in found.items()}
    with np.errstate(divide="ignore"):
        codes = {name: np.round(-np.log(p) / config.log_step) for name, p in found.items()}
    return {name: np.minimum(code, 255.0) for name, code in codes.items()}


def _shared(cases, work):
    """Calls work(first, last) of some cases after the others, on all threads."""
    each(parts_of(cases, 64), lambda part: work(part.start, min(part.stop, cases)))
