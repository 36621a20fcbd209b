"""What each figure shows, as numbers: the results of its sweeps in tables, and the findings that answer the paper's statements. Draws nothing."""

from dataclasses import dataclass, field

import numpy as np

from spinrnn.analysis.powers import NEURON_POWER, inference_energy, synapses
from spinrnn.errors import StoreError
from spinrnn.paper.curves import (
    band,
    chosen,
    columns,
    curve_distance,
    describe,
    medians,
    plateau,
    same,
)
from spinrnn.paper.traces import first_of, separation, test_part, traces

PAPER = (86.92, 89.83, 92.74)
"""Per cent: the accuracy that arXiv:2408.02835 reports, 89.83 +- 2.91."""
PAPER_ENERGY = 40e-12
"""J per image, "about 40 pJ" in arXiv:2408.02835."""
IMAGES = (5, 6, 9, 3, 3, 8)
"""Classes of the six images of figure 1 [paper]."""
DEPTHS = ((0, 0), (1, 0), (2, 1))
"""(layer, neuron) of figure 1 b to d [paper]."""
DEEP = ((2, 3), (2, 1), (2, 2))
"""(layer, neuron) of figure 2 c to e [paper]."""
SYNAPSE_POWERS = (0.0, 1e-9, 1e-8)
"""W, for the figure of the energy where none is given: what is unknown is shown as a range."""
POINTS = 64
"""Input points of an image."""


@dataclass
class FigureNumbers:
    """What a recipe found.

    Attributes:
        data: what its drawing needs; tables: {suffix of the file's name: list of rows
            {column: value}}; findings: {what: number or text}.
    """

    data: dict
    tables: dict
    findings: dict = field(default_factory=dict)


def fig1(source):
    """Figure 1 b to d: power of one neuron of each layer for six images; how much the powers of each layer say of the class."""
    condition, net = source.network(1.0)
    tested, data = test_part(condition.config)
    cases = first_of(data, tested, IMAGES)
    found = traces(net, data, cases, DEPTHS)
    shares = separation(net, data, tested)
    rows = [
        {"layer": layer}
        | {
            f"share_of_variance_between_classes_{name.replace(' ', '_')}": share[layer]
            for name, share in shares.items()
        }
        for layer in range(len(condition.config.network.layers))
    ]
    findings = {
        f"share of the variance of the powers between classes, {name}, by layer": [
            _digits(v) for v in share
        ]
        for name, share in shares.items()
    }
    images = [(int(data.labels[case]), data.inputs[case, 0]) for case in cases]
    return FigureNumbers(
        {"traces": found, "cases": cases, "images": images, "shares": shares},
        {"": _trace_rows(found), "-separation": rows},
        findings,
    )


def fig2(source):
    """Figure 2: the input of two images, accuracy of both networks against the input interval, powers at three intervals."""
    every = source.conditions("intervals")
    curves = {
        "oscillators": chosen(every, neuron="oscillator"),
        "CTRNN": chosen(every, neuron="ctrnn"),
        "oscillators, noise 0.15": chosen(source.conditions("noise")),
    }
    longer = source.conditions("longer")
    for name, neuron in (("oscillators", "oscillator"), ("CTRNN", "ctrnn")):
        found = chosen(longer, neuron=neuron)
        if found:
            curves[f"{name}, {found[0].config.train.epochs} epochs"] = found
    findings = {}
    for name, found in curves.items():
        findings |= _plateau(name, found)
    panels, cases, data = [], None, None
    for ratio in (0.0, 1.0, np.inf):
        condition, net = source.network(ratio)
        if cases is None:
            tested, data = test_part(condition.config)
            cases = first_of(data, tested, [0, 1])
        panels.append((condition, traces(net, data, cases, DEEP)))
    inputs = [(int(data.labels[case]), data.inputs[case, 0]) for case in cases]
    rows = [
        row | {"input_interval_s": condition.interval}
        for condition, found in panels
        for row in _trace_rows(found)
    ]
    pixels = [
        {"class": label, "point": k, "intensity": float(v)}
        for label, values in inputs
        for k, v in enumerate(values)
    ]
    tables = {
        "": [describe(c) for found in curves.values() for c in found],
        "-traces": rows,
        "-inputs": pixels,
    }
    return FigureNumbers(
        {"curves": curves, "panels": panels, "inputs": inputs, "cases": cases}, tables, findings
    )


