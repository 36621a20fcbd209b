"""What each figure shows, as numbers: tables, and findings for the paper's claims.

Draws nothing. A finding is (value, unit, meaning) under a short key that stays the same
from version to version; accuracies and their differences are in percent.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spinrnn.analysis.powers import NEURON_POWER, inference_energy, synapses
from spinrnn.errors import StoreError
from spinrnn.paper.curves import (
    Condition,
    band,
    chosen,
    columns,
    curve_distance,
    describe,
    medians,
    plateau,
    same,
)
from spinrnn.paper.traces import first_of, labels_of, separation, test_part, traces

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
"""W, for the figure of the energy: what is unknown is shown as a range."""
INPUT_POINTS = 64
"""Input points of an image."""


@dataclass
class FigureNumbers:
    """What a recipe found.

    Attributes:
        data: what its drawing needs.
        tables: {suffix of the file's name: list of rows {column: value}}.
        findings: {key: (value, unit, meaning)}, as `spinrnn.findings` takes them.
    """

    data: dict[str, Any]
    tables: dict[str, list[dict]]
    findings: dict[str, tuple[Any, str, str]] = field(default_factory=dict)


# ---- figure 1 ----


def fig1(source: Any) -> FigureNumbers:
    """Figure 1 b to d: power of one neuron of each layer for six images.

    Besides, how much the powers of each layer say of the class.
    """
    condition, net = source.network(1.0)
    tested, data = test_part(condition.config)
    cases = first_of(data, tested, IMAGES)
    found = traces(net, data, cases, DEPTHS)
    shares = separation(net, data, tested)
    rows, findings = [], {}
    for layer in range(len(condition.config.network.layers)):
        row = {"layer": layer}
        for name, share in shares.items():
            row[f"share_of_variance_between_classes_{_slug(name)}"] = share[layer]
        rows.append(row)
    for name, share in shares.items():
        findings[f"class_share_{_slug(name.removeprefix('the '))}"] = (
            [_digits(value) for value in share],
            "1",
            f"share of the variance of the powers between classes, {name}, by layer",
        )
    images = [(int(labels_of(data)[case]), data.inputs[case, 0]) for case in cases]
    drawn = {"traces": found, "cases": cases, "images": images, "shares": shares}
    return FigureNumbers(drawn, {"": _trace_rows(found), "-separation": rows}, findings)


# ---- figure 2 ----


def fig2(source: Any) -> FigureNumbers:
    """Figure 2: inputs of two images, accuracy against the input interval, powers."""
    curves, findings = {}, {}
    for key, name, found in _curves_of_fig2(source):
        curves[name] = found
        findings |= _plateau(key, name, found)
    panels, images = _powers_at_three_intervals(source)
    inputs = [(label, pixels) for _, label, pixels in images]
    rows = [
        row | {"input_interval_s": condition.interval}
        for condition, found in panels
        for row in _trace_rows(found)
    ]
    pixels = [
        {"class": label, "point": k, "intensity": float(value)}
        for label, values in inputs
        for k, value in enumerate(values)
    ]
    table = [describe(c) for found in curves.values() for c in found]
    cases = [case for case, _, _ in images]
    drawn = {"curves": curves, "panels": panels, "inputs": inputs, "cases": cases}
    return FigureNumbers(drawn, {"": table, "-traces": rows, "-inputs": pixels}, findings)


def _curves_of_fig2(source):
    """[(key, label, conditions)] of the accuracies against the input interval."""
    every, longer = source.conditions("intervals"), source.conditions("longer")
    curves = [
        ("oscillators", "oscillators", chosen(every, neuron="oscillator")),
        ("ctrnn", "CTRNN", chosen(every, neuron="ctrnn")),
        ("oscillators_noise", "oscillators, noise 0.15", chosen(source.conditions("noise"))),
    ]
    for key, name, neuron in (
        ("oscillators_longer", "oscillators", "oscillator"),
        ("ctrnn_longer", "CTRNN", "ctrnn"),
    ):
        found = chosen(longer, neuron=neuron)
        if found:
            curves.append((key, f"{name}, {found[0].config.train.epochs} epochs", found))
    return curves


def _powers_at_three_intervals(source):
    """[(condition, traces)] of three intervals, and [(case, class, pixels)]."""
    panels, cases, data = [], [], None
    for ratio in (0.0, 1.0, np.inf):
        condition, net = source.network(ratio)
        if data is None:
            tested, data = test_part(condition.config)
            cases = first_of(data, tested, [0, 1])
        panels.append((condition, traces(net, data, cases, DEEP)))
    return panels, [(case, int(labels_of(data)[case]), data.inputs[case, 0]) for case in cases]


# ---- figure 3 ----


def fig3(source: Any) -> FigureNumbers:
    """Figure 3: three relaxation times, three learning rates, cumulative drive."""
    base = chosen(source.conditions("intervals"), neuron="oscillator")
    if not base:
        raise StoreError(
            "figure 3: no run of the oscillators in the sweep intervals has finished; run the "
            "figure's sweeps to their end"
        )
    relaxation, rates = source.conditions("relaxation"), source.conditions("rates")
    times = sorted({c.config.network.time_unit for c in [*base, *relaxation]})
    speeds = sorted({c.config.train.learning_rate for c in [*base, *rates]})
    by_time = {tau: chosen([*base, *relaxation], relaxation_time=tau) for tau in times}
    by_rate = {rate: chosen([*base, *rates], learning_rate=rate) for rate in speeds}
    findings = {}
    for tau, found in by_time.items():
        name = f"{1e9 * tau:g} ns"
        findings |= _plateau(f"tau_{_slug(name)}", f"relaxation time {name}", found)
    findings |= _distances("by_time", "curves of the relaxation times", list(by_time.values()))
    findings |= _smallest_interval(base, by_rate)
    # the curve with the usual learning rate is one of `by_time`
    usual = base[0].config.train.learning_rate
    others = [found for rate, found in by_rate.items() if not same(rate, usual)]
    findings |= _collapse([*by_time.values(), *others])
    every = [*base, *relaxation, *rates]
    runs = [row for c in every for row in _run_rows(c)]
    drawn = {"by_time": by_time, "by_rate": by_rate, "runs": runs}
    return FigureNumbers(drawn, {"": [describe(c) for c in every], "-runs": runs}, findings)


def _run_rows(condition):
    """A row for each run that has an accuracy."""
    drive, accuracy = condition.values["cumulative_drive"], condition.values["test_accuracy"]
    return [
        {
            "input_interval_s": condition.interval,
            "relaxation_time_s": condition.config.network.time_unit,
            "learning_rate": condition.config.train.learning_rate,
            "cumulative_drive": float(drive[k]),
            "accuracy_percent": 100 * float(accuracy[k]),
        }
        for k in np.flatnonzero(np.isfinite(accuracy))
    ]


def _smallest_interval(base, by_rate):
    """Accuracy by learning rate at the smallest interval that all of them have."""

    def has(found, interval):
        return any(same(c.interval, interval) and c.runs for c in found)

    intervals = [c.interval for c in base]
    shared = [x for x in intervals if all(has(found, x) for found in by_rate.values())]
    # in a sweep that is not complete there need not be any
    if not shared:
        return {}
    accuracies = {}
    for rate, found in by_rate.items():
        there = [c for c in found if same(c.interval, min(shared))]
        accuracies[f"{rate:g}"] = round(float(medians(there)[0]), 2)
    return {
        "smallest_interval": (
            _digits(1e9 * min(shared)),
            "ns",
            "smallest Delta t that all learning rates have",
        ),
        "smallest_interval_accuracy": (
            accuracies,
            "%",
            "median accuracy there, by learning rate",
        ),
    }


# ---- figures 4 and 5 ----


def fig4(source: Any) -> FigureNumbers:
    """Figure 4: accuracy against the density of the weights."""
    every = source.conditions("densities")
    spins = chosen(every, neuron="oscillator")
    recurrent = [c for c in spins if c.config.network.density_ext == 1]
    between = [c for c in spins if c.config.network.density_int == 1]
    curves, findings = {}, {}
    for key, name, label, found in (
        ("recurrent", "recurrent weights", r"recurrent, $W_\mathrm{int}$", recurrent),
        ("between_layers", "weights between layers", r"between layers, $W_\mathrm{ext}$", between),
        ("all_weights", "all weights", "both", _evenly_sparse(spins)),
        ("ctrnn", "all weights, CTRNN", "both, CTRNN", chosen(every, neuron="ctrnn")),
    ):
        curves[label] = sorted(found, key=density)
        findings |= _density_findings(key, name, curves[label])
    return FigureNumbers({"curves": curves}, {"": [describe(c) for c in every]}, findings)


def _density_findings(key, name, found):
    if not any(density(c) == 1 for c in found):
        return {}
    accuracies = {density(c): float(medians([c])[0]) for c in found}
    enough = [share for share, accuracy in accuracies.items() if accuracy >= PAPER[1]]
    return {
        f"{key}_accuracy": (
            {f"{share:g}": round(accuracy, 2) for share, accuracy in accuracies.items()},
            "%",
            f"{name}: median accuracy by density",
        ),
        f"{key}_smallest_density": (
            min(enough, default=None),
            "1",
            f"{name}: smallest density with the paper's {PAPER[1]} %; null: none",
        ),
    }


def fig5(source: Any) -> FigureNumbers:
    """Figure 5: accuracy and loss against the epoch at three densities."""
    spins = chosen(source.conditions("densities"), neuron="oscillator")
    found = {
        share: chosen(spins, density_int=share, density_ext=share) for share in (0.5, 0.25, 0.1)
    }
    panels = {share: conditions[0] for share, conditions in found.items() if conditions}
    if not panels:
        raise StoreError(
            "figure 5: no run with density 0.5, 0.25 or 0.1 has finished; run the figure's "
            "sweeps to their end"
        )
    rows, findings = [], {}
    for share, condition in panels.items():
        bands = {
            name: band(condition.curves[name])
            for name in ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
        }
        for epoch in range(bands["train_loss"].shape[1]):
            row = {"density": share, "epoch": epoch + 1, "runs": condition.runs}
            rows.append(row | _epoch_columns(bands, epoch))
        for part, name in (("train", "training"), ("test", "test")):
            findings[f"density_{100 * share:.0f}_{part}_accuracy"] = (
                round(100 * float(bands[f"{part}_accuracy"][1, -1]), 2),
                "%",
                f"density {share:g}: median {name} accuracy after the last epoch",
            )
    return FigureNumbers({"panels": panels}, {"": rows}, findings)


def _epoch_columns(bands, epoch):
    """{column: value} of the quartiles at one epoch; accuracies in percent."""
    row = {}
    for name, quartiles in bands.items():
        percent = name.endswith("accuracy")
        label = f"{name}_percent" if percent else name
        row |= columns(label, (100 if percent else 1) * quartiles[:, epoch])
    return row


# ---- energy ----


def energy(
    source: Any, neuron_power: float = NEURON_POWER, synapse_power: float | None = None
) -> FigureNumbers:
    """Energy per image against accuracy, along input interval and density.

    Args:
        source: of the results.
        neuron_power: W, assumed.
        synapse_power: W, assumed; None: `SYNAPSE_POWERS`.
    """
    powers = SYNAPSE_POWERS if synapse_power is None else (synapse_power,)
    spins = chosen(source.conditions("intervals"), neuron="oscillator")
    sparse = chosen(source.conditions("densities"), neuron="oscillator")
    sparse = sorted(_evenly_sparse(sparse), key=density)
    rows = [
        _energy_row(along, c, neuron_power, power)
        for along, found in (("input interval", spins), ("density", sparse))
        for c in found
        for power in powers
    ]
    findings = {
        "neuron_power": (neuron_power, "W", "assumed power of a neuron"),
        "synapse_powers": (list(powers), "W", "assumed powers of a synapse"),
        "input_points": (INPUT_POINTS, "1", "input points of an image"),
        **_energy_findings(rows, powers),
    }
    drawn = {"rows": rows, "powers": powers, "neuron_power": neuron_power}
    return FigureNumbers(drawn, {"": rows}, findings)


def _energy_row(along, condition, neuron_power, synapse_power):
    network = condition.config.network
    joule = inference_energy(network, INPUT_POINTS, neuron_power, synapse_power)
    return {
        "along": along,
        "density": density(condition),
        "input_interval_s": condition.interval,
        "neurons": sum(network.layers),
        "synapses": synapses(network),
        "neuron_power_w": neuron_power,
        "synapse_power_w": synapse_power,
        "energy_per_image_j": joule,
        **columns("accuracy_percent", 100 * condition.band()),
    }


def _energy_findings(rows, powers):
    findings = {}
    enough = [
        row
        for row in rows
        if row["accuracy_percent_median"] >= PAPER[1] and row["synapse_power_w"] == powers[0]
    ]
    if enough:
        least = min(enough, key=lambda row: row["energy_per_image_j"])
        what = f"smallest energy of an image with {PAPER[1]} %, synapses at {powers[0]:g} W"
        picojoule = _digits(1e12 * least["energy_per_image_j"])
        interval = _digits(1e9 * least["input_interval_s"])
        findings |= {
            "smallest_energy": (picojoule, "pJ", what),
            "smallest_energy_interval": (interval, "ns", "input interval of the smallest energy"),
            "smallest_energy_density": (least["density"], "1", "density of the smallest energy"),
        }
    usual = [
        row
        for row in rows
        if same(row["input_interval_s"], 10e-9)
        and row["density"] == 1
        and row["along"] == "input interval"
    ]
    if usual:
        findings["usual_energy"] = (
            {f"{r['synapse_power_w']:g}": _digits(1e12 * r["energy_per_image_j"]) for r in usual},
            "pJ",
            "energy of an image at Delta t = 10 ns, by the power of a synapse in W",
        )
    return findings


# ---- the guideline ----


def guideline(source: Any) -> FigureNumbers:
    """What `spinrnn advise` expects on other time scales, and what training yields."""
    guided = source.guide()
    found = [_guideline_row(guided, c) for c in source.conditions("validation")]
    rows = [row for row in found if row is not None]
    if not rows:
        raise StoreError(
            "guideline: no run whose accuracy can be expected has finished; run the figure's "
            "sweeps to their end"
        )
    errors = [abs(row["trained_percent_median"] - row["expected_percent_median"]) for row in rows]
    inside = sum(row["median_inside_expected_band"] for row in rows)
    findings = {
        "compared": (len(rows), "1", "trainings compared: a time scale and a way of training"),
        "inside_expected_band": (inside, "1", "of these, trained median in the expected band"),
        "mean_difference": (_digits(np.mean(errors)), "%", "mean difference of the medians"),
        "largest_difference": (_digits(max(errors)), "%", "largest difference of the medians"),
    }
    return FigureNumbers({"rows": rows}, {"": rows}, findings)


def _guideline_row(guided, condition):
    """Expected and trained accuracy; None where one of them is not known."""
    network, train = condition.config.network, condition.config.train
    amplification = network.amplifications[0]
    expected = guided.expect(condition.ratio, train.learning_rate, amplification, train.noise)
    if expected is None or not condition.runs:
        return None
    low, _, high = expected
    trained = condition.band()
    return {
        "input_interval_s": condition.interval,
        "relaxation_time_s": network.time_unit,
        "interval_over_relaxation_time": condition.ratio,
        "learning_rate": train.learning_rate,
        "amplification": amplification,
        "noise": train.noise,
        "runs": condition.runs,
        **columns("expected_percent", 100 * np.array(expected)),
        **columns("trained_percent", 100 * trained),
        "median_inside_expected_band": bool(low <= trained[1] <= high),
    }


# ---- parts ----


def density(condition: Condition) -> float:
    """The smaller of the two densities."""
    network = condition.config.network
    return min(network.density_int, network.density_ext)


def _evenly_sparse(found):
    """The conditions with one density for all weights."""
    return [c for c in found if c.config.network.density_int == c.config.network.density_ext]


def _digits(value):
    return float(f"{value:.4g}")


def _slug(text):
    """A text as part of a key: "2.5 ns" is "2_5ns"."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower().replace(" ns", "ns"))


def _plateau(key, name, found):
    """Where the median accuracy reaches the paper's, and the best one."""
    if not found:
        return {}
    accuracies = medians(found)
    place = plateau([c.ratio for c in found], accuracies, PAPER[1])
    where = None if place is None else [*map(_digits, place), _digits(place[1] / place[0])]
    what = f"Delta t / tau with {PAPER[1]} % or more: from, to, their ratio; null: nowhere"
    findings = {f"{key}_plateau": (where, "1", f"{name}: {what}")}
    if not np.isfinite(accuracies).any():
        return findings
    best = int(np.nanargmax(accuracies))
    lost = [
        100 * float(np.nanmedian(c.values["test_accuracy"] - c.values["test_accuracy_fine"]))
        for c in found
        if c.runs
    ]
    return findings | {
        f"{key}_best_accuracy": (
            round(float(accuracies[best]), 2),
            "%",
            f"{name}: best median accuracy",
        ),
        f"{key}_best_ratio": (
            _digits(found[best].ratio),
            "1",
            f"{name}: Delta t / tau of the best median accuracy",
        ),
        f"{key}_finer_loss": (
            round(max(lost), 2),
            "%",
            f"{name}: largest median loss of accuracy by 8 times finer substeps",
        ),
    }


AXES = {
    "interval": ("Delta t", lambda found: [c.interval for c in found]),
    "ratio": ("Delta t / tau", lambda found: [c.ratio for c in found]),
    "drive": ("cumulative drive", lambda found: list(medians(found, "cumulative_drive", 1))),
}
"""Axes on which distances of curves are told, {key: (name, places of conditions)}."""


def _distances(key, what, curves, axes=("interval", "ratio")):
    """How far curves of accuracy lie apart on different axes."""
    findings = {}
    for axis in axes:
        name, places = AXES[axis]
        value = curve_distance([(places(found), medians(found)) for found in curves])
        meaning = f"{what}: mean distance on the axis {name}"
        findings[f"{key}_distance_{axis}"] = (round(value, 2), "%", meaning)
    return findings


def _collapse(every):
    """How far the curves of runs with tau > Delta t lie apart on all axes."""
    fast = [[c for c in found if c.ratio < 1 - 1e-9] for found in every]
    fast = [found for found in fast if len(found) > 1]
    return _distances("fast", "all curves where tau > Delta t", fast, AXES)


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
