"""Training steps of networks of devices in PyTorch and aihwkit, for `bench.peers`.

Each function makes a step that returns the loss before it and no gradients. Weights,
inputs and, in PyTorch, the laws of the devices are those of `bench.devices`: written as
one writes them there, on whole tensors, with gradients by automatic differentiation.
aihwkit has its own devices; taken is the preset next to ours.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from spinrnn.bench.devices import DeviceSide

Step = Callable[[], tuple[float, Any]]
PRESETS = {"walls": "GokmenVlasovPreset", "pulses": "ReRamESPreset"}
"""aihwkit's device of constant steps, and one whose steps depend on its state."""


def device_step(library: str, work: str, neurons: int, batch: int, threads: int) -> Step:
    """A function that does the work of `bench.devices` once."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    ours = DeviceSide(work, neurons, batch)
    if library == "aihwkit":
        return _analog(ours)
    return _rf(ours) if work == "rf" else _layers(ours)


def _layers(ours):
    """784-n-n-10 with batch normalisation."""
    import torch

    binary = ours.work == "binary"
    devices = [_MADE[ours.work](ours, f"w_{i}") for i in range(3)]
    norms = [torch.nn.BatchNorm1d(n) for n in ours.net.config.sizes[1:]]
    sign = _straight_sign(1.0)
    rate = ours.config.train.learning_rate
    learnt = [device.trained for device in devices]
    learnt += [p for norm in norms for p in norm.parameters()]
    optimiser = torch.optim.Adam(learnt, lr=rate)
    u, labels = torch.tensor(ours.u[:, :, 0]), torch.tensor(ours.labels)

    def step():
        h = u
        for i, (device, norm) in enumerate(zip(devices, norms, strict=True)):
            h = norm(h @ device.weights().T)
            if i < len(devices) - 1:
                h = sign(h) if binary else torch.relu(h)
        loss = torch.nn.functional.cross_entropy(h, labels)
        optimiser.zero_grad()
        loss.backward()
        with torch.no_grad():
            before = [device.before() for device in devices]
            optimiser.step()
            for device, old in zip(devices, before, strict=True):
                device.program(old)
        return float(loss.detach()), []

    return step


def _straight_sign(limit):
    """sign(z) of a tensor, whose gradient passes where |z| <= limit; None: always."""
    import torch

    class Sign(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return torch.where(z >= 0, 1.0, -1.0)

        @staticmethod
        def backward(ctx, *slopes):
            (z,) = ctx.saved_tensors
            return slopes[0] if limit is None else slopes[0] * (z.abs() <= limit)

    return Sign.apply


class _Device:
    """A block of devices: `trained` numbers, the weights they make, and what becomes of
    them after the optimiser's step.
    """

    def __init__(self, ours: DeviceSide, block: str) -> None:
        import torch

        self.kind, self.held = (
            ours.net.connections.kinds[block],
            ours.net.connections.devices[block],
        )
        start = ours.net.layout.named(ours.net.parameters)[block]
        self.trained = torch.nn.Parameter(torch.tensor(start))
        self.sources = start.shape[1]

    def before(self) -> Any:
        return None

    def program(self, old: Any) -> None:
        """old: what `before` gave."""


class _Binary(_Device):
    def __init__(self, ours: DeviceSide, block: str) -> None:
        super().__init__(ours, block)
        self._sign, self._size = _straight_sign(None), 2 / np.sqrt(self.sources)

    def weights(self) -> Any:
        return self._size * self._sign(self.trained)


class _Wall(_Device):
    def __init__(self, ours: DeviceSide, block: str) -> None:
        super().__init__(ours, block)
        import torch

        self._position = torch.tensor(self.held["position"])
        self._size = float(np.sqrt(12 / self.sources))

    def weights(self) -> Any:
        # the walls' weights, and a gradient straight to what is wanted
        return self.trained + (self._position * self._size - self.trained).detach()

    def program(self, old: Any) -> None:
        import torch

        kind, last = self.kind, self.kind.states - 1
        self.trained.clamp_(-self._size, self._size)
        levels = ((self.trained / self._size + 1) / kind.distance).round_().clamp_(0, last)
        places = levels * kind.distance - 1
        far = (self._position - places).abs() > kind.margin * kind.distance
        written = places + kind.noise * kind.distance * torch.randn_like(places)
        self._position = torch.where(far, written, self._position)


class _Pulsed(_Device):
    def __init__(self, ours: DeviceSide, block: str) -> None:
        super().__init__(ours, block)
        import torch

        self._writer, self._largest = ours.config.train.writer, np.sqrt(3 / self.sources)
        names = "potentiation", "depression"
        self._curves = [torch.tensor(getattr(self.kind, name)) for name in names]
        self._factors = [
            torch.tensor(self.held[f"{name}_factor"], dtype=torch.float32) for name in names
        ]

    def weights(self) -> Any:
        return self.trained

    def before(self) -> Any:
        return self.trained.clone()

    def program(self, old: Any) -> None:
        import torch

        w, kind = self._writer, self.kind
        pulses = (w.scale * (self.trained - old)).round_().clamp_(-w.most, w.most)
        state, up = (old / self._largest + 1) / 2, pulses > 0
        scatter = torch.where(up, kind.potentiation_scatter, kind.depression_scatter)
        factor, sign = torch.where(up, *self._factors), pulses.sign()
        for number in range(int(pulses.abs().max())):
            step = torch.where(up, *(_at(curve, state) for curve in self._curves))
            step = factor * step + scatter * torch.randn_like(step)
            moved = (state + sign * step).clamp_(0, 1)
            state = torch.where(pulses.abs() > number, moved, state)
        self.trained.copy_(self._largest * (2 * state - 1))


def _at(curve, state):
    """The curve's value at states in [0, 1], straight between its knots."""
    place = state * (len(curve) - 1)
    k = place.long().clamp_(0, len(curve) - 2)
    return curve[k] + (place - k) * (curve[k + 1] - curve[k])