def fig3(source):
    """Figure 3: accuracy against the input interval for three relaxation times and three learning rates, and all against the cumulative drive."""
    base = chosen(source.conditions("intervals"), neuron="oscillator")
    if not base:
        raise StoreError(
            "figure 3: no run of the oscillators in the sweep intervals has finished; run the "
            "figure's sweeps to their end"
        )
    relaxation, rates = source.conditions("relaxation"), source.conditions("rates")
    times = sorted({c.config.network.relaxation_time for c in [*base, *relaxation]})
    speeds = sorted({c.config.train.learning_rate for c in [*base, *rates]})
    by_time = {tau: chosen([*base, *relaxation], relaxation_time=tau) for tau in times}
    by_rate = {rate: chosen([*base, *rates], learning_rate=rate) for rate in speeds}
    findings = {}
    for tau, found in by_time.items():
        findings |= _plateau(f"relaxation time {1e9 * tau:g} ns", found)
    for axis, place in (("Delta t", lambda c: c.interval), ("Delta t / tau", lambda c: c.ratio)):
        value = curve_distance(
            [([place(c) for c in found], medians(found)) for found in by_time.values()]
        )
        findings[f"3 a: curves lie apart on the axis {axis} by (points)"] = round(value, 2)
    shared = [
        c.interval
        for c in base
        if all(
            any(same(k.interval, c.interval) and k.runs for k in found)
            for found in by_rate.values()
        )
    ]
    if shared:  # in a sweep that is not complete the smallest of all need not be there
        smallest = {
            rate: [c for c in found if same(c.interval, min(shared))]
            for rate, found in by_rate.items()
        }
        text = (
            f"3 b: accuracy by learning rate at the smallest Delta t, {1e9 * min(shared):g} ns (%)"
        )
        findings[text] = {
            f"{rate:g}": round(float(medians(found)[0]), 2) for rate, found in smallest.items()
        }
    usual = base[0].config.train.learning_rate  # its curve is one of `by_time`
    findings |= _collapse(
        [*by_time.values(), *(found for rate, found in by_rate.items() if not same(rate, usual))]
    )
    rows = [describe(c) for c in [*base, *relaxation, *rates]]
    runs = [
        {
            "input_interval_s": c.interval, "relaxation_time_s": c.config.network.relaxation_time,
            "learning_rate": c.config.train.learning_rate, "cumulative_drive": float(drive), "accuracy_percent": 100 * float(accuracy),
        }
        for c in [*base, *relaxation, *rates]
        for drive, accuracy in zip(c.values["cumulative_drive"], c.values["test_accuracy"], strict=True)
        if np.isfinite(accuracy)
    ]  # fmt: skip
    return FigureNumbers(
        {"by_time": by_time, "by_rate": by_rate, "runs": runs}, {"": rows, "-runs": runs}, findings
    )


def fig4(source):
    """Figure 4: accuracy against the density of the recurrent weights, of those between layers, and of both."""
    every = source.conditions("densities")
    spins = chosen(every, neuron="oscillator")
    curves = {
        "recurrent (W_int)": [c for c in spins if c.config.network.density_ext == 1],
        "between layers (W_ext)": [c for c in spins if c.config.network.density_int == 1],
        "both": _evenly_sparse(spins),
        "both, CTRNN": chosen(every, neuron="ctrnn"),
    }
    curves = {name: sorted(found, key=density) for name, found in curves.items()}
    findings = {}
    for name, found in curves.items():
        whole = [c for c in found if density(c) == 1]
        if not whole:
            continue
        for c in found:
            findings[f"{name}: median accuracy at density {density(c):g} (%)"] = round(
                float(medians([c])[0]), 2
            )
        least = [density(c) for c in found if medians([c])[0] >= PAPER[1]]
        findings[f"{name}: smallest density with the paper's {PAPER[1]} %"] = (
            min(least) if least else "none"
        )
    return FigureNumbers({"curves": curves}, {"": [describe(c) for c in every]}, findings)


