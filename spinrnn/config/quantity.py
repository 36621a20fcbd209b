"""A parameter of a kind, declared once: default, unit, meaning and range.

A kind is a frozen dataclass; each of its fields is made by `quantity`. Everything that
has to know the parameter reads the declaration: the table of a configuration file and
its checks, ``--set``, help and documentation, attributes of files, axes of sweeps,
the spread from device to device, training, and fits.
"""

import dataclasses
import math
from typing import Any, NamedTuple

_METADATA = "quantity"


class Quantity(NamedTuple):
    """What is declared about a parameter.

    Attributes:
        name: of the field; default: its value where none is given; unit: SI, "1" for
            none.
        about: what it is, a phrase; source: "ours", "field", or where it comes from.
        low, high: inclusive limits; above, below: exclusive ones; None: no limit.
        why: what a message about a value out of range says besides, a phrase.
        spread: name of its factor from neuron to neuron, or None where it has none.
        fit: coordinate of a fit and of training: "log" (positive), "log1p" (from 0) or
            "plain"; None: it is neither fitted nor trained.
        fixed: whether the number of parameters depends on it.
        usual: least and largest size of what such devices have; beyond, the unit may be
            another one (`config.slips`). None: any.
    """

    name: str
    default: Any
    unit: str
    about: str
    low: float | None
    high: float | None
    above: float | None
    below: float | None
    why: str
    source: str
    spread: str | None
    fit: str | None
    fixed: bool
    usual: tuple[float, float] | None = None

    def problem(self, value: float) -> str | None:
        """What is wrong with a number as a value, "must be ...", or None."""
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        above = -math.inf if self.above is None else self.above
        below = math.inf if self.below is None else self.below
        if low <= value <= high and above < value < below:
            return None
        why = f", {self.why}" if self.why else ""
        return f"must be {self.range}{why}, got {value}"

    @property
    def range(self) -> str:
        """The range in words, as in "above 0 and at most 10 s"."""
        if self.low is not None and self.high is not None:
            return f"from {self.low:g} to {self.high:g}{self._unit}"
        limits = {
            "above": self.above,
            "at least": self.low,
            "below": self.below,
            "at most": self.high,
        }
        texts = [f"{word} {limit:g}" for word, limit in limits.items() if limit is not None]
        return (" and ".join(texts) or "any number") + (self._unit if texts else "")

    @property
    def _unit(self):
        return "" if self.unit == "1" else f" {self.unit}"


def quantity(
    default: Any,
    unit: str = "1",
    about: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    why: str = "",
    source: str = "ours",
    spread: bool | str = False,
    fit: str | None = None,
    fixed: bool = False,
    usual: tuple[float, float] | None = None,
) -> Any:
    """A field of a kind's table; arguments as the attributes of `Quantity`.

    spread: True where each neuron may have its own value, drawn once; a text is the
    name under which its factor is known, where that is not the field's.
    """
    declared = {
        "unit": unit,
        "about": about,
        "low": low,
        "high": high,
        "above": above,
        "below": below,
        "why": why,
        "source": source,
        "spread": spread,
        "fit": fit,
        "fixed": fixed,
        "usual": usual,
    }
    return dataclasses.field(default=default, metadata={_METADATA: declared})


def quantities(kind: Any) -> dict[str, Quantity]:
    """{name: `Quantity`} of a kind, a class or an instance, in the order of the table.

    Fields that are declared in another way have none.
    """
    found = {}
    for field in dataclasses.fields(kind):
        if _METADATA in field.metadata:
            declared = dict(field.metadata[_METADATA])
            spread = declared.pop("spread")
            name = field.name if spread is True else (spread or None)
            found[field.name] = Quantity(field.name, field.default, spread=name, **declared)
    return found


def spread_names(kind: Any) -> tuple[str, ...]:
    """Names of the factors by which neurons of a kind may differ, in its order."""
    return tuple(declared.spread for declared in quantities(kind).values() if declared.spread)
