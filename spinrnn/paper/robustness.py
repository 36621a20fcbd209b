"""Numbers of the figures about real devices: accuracy against their spread and against thermal noise, with and without training on them."""

import numpy as np

from spinrnn.errors import StoreError
from spinrnn.learning.trainer import evaluate
from spinrnn.neurons.spread import SPREADS
from spinrnn.paper.curves import Condition, medians
from spinrnn.paper.numbers import PAPER, FigureNumbers
from spinrnn.paper.traces import test_part


def spread(source):
    """Accuracy against the relative standard deviation of gamma, bias and gain, at Q = 0; every seed has its own devices."""
    return _against(
        source,
        "spread",
        tuple(SPREADS.values()),
        "relative standard deviation of gamma, bias and gain (Q = 0)",
        ("trained on these devices", "trained on ideal devices"),
    )


def thermal(source):
    """Accuracy against the power of thermal noise."""
    return _against(
        source,
        "thermal",
        ("thermal_power",),
        "noise power eta",
        ("trained with the noise", "trained without noise"),
    )


def _against(source, sweep, keys, label, names):
    """Networks trained at each value of the keys, and those trained at 0 and then put there without further training; names of both."""
    trained = sorted(source.conditions(sweep), key=lambda c: getattr(c.config.network, keys[0]))
    ideal = source.networks(sweep, lambda network: not any(getattr(network, key) for key in keys))
    if not ideal:
        raise StoreError(f"{sweep}: no network without {label} has been trained; run the recipe")
    moved = []
    for condition in trained:
        values = {key: getattr(condition.config.network, key) for key in keys}
        moved.append(
            Condition(
                condition.config,
                {"test_accuracy": np.array([_accuracy(*pair, values) for pair in ideal])},
                {},
            )
        )
    curves = dict(zip(names, (trained, moved), strict=True))
    rows, findings = [], {}
    for name, found in curves.items():
        for c in found:
            value = getattr(c.config.network, keys[0])
            quartiles = {
                f"accuracy_percent_{q}": 100 * v
                for q, v in zip(("q25", "median", "q75"), c.band(), strict=True)
            }
            rows.append({"training": name, sweep: value, "runs": c.runs, **quartiles})
        enough = [
            getattr(c.config.network, keys[0])
            for c, middle in zip(found, medians(found), strict=True)
            if middle >= PAPER[1]
        ]
        findings[f"{name}: largest {label} with the paper's {PAPER[1]} %"] = (
            max(enough) if enough else "none"
        )
        findings[f"{name}: median accuracy by {label} (%)"] = {
            f"{getattr(c.config.network, keys[0]):g}": round(float(middle), 2)
            for c, middle in zip(found, medians(found), strict=True)
        }
    return FigureNumbers({"curves": curves, "key": keys[0], "label": label}, {"": rows}, findings)


def _accuracy(config, net, values):
    """Of a trained network on the test part of its own run, with these values and its seed's devices and noise."""
    cases, data = test_part(config)
    return evaluate(
        net.replace(**values, device_seed=config.network.device_seed),
        data.take(cases),
        config.train.seed,
    ).accuracy