def fig5(source):
    """Figure 5: accuracy and loss of the training and test parts against the epoch at three densities of all weights."""
    spins = chosen(source.conditions("densities"), neuron="oscillator")
    found = {
        share: chosen(spins, density_int=share, density_ext=share) for share in (0.5, 0.25, 0.1)
    }
    panels = {share: conditions[0] for share, conditions in found.items() if conditions}
    if not panels:
        raise StoreError(
            "figure 5: no run with density 0.5, 0.25 or 0.1 has finished; run the figure's sweeps "
            "to their end"
        )
    rows, findings = [], {}
    for share, condition in panels.items():
        bands = {
            name: band(condition.curves[name])
            for name in ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
        }
        for epoch in range(bands["train_loss"].shape[1]):
            row = {"density": share, "epoch": epoch + 1, "runs": condition.runs}
            for name, quartiles in bands.items():
                scale, label = (100, f"{name}_percent") if name.endswith("accuracy") else (1, name)
                row |= columns(label, scale * quartiles[:, epoch])
            rows.append(row)
        last = {name: float(quartiles[1, -1]) for name, quartiles in bands.items()}
        findings[f"density {share:g}: accuracy after the last epoch, training and test (%)"] = [
            round(100 * last["train_accuracy"], 2),
            round(100 * last["test_accuracy"], 2),
        ]
    return FigureNumbers({"panels": panels}, {"": rows}, findings)


def energy(source, neuron_power=NEURON_POWER, synapse_power=None):
    """Energy per image against accuracy, along the input interval and along the density, with its assumptions.

    Args:
        neuron_power: W; synapse_power: W, or None for `SYNAPSE_POWERS`.
    """
    powers = SYNAPSE_POWERS if synapse_power is None else (synapse_power,)
    spins = chosen(source.conditions("intervals"), neuron="oscillator")
    sparse = sorted(
        _evenly_sparse(chosen(source.conditions("densities"), neuron="oscillator")), key=density
    )
    rows = []
    for along, found in (("input interval", spins), ("density", sparse)):
        for c in found:
            for power in powers:
                row = {
                    "along": along,
                    "density": density(c),
                    "input_interval_s": c.interval,
                    "neurons": sum(c.config.network.layers),
                }
                row |= {
                    "synapses": synapses(c.config.network),
                    "neuron_power_w": neuron_power,
                    "synapse_power_w": power,
                }
                row["energy_per_image_j"] = inference_energy(
                    c.config.network, POINTS, neuron_power, power
                )
                rows.append(row | columns("accuracy_percent", 100 * c.band()))
    findings = {
        "assumed power of a neuron (W)": neuron_power,
        "assumed powers of a synapse (W)": list(powers),
        "input points": POINTS,
    }
    enough = [
        row
        for row in rows
        if row["accuracy_percent_median"] >= PAPER[1] and row["synapse_power_w"] == powers[0]
    ]
    if enough:
        least = min(enough, key=lambda row: row["energy_per_image_j"])
        findings[
            f"smallest energy of an image with {PAPER[1]} %, synapses at {powers[0]:g} W (pJ)"
        ] = _digits(1e12 * least["energy_per_image_j"])
        findings["  at the input interval (ns), density"] = [
            _digits(1e9 * least["input_interval_s"]),
            least["density"],
        ]
    usual = [
        row
        for row in rows
        if same(row["input_interval_s"], 10e-9)
        and row["density"] == 1
        and row["along"] == "input interval"
    ]
    for row in usual:
        what = (
            f"energy of an image at Delta t = 10 ns, synapses at {row['synapse_power_w']:g} W (pJ)"
        )
        findings[what] = _digits(1e12 * row["energy_per_image_j"])
    return FigureNumbers(
        {"rows": rows, "powers": powers, "neuron_power": neuron_power}, {"": rows}, findings
    )


