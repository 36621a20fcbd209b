"""Small networks of every kind through the kernels as plain Python, against the twin.

Run with NUMBA_DISABLE_JIT=1 by test_plain.py. Prints one JSON object: for each network the
distances of logits and of the gradient along some directions from the twin's, over their size.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import owntwin
import twin
from neurons.learnednoise import distances_of_noise
from neurons.madekinds import Chain, Memristor, Settled

import spinrnn
from spinrnn.config import kinds
from spinrnn.kernels import tiles

SPREAD = dict.fromkeys(
    ("spread_gamma", "spread_nonlinear_damping", "spread_bias", "spread_gain"), 0.3
)
NOISE = {"thermal_power": 3e-3}
SPARSE = {"density_int": 0.2, "density_ext": 0.2, "layers": (5, 4)}
EULER = {"scheme": "euler"}
KINDS = {
    "exponential": {"highpass_time": 12e-9},
    "euler": EULER | {"highpass_time": 12e-9},
    "ctrnn exponential": {"neuron": "ctrnn"},
    "ctrnn euler": {"neuron": "ctrnn"} | EULER,
    "spread exponential": SPREAD,
    "spread euler": SPREAD | EULER,
    "noise exponential": NOISE,
    "noise euler": NOISE | EULER,
    "spread and noise": SPREAD | NOISE,
    "wide": {"layers": (9,)},
    "sparse": SPARSE,
    "mixed": {"density_int": 0.2, "layers": (5, 4)},
    "sparse spread": SPARSE | SPREAD,
    "sparse noise": SPARSE | NOISE,
    "window": {"readout_window": 2, "substeps": 3},
    "squares": {"readout_features": "quadratic"},
    "strong": {"amplification": 60.0, "power_floor": 0.0},
    "strong spread": SPREAD | {"amplification": 60.0},
    "strong noise": NOISE | {"amplification": 100.0},
    "strong noise euler": NOISE | EULER | {"amplification": 5.0, "power_floor": 0.0},
    "floor": {"amplification": 8.0, "power_floor": 0.09},
    "floor euler": EULER | {"amplification": 4.0, "power_floor": 0.09},
}

kinds.use(Path(__file__).parents[2] / "docs" / "examples" / "leaky.py")
Leaky = kinds.kind_of("neuron", "leaky")
ALL = {"trained": ("tau", "tau_w", "coupling"), "trained_per": "neuron"}
LEARNED = spinrnn.Learned.of(spinrnn.Learned.example().device, noise=0.0)
SHORT = {"input_interval": 3e-9, "highpass_time": 5e-9}
OWN = {
    "learned": {"neuron": LEARNED, **SHORT, "substeps": 1},
    "learned, trained": {
        "neuron": LEARNED,
        "trained": ("drive_gain", "drive_offset", "output_gain"),
        "spread": spinrnn.Spread(drive_gain=0.2, output_gain=0.1, speed=0.3),
        **SHORT,
    },
    "layers of learned and others": {
        "neuron": (Leaky(), dataclasses.replace(LEARNED, emits="recorded", drive_scale=1e-3)),
        "input_interval": 3e-9,
    },
    "one state": {"neuron": Memristor(), "trained": ("tau", "start")},
    "two states": {"neuron": Leaky(), "highpass_time": 40e-9},
    "two states, trained": {"neuron": Leaky(), "readout_window": 2, **ALL},
    "two states, sparse": {"neuron": Leaky(), "spread": spinrnn.Spread(tau=0.3), **SPARSE},
    "layers of two kinds": {
        "neuron": (spinrnn.Oscillator(nonlinear_damping=0.4, thermal_power=3e-3), Leaky()),
        "highpass_time": 12e-9,
        "trained": ("relaxation_time", "tau", "coupling"),
    },
    "three states": {"neuron": Chain(), "highpass_time": 40e-9, "trained": ("feedback",)} | EULER,
    "three states at rest": {"neuron": Settled(), "highpass_time": 40e-9, "trained": ("begin",)}
    | EULER,
}


def distances(changes, segments):
    """(of the logits, of the slopes along three directions), over their largest values."""
    known = {"layers": (3, 2), "inputs": 2, "outputs": 3, "substeps": 2}
    if isinstance(changes.get("neuron", "oscillator"), str):
        known["nonlinear_damping"] = 0.4
    config = spinrnn.NetworkConfig(**(known | {"dtype": "float64"} | changes))
    net = spinrnn.Network(config, seed=0)
    rng = np.random.default_rng(1)
    net.parameters += 0.3 * rng.normal(size=net.parameters.size)
    mask = 1 if net.mask is None else net.mask
    # cases that end at different times; of a sparse network two panels of them
    cases = 10 if "density_int" in changes else 3
    u, labels = rng.normal(size=(cases, 2, 9)), np.arange(cases) % 3
    lengths = np.resize([9, 2, 6], cases)
    if segments:
        spinrnn.set_memory_limit(net.plan(3, 9).bytes - 1)
        assert net.plan(3, 9).segments > 1
    own = not {type(neuron) for neuron in config.neurons} <= {spinrnn.Oscillator, spinrnn.CTRNN}
    views = net.layout.grouped(net.parameters * mask)
    if own:
        expected = owntwin.logits(config, views, u, lengths, net.devices, 5)
    else:
        expected = twin.logits(config, views, u, lengths, None, net.devices, 5)
    found = net.forward(u, lengths, 5)
    _, gradient = net.loss_and_grad(u, labels, lengths, 5)
    slopes = []
    for _ in range(3):
        direction = rng.normal(size=gradient.size) * mask
        if own:
            (slope,) = owntwin.slopes(net, u, labels, lengths, [direction], 5)
        else:
            shifted = net.layout.grouped(net.parameters * mask + 1e-30j * direction)
            loss = twin.loss(config, shifted, u, labels, lengths, net.devices, 5)
            slope = loss.imag / 1e-30
        slopes.append((gradient @ direction, slope))
    slopes = np.array(slopes)
    spinrnn.set_memory_limit(None)
    return [
        float(np.abs(found - expected).max() / np.abs(expected).max()),
        float(np.abs(np.diff(slopes)).max() / np.abs(slopes).max()),
    ]


assert tiles.product_tile is not tiles._product_tile
results = {name: distances(changes, False) for name, changes in (KINDS | OWN).items()}
results["learned noise"] = distances_of_noise()
results["segments"] = distances({"readout_window": 1}, True)
results["two states, segments"] = distances({"neuron": Leaky(), "trained": ("tau_w",)}, True)
print(json.dumps(results))
