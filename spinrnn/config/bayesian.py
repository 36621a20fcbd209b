"""What a Bayesian machine is: bytes of memory, registers, counters. The table [network]
with kind = "bayesian".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, ClassVar, Literal

from spinrnn.config.quantity import quantity
from spinrnn.config.static import FOLLOWING, StaticConfig
from spinrnn.config.tables import Problems, unsaid
from spinrnn.errors import DataError

PERIOD = 255
"""Cycles after which a register is where it was: eq. (B2) of docs/MODEL.md."""
MOST_BINS = 256
MOST_BYTES = 10**9
"""Of memory; more is taken for a mistake."""


@dataclass(frozen=True)
class BayesianConfig(StaticConfig):
    """A memristor Bayesian machine: eq. (B1) to (B6) of docs/MODEL.md.

    Rows are classes, columns are observables. A block (class, observable) holds a byte
    for each bin of the observable's values.

    Attributes:
        inputs: observables, one number of a case each.
        outputs: classes.
        bins: of each observable; their edges are found in the training part.
        mode: "stochastic": bytes are likelihoods, bits are drawn of them, the largest
            counter wins; "logarithmic": bytes are negative logarithms, the smallest sum
            wins.
        cycles: of the counters, up to the period of the registers, 255; only of
            "stochastic".
        normalisation: "value" divides likelihoods by the largest one of the classes,
            for each bin by itself; "column" by the largest one of all bins.
        seeds: where in their sequence the registers of the columns begin: "spaced", at
            equal distances; "equal", all at the same place; "random", drawn.
        register_seed: of "random".
        prior: "none": the classes count alike; "counts": their shares of the training
            part are one more column.
        log_step: of "logarithmic", what 1 of a byte stands for: a factor exp(log_step)
            of a likelihood.
        bit_error_rate: share of memory cells that are read wrongly, drawn once.
        cell: what a bit is kept in: "single", one such cell; "pair", two complementary
            ones that are compared, whose error is eq. (B6).
        error_seed: of the errors.
        abilities: what an estimator may ask of such a network.

    Raises:
        ConfigError: all impossible values at once.
    """

    inputs: int = unsaid(FOLLOWING["inputs"])
    outputs: int = unsaid(FOLLOWING["outputs"])
    bins: int = 8
    mode: Literal["stochastic", "logarithmic"] = "stochastic"
    cycles: int = PERIOD
    normalisation: Literal["value", "column"] = "value"
    seeds: Literal["spaced", "equal", "random"] = "spaced"
    register_seed: int = 0
    prior: Literal["none", "counts"] = "none"
    log_step: float = quantity(0.1, about="ln of the factor that 1 stands for", above=0, high=10)
    bit_error_rate: float = quantity(0.0, about="share of cells read wrongly", low=0, high=0.5)
    cell: Literal["single", "pair"] = "single"
    error_seed: int = 0
    follows: Any = field(default=(), repr=False, compare=False)

    kind: ClassVar[str] = "bayesian"
    abilities: ClassVar[frozenset[str]] = frozenset({"counts"})
    parts: ClassVar[tuple[str, ...]] = ()
    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    layers: ClassVar[tuple[int, ...]] = ()
    synapses: ClassVar[tuple[Any, ...]] = ()
    kinds: ClassVar[tuple[Any, ...]] = ()
    read_with: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "cycles": {"mode": "stochastic"},
        "seeds": {"mode": "stochastic"},
        "register_seed": {"mode": "stochastic", "seeds": "random"},
        "log_step": {"mode": "logarithmic"},
    }
    dtype: ClassVar[str] = "float64"

    @property
    def sizes(self) -> tuple[int, ...]:
        """Observables and classes."""
        return (int(self.inputs), int(self.outputs))

    @property
    def columns(self) -> int:
        """Registers: of the observables, and of the classes themselves where they do
        not count alike.
        """
        return int(self.inputs) + (self.prior == "counts")

    @property
    def error_rate(self) -> float:
        """Share of the bits that are read wrongly, eq. (B6)."""
        rate = self.bit_error_rate
        if self.cell == "single" or rate in (0.0, 0.5):
            return rate
        normal = NormalDist()
        return normal.cdf(2**0.5 * normal.inv_cdf(rate))

    @property
    def summary(self) -> tuple[str, str]:
        """What its rows and columns are, and its steps, in a few words each."""
        steps = f"{self.cycles} cycles" if self.mode == "stochastic" else "one sum"
        return f"{self.mode}, {self.bins} bins", steps

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{block: shape} of its bytes, as of `Layout.blocks`."""
        columns, classes = self.sizes
        prior = {"prior_0": (classes,)} if self.prior == "counts" else {}
        return {"memory_0": (classes, columns, self.bins), **prior}

    def axes(self, block: str) -> tuple[str, ...]:
        """Names of the axes of a block, or of the edges of the bins."""
        if block == "edges":
            return ("observable", "edge")
        return ("class", "observable", "bin")[: 3 if block == "memory_0" else 1]

    def arranged(self, data: Any) -> Any:
        """A `Dataset` as such a network takes it: (case, inputs, 1).

        DataError: its cases differ in length.
        """
        try:
            return data.flat()
        except DataError as error:
            if data.lengths is None:
                raise
            advice = 'or make numbers of sequences by data.frontend = "statistics", in Python by '
            advice += "spinrnn.statistics"
            raise DataError(f"{error}, {advice}") from None

    def rows(self) -> list[tuple[str, Any]]:
        """What a notebook shows of the network: (name, value)."""
        columns, classes = self.sizes
        rate = f"{self.bit_error_rate:g} of cells, {self.error_rate:g} of bits"
        return [
            ("observables, classes", (columns, classes)),
            ("bins, normalisation", (self.bins, f"for each {self.normalisation}")),
            ("mode", ", ".join(self.summary)),
            ("seeds", self.seeds),
            ("prior", self.prior),
            ("read wrongly", rate if self.bit_error_rate else None),
        ]

    def problems(self) -> list[str]:
        """What is impossible about the values, a sentence each."""
        found = Problems(self)
        for key in ("inputs", "outputs"):
            found.require(getattr(self, key) >= 1, key, "at least 1")
        found.require(2 <= self.bins <= MOST_BINS, "bins", f"from 2 to {MOST_BINS}")
        period = f"from 1 to {PERIOD}, after which the registers repeat"
        found.require(1 <= self.cycles <= PERIOD, "cycles", period)
        for key in ("register_seed", "error_seed"):
            found.require(getattr(self, key) >= 0, key, "0 or more")
        found.require(0 < self.log_step <= 10, "log_step", "above 0 and at most 10")
        found.require(0 <= self.bit_error_rate <= 0.5, "bit_error_rate", "from 0 to 0.5")
        own = self.mode == "stochastic" and self.seeds != "equal"
        if own and self.columns > PERIOD:
            few = f"{self.columns} columns have no places of their own in a sequence of {PERIOD}"
            advice = 'take fewer, as of sequences by data.frontend = "statistics", or mode = '
            found.add("inputs", f'{few}; {advice}"logarithmic"')
        if self.inputs * self.outputs * self.bins > MOST_BYTES:
            found.add("bins", f"the memory would have more than {MOST_BYTES:.0e} bytes; take fewer")
        return found