def guideline(source):
    """What `spinrnn advise` expects on time scales that are in none of its sweeps, and what training there yields."""
    rows, inside, guided = [], 0, source.guide()
    for c in source.conditions("validation"):
        network, train = c.config.network, c.config.train
        expected = guided.expect(
            c.ratio, train.learning_rate, network.amplifications[0], train.noise
        )
        if expected is None or not c.runs:
            continue
        row = {
            "input_interval_s": c.interval,
            "relaxation_time_s": network.relaxation_time,
            "interval_over_relaxation_time": c.ratio,
        }
        row |= {
            "learning_rate": train.learning_rate,
            "amplification": network.amplifications[0],
            "noise": train.noise,
            "runs": c.runs,
        }
        row |= columns("expected_percent", 100 * np.array(expected)) | columns(
            "trained_percent", 100 * c.band()
        )
        row["median_inside_expected_band"] = bool(
            row["expected_percent_q25"]
            <= row["trained_percent_median"]
            <= row["expected_percent_q75"]
        )
        inside += row["median_inside_expected_band"]
        rows.append(row)
    if not rows:
        raise StoreError(
            "guideline: no run whose accuracy can be expected has finished; run the figure's "
            "sweeps to their end"
        )
    errors = [abs(row["trained_percent_median"] - row["expected_percent_median"]) for row in rows]
    findings = {
        "trainings compared, each a time scale and a way of training": len(rows),
        "trained median inside the expected band": inside,
        "mean difference of the medians (points)": _digits(np.mean(errors)),
        "largest difference of the medians (points)": _digits(max(errors)),
    }
    return FigureNumbers({"rows": rows}, {"": rows}, findings)


# ---- parts ----


def density(condition):
    """The smaller of the two densities."""
    return min(condition.config.network.density_int, condition.config.network.density_ext)


def _evenly_sparse(found):
    """The conditions with one density for all weights."""
    return [c for c in found if c.config.network.density_int == c.config.network.density_ext]


def _digits(value):
    return float(f"{value:.4g}")


def _plateau(name, found):
    """Where the median accuracy reaches the paper's."""
    accuracies = medians(found)
    place = plateau([c.ratio for c in found], accuracies, PAPER[1]) if len(found) else None
    text = (
        "nowhere"
        if place is None
        else [_digits(place[0]), _digits(place[1]), _digits(place[1] / place[0])]
    )
    findings = {f"{name}: Delta t / tau with {PAPER[1]} % or more, from, to, ratio": text}
    if np.isfinite(accuracies).any():
        best = found[int(np.nanargmax(accuracies))]
        findings[f"{name}: best median (%), at Delta t / tau"] = [
            round(float(np.nanmax(accuracies)), 2),
            _digits(best.ratio),
        ]
        lost = [
            100 * float(np.nanmedian(c.values["test_accuracy"] - c.values["test_accuracy_fine"]))
            for c in found
            if c.runs
        ]
        findings[f"{name}: largest median loss by 8 times finer substeps (points)"] = round(
            max(lost), 2
        )
    return findings


def _collapse(every):
    """How far the curves of runs with tau > Delta t lie apart before and after the axis is rescaled to the cumulative drive."""
    green = [[c for c in found if c.ratio < 1 - 1e-9] for found in every]
    green = [found for found in green if len(found) > 1]
    findings = {}
    for axis, place in (
        ("Delta t", lambda found: [c.interval for c in found]),
        ("Delta t / tau", lambda found: [c.ratio for c in found]),
        ("cumulative drive", lambda found: list(medians(found, "cumulative_drive", 1))),
    ):
        findings[f"3 c: curves with tau > Delta t lie apart on the axis {axis} by (points)"] = (
            round(curve_distance([(place(found), medians(found)) for found in green]), 2)
        )
    return findings


def _trace_rows(found):
    return [
        {
            "layer": t.layer,
            "neuron": t.neuron,
            "case": t.case,
            "class": t.label,
            "time_s": time,
            "power": power,
        }
        for t in found
        for time, power in zip(t.time, t.power, strict=True)
    ]
