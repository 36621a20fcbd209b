"""A learned device as a text, which stands in the configuration that every file of
results holds: so a network is whole without the device's own file.

The text is base64 of compressed bytes: a line of JSON, which names the arrays and says
all else, and the arrays' float64 numbers.
"""

import base64
import binascii
import functools
import json
import math
import zlib
from typing import Any

import numpy as np

from spinrnn.errors import DataError
from spinrnn.neurons.learned import Channel, LearnedDevice, Weights

LARGEST = 2**28
"""Bytes of a device: a text that would become more is no device."""


def text_of(device: LearnedDevice, file: str) -> str:
    """The text of a device; file: under which name it was given."""
    networks = {"weights": device.weights, "diffusion": device.diffusion or ()}
    head = {
        "file": file,
        "shapes": {name: [m.shape for m, _ in layers] for name, layers in networks.items()},
        "output": device.output,
        "drives": device.drives,
        **{name: getattr(device, name) for name in _PLAIN},
        "base": dict(device.base),
        "provenance": dict(device.provenance),
    }
    arrays = [array for layers in networks.values() for layer in layers for array in layer]
    numbers = b"".join(np.ascontiguousarray(a, dtype="<f8").tobytes() for a in arrays)
    content = json.dumps(head).encode() + b"\n" + numbers
    return base64.b64encode(zlib.compress(content, 9)).decode()


_PLAIN = ("sampling_step", "unit_step", "delays", "held")


# a device is asked for by every step of making a network
@functools.lru_cache(maxsize=64)
def device_of(text: str) -> tuple[LearnedDevice, str]:
    """(device, name of its file) of a text.

    Raises:
        DataError: it is none that `text_of` made.
    """
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(base64.b64decode(text, validate=True), LARGEST)
        if not unpacking.eof:
            raise ValueError("it ends early, or is too long")
        head, _, numbers = content.partition(b"\n")
        known = json.loads(head)
        return _device(known, np.frombuffer(numbers, dtype="<f8")), str(known["file"])
    except (
        binascii.Error, zlib.error, ValueError, KeyError, TypeError, RecursionError, DataError,
    ) as error:  # fmt: skip
        raise DataError(f"is no learned device, or damaged: {error}") from None


def _device(known: Any, numbers: np.ndarray) -> LearnedDevice:
    shapes = known["shapes"]
    wanted = sum(m * (n + 1) for layers in shapes.values() for m, n in layers)
    if wanted != numbers.size:
        raise ValueError(f"{numbers.size} numbers, {wanted} are named")
    networks, at = {}, 0
    for name, layers in shapes.items():
        made = []
        for m, n in layers:
            matrix, at = numbers[at : at + m * n].reshape(m, n), at + m * n
            made.append((matrix.astype(float), numbers[at : at + m].astype(float)))
            at += m
        networks[name] = tuple(made)
    weights: Weights = networks["weights"]
    return LearnedDevice(
        weights=weights,
        diffusion=networks["diffusion"] or None,
        output=_channel(known["output"]),
        drives=tuple(_channel(drive) for drive in known["drives"]),
        base=known["base"],
        provenance=known["provenance"],
        **{name: known[name] for name in _PLAIN},
    )


def _channel(items: Any) -> Channel:
    made = Channel(*items)
    if not all(math.isfinite(x) for x in made[2:]) or made.scale == 0:
        raise ValueError("a channel's numbers are not finite")
    return made