_MADE: dict[str, Any] = {"binary": _Binary, "walls": _Wall, "pulses": _Pulsed}


# ---- the RF network ----


def _rf(ours):
    """The steps of an epoch."""
    import torch

    c = ours.net.config
    named = ours.net.layout.named(ours.net.parameters)
    leaf = lambda name: torch.nn.Parameter(torch.tensor(named[name]))
    chains = [_chain(ours, f"w_{i}") for i in range(2)]
    learnt = [leaf(f"{kind}_{i}") for kind in ("w", "bias") for i in range(2)]
    optimiser = torch.optim.Adam(learnt, lr=ours.config.train.learning_rate)
    u, labels = torch.tensor(ours.u[:, :, 0]), torch.tensor(ours.labels)

    def step():
        loss = torch.tensor(0.0)
        for start in range(0, len(u), ours.batch):
            own = slice(start, start + ours.batch)
            z = c.amplifications[0] * (u[own] @ chains[0](learnt[0]).T) + learnt[2]
            h = _power(c.activation, z)
            z = c.amplifications[1] * (h @ chains[1](learnt[1]).T) + learnt[3]
            loss = torch.nn.functional.cross_entropy(c.output_amplification * z, labels[own])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return float(loss.detach()), []

    return step


def _chain(ours, block):
    """Weights (chain, tone) of detunings (chain, resonator), (R1) and (R2)."""
    import torch

    kind, held = ours.net.connections.kinds[block], ours.net.connections.devices[block]
    shape = ours.net.layout.named(ours.net.parameters)[block].shape
    tones, designed, strengths, _ = kind._tables(np.zeros(shape, np.float32), held)
    tones, designed, strengths = map(torch.tensor, (tones, designed, strengths))

    def weights(detunings):
        f = (designed + detunings)[:, None, :]
        d, a = tones[None, :, None] - f, kind.damping * f
        return (strengths[:, None, :] * 2 * a * d / (a * a + d * d)).sum(2)

    return weights


def _power(kind, voltage):
    """Of the neurons, (R3) and (R4)."""
    gain = kind.transconductance / kind.threshold_current
    xi = (gain * (voltage + kind.bias_voltage)).clamp(1, kind.largest_ratio)
    unit = kind.efficiency * kind.resistance * kind.threshold_current**2
    return unit * (xi - 1) / (xi + kind.nonlinear_damping) * xi * xi


# ---- aihwkit ----


def _analog(ours):
    """784-n-n-10 of aihwkit's layers, with its plain gradient steps in pulses."""
    import torch
    from aihwkit.nn import AnalogLinear, AnalogSequential
    from aihwkit.optim import AnalogSGD
    from aihwkit.simulator import presets

    layers, sizes = [], ours.net.config.sizes
    for i, (sources, targets) in enumerate(itertools.pairwise(sizes)):
        config = getattr(presets, PRESETS[ours.work])()
        layers.append(AnalogLinear(sources, targets, bias=False, rpu_config=config))
        layers.append(torch.nn.BatchNorm1d(targets))
        if i < len(sizes) - 2:
            layers.append(torch.nn.ReLU())
    model = AnalogSequential(*layers)
    optimiser = AnalogSGD(model.parameters(), lr=0.05)
    optimiser.regroup_param_groups(model)
    u, labels = torch.tensor(ours.u[:, :, 0]), torch.tensor(ours.labels)

    def step():
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(u), labels)
        loss.backward()
        optimiser.step()
        return float(loss.detach()), []

    return step
