"""The reference work in JAX and in PyTorch, a reservoir in reservoirpy, and networks of
devices (`bench.devicepeers`), for `spinrnn bench`.

A program, `python -m spinrnn.bench.peers`, that nothing in the package imports. It
takes one argument, a JSON object of peer (of `processes.PEERS`), neurons, points (at
least 2), batch and threads. For each line on its standard input it does one step,
forward and backward, and prints the seconds, the loss and the norm of the gradient. The
same weights and inputs as spinrnn's, Euler, float32; without the floor of the power,
which these do not reach. Gradients by automatic differentiation. Of reservoirpy a step
is the states of the training part of a series and the ridge regression; loss and
norm are 0.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from spinrnn.bench.processes import DEVICE_PEERS
from spinrnn.bench.reference import reference_config, reference_data
from spinrnn.networks.recurrent import Network

Step = Callable[[], tuple[float, Any]]


class _Work:
    """What all implementations share: numbers of the model and arrays.

    In reduced units as in `kernels`.
    """

    def __init__(self, neurons: int, points: int, batch: int) -> None:
        config = reference_config(neurons, scheme="euler")
        reduced = config.reduced()
        self.neurons, self.layers = neurons, len(config.layers)
        self.substeps = config.resolved_substeps
        self.step, self.blend, self.rest = reduced.step, reduced.blend, reduced.rest
        self.bias = config.neuron.bias_ratio
        self.out_gain = config.output_amplification
        self.weights = Network(config, seed=0).views()
        self.u, self.labels = reference_data(batch, points)
        # trapezoidal rule over the last input interval, from the state before it on
        ends = np.array([0.5, *[1.0] * (self.substeps - 1), 0.5], np.float32)
        self.readout = ends / self.substeps

    def advance(self, p: Any, m: Any, drive: Any) -> tuple[Any, Any]:
        """One Euler step; works on the arrays of any library."""
        return p + self.step * (drive * p * (1 - p) - p), m + self.blend * (p - m)


# ---- JAX ----


def jax_step(work: _Work, block: bool) -> Step:
    """A function that does one step and returns loss and gradients.

    block: all layers in one matrix; else each with its own [W_ext | W_int].
    """
    import jax
    import jax.numpy as jnp

    n, window = work.neurons, work.substeps + 1

    def loss(w, u, labels):
        constant = work.bias + jnp.concatenate(w["bias"])
        product = _jax_block(work, w) if block else _jax_layers(work, w)
        from_input = u.transpose(2, 0, 1) @ w["w_ext"][0].T

        def substep(state, outside):
            p, m = state
            drive = (constant + product(p - m)).at[:, :n].add(outside)
            p, m = work.advance(p, m, drive)
            return (p, m), p[:, -n:] - m[:, -n:]

        start = jnp.full((len(u), work.layers * n), work.rest, jnp.float32)
        outside = jnp.repeat(from_input, work.substeps, axis=0)
        _, outputs = jax.lax.scan(substep, (start, start), outside)
        mean = jnp.tensordot(work.readout, outputs[-window:], 1)
        logits = work.out_gain * (mean @ w["w_out"].T + w["b_out"])
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()

    differentiate = jax.jit(jax.value_and_grad(loss))
    weights = jax.tree.map(jnp.asarray, work.weights)
    u, labels = jnp.asarray(work.u), jnp.asarray(work.labels)

    def step():
        value, gradients = jax.block_until_ready(differentiate(weights, u, labels))
        return float(value), jax.tree.leaves(gradients)

    return step


def _jax_block(work: _Work, w: dict[str, Any]) -> Callable[[Any], Any]:
    """The product of outputs with all couplings, as one matrix."""
    import jax.numpy as jnp

    n, layers = work.neurons, work.layers
    rows = []
    for i in range(layers):
        parts = [jnp.zeros((n, n), jnp.float32)] * layers
        parts[i] = w["w_int"][i]
        if i:
            parts[i - 1] = w["w_ext"][i]
        rows.append(jnp.concatenate(parts, 1))
    matrix = jnp.concatenate(rows).T
    return lambda y: y @ matrix


def _jax_layers(work: _Work, w: dict[str, Any]) -> Callable[[Any], Any]:
    """The product of outputs with all couplings, layer by layer."""
    import jax.numpy as jnp

    n, layers = work.neurons, work.layers
    pairs = zip(w["w_ext"][1:], w["w_int"][1:], strict=True)
    matrices = [jnp.concatenate(pair, 1).T for pair in pairs]

    def product(y):
        first = y[:, :n] @ w["w_int"][0].T
        others = (y[:, i * n : (i + 2) * n] @ matrices[i] for i in range(layers - 1))
        return jnp.concatenate([first, *others], 1)

    return product


# ---- PyTorch ----


def torch_step(work: _Work, compiled: bool, threads: int) -> Step:
    """A function that does one step and returns loss and gradients.

    All layers in one matrix, the loop over the steps in Python.
    """
    import torch

    torch.set_num_threads(threads)
    n, window = work.neurons, work.substeps + 1
    leaf = lambda array: torch.tensor(array, requires_grad=True)
    w = {
        name: [leaf(a) for a in value] if isinstance(value, list) else leaf(value)
        for name, value in work.weights.items()
    }
    leaves = [t for value in w.values() for t in (value if isinstance(value, list) else [value])]
    u, labels = torch.tensor(work.u), torch.tensor(work.labels)

    def substep(p, m, outside, matrix, constant):
        return work.advance(p, m, torch.addmm(constant + outside, p - m, matrix))

    if compiled:
        substep = torch.compile(substep)

    def step():
        matrix, constant, into = _torch_matrices(work, w)
        p = m = torch.full((len(u), work.layers * n), work.rest)
        outputs = []
        for point in range(u.shape[2]):
            outside = u[:, :, point] @ into.T
            for _ in range(work.substeps):
                p, m = substep(p, m, outside, matrix, constant)
                if point >= u.shape[2] - 2:  # as many as the readout may need
                    outputs.append((p - m)[:, -n:])
        shares = zip(work.readout, outputs[-window:], strict=True)
        read = sum(float(share) * y for share, y in shares)
        logits = work.out_gain * (read @ w["w_out"].T + w["b_out"])
        loss = torch.nn.functional.cross_entropy(logits, labels)
        return float(loss.detach()), torch.autograd.grad(loss, leaves)

    return step


def _torch_matrices(work: _Work, w: dict[str, Any]) -> tuple[Any, Any, Any]:
    """(all couplings as one matrix, constant part of the drive, input weights of all
    neurons).
    """
    import torch

    n, layers = work.neurons, work.layers
    rows = []
    for i in range(layers):
        parts = [torch.zeros(n, n)] * layers
        parts[i] = w["w_int"][i]
        if i:
            parts[i - 1] = w["w_ext"][i]
        rows.append(torch.cat(parts, 1))
    matrix, constant = torch.cat(rows).T.contiguous(), work.bias + torch.cat(w["bias"])
    return matrix, constant, torch.cat([w["w_ext"][0], torch.zeros((layers - 1) * n, 1)])


# ---- reservoirpy ----


def reservoirpy_step(neurons: int, points: int) -> Step:
    """A function that makes an echo state network, fits it to the training part of a
    NARMA10 series of so many points, and returns (0.0, []).
    """
    import reservoirpy
    from reservoirpy.nodes import Reservoir, Ridge

    from spinrnn.bench.reservoirs import reservoir_config
    from spinrnn.datasets.loading import load_configured

    getattr(reservoirpy, "verbosity", lambda level: None)(0)
    config = reservoir_config(neurons, points)
    data = load_configured(config.data)
    assert data.targets is not None
    # the training part ends where the validation begins
    end = points - round(0.2 * points) - round(config.data.validation_fraction * points)
    u, y = data.inputs[0].T[:end], data.targets[0].T[:end]
    warmup = config.task.washout

    def step():
        units = Reservoir(neurons, lr=1.0, sr=0.9, input_scaling=0.1, rc_connectivity=1.0, seed=0)
        model = units >> Ridge(ridge=1e-6)
        model.fit(u, y, warmup=warmup)
        return 0.0, []

    return step


def main() -> None:
    asked = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    if hasattr(os, "sched_setaffinity"):  # JAX has no other way to be told the number of threads
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: asked["threads"]])
    library, _, kind = asked["peer"].partition("-")
    if asked["peer"] in DEVICE_PEERS:
        from spinrnn.bench.devicepeers import device_step

        step = device_step(library, kind, *(asked[k] for k in ("neurons", "batch", "threads")))
    elif library == "reservoirpy":
        step = reservoirpy_step(asked["neurons"], asked["points"])
    else:
        work = _Work(asked["neurons"], asked["points"], asked["batch"])
        if library == "jax":
            step = jax_step(work, kind == "block")
        else:
            step = torch_step(work, kind == "compiled", asked["threads"])
    for _ in sys.stdin:
        start = time.perf_counter()
        loss, gradients = step()
        seconds = time.perf_counter() - start
        norm = float(np.sqrt(sum((np.asarray(g, np.float64) ** 2).sum() for g in gradients)))
        print(json.dumps({"seconds": seconds, "loss": loss, "norm": norm}), file=answers)


if __name__ == "__main__":
    main()
