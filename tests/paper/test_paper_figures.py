"""The drawings: what is drawn is what was found, where it belongs, with symbols."""

import re

import numpy as np
import pytest
from madeup import computed, write_cubes
from matplotlib.colors import same_color
from matplotlib.text import Text

from spinrnn.paper import figures
from spinrnn.paper.curves import band, medians
from spinrnn.paper.numbers import FigureNumbers, density
from spinrnn.paper.recipes import RECIPES


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    """A folder with made-up cubes of all sweeps and untrained networks."""
    return write_cubes(tmp_path_factory.mktemp("reproduction"))


@pytest.fixture(scope="module")
def drawn(cubes):
    """Function that returns what a recipe found, and its figure."""
    made = {}

    def draw(name):
        if name not in made:
            with figures.style():
                made[name] = RECIPES[name].draw(computed(cubes, name))
        return computed(cubes, name), made[name]

    return draw


def lines_of(ax):
    """{label: line} of the lines that a legend names."""
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def points(line):
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


def corners(collection):
    """(x, y) of the corners of a filled band."""
    return collection.get_paths()[0].vertices.T


def letter(ax):
    return re.search(r"\\bf\{(\w)\}", ax.get_title(loc="left")).group(1)


def check_curve(ax, name, x, found, band_number):
    """Medians as a line with marks, and the quartiles as a band of its colour."""
    line = lines_of(ax)[name]
    assert points(line)[0] == pytest.approx(x)
    assert points(line)[1] == pytest.approx([100 * c.band()[1] for c in found])
    band_of_line = ax.collections[band_number]
    assert same_color(band_of_line.get_facecolor()[0][:3], line.get_color())
    across, up = corners(band_of_line)
    for place, condition in zip(x, found, strict=True):
        low, _, high = 100 * condition.band()
        there = up[np.isclose(across, place)]
        assert (there.min(), there.max()) == (pytest.approx(low), pytest.approx(high))
        assert high - low == pytest.approx(0.5), "of seeds that lie evenly over a point"


def check_paper(ax):
    """The paper's accuracy as a band from 86.92 to 92.74 % and a line in its middle."""
    (box,) = [p for p in ax.patches if str(p.get_label()).startswith("paper")]
    assert box.get_label() == "paper: 89.83 ± 2.91 %"
    low = box.get_y()
    assert (low, low + box.get_height()) == (pytest.approx(86.92), pytest.approx(92.74))
    assert [89.83, 89.83] in [list(line.get_ydata()) for line in ax.lines]


# ---- what is drawn ----


def test_fig1_has_its_images_and_the_powers_of_each_layer(drawn):
    result, figure = drawn("fig1")
    images, panels = figure.axes[:6], figure.axes[6:]
    assert letter(images[0]) == "a"
    for ax, (label, pixels) in zip(images, result.data["images"], strict=True):
        assert ax.get_title() == f"class {label}"
        assert np.array_equal(ax.images[0].get_array(), pixels.reshape(8, 8))
    assert [letter(ax) for ax in panels] == ["b", "c", "d"]
    for layer, ax in enumerate(panels):
        traces = [t for t in result.data["traces"] if t.layer == layer]
        assert len(ax.lines) == len(traces) == 6
        for line, trace in zip(ax.lines, traces, strict=True):
            assert points(line)[0] == pytest.approx(1e9 * trace.time)
            assert points(line)[1] == pytest.approx(trace.power)
            number = result.data["cases"].index(trace.case)
            frame = images[number].spines["top"].get_edgecolor()
            assert same_color(frame, line.get_color()), "the colour of its image"
        share = result.data["shares"]["the end"][layer]
        assert ax.texts[0].get_text().startswith(f"{100 * share:.0f} % of")
        assert ax.get_xlabel() == "time (ns)"


def test_fig2_has_inputs_accuracies_and_powers(drawn):
    result, figure = drawn("fig2")
    inputs, curves, *panels = figure.axes
    assert [letter(ax) for ax in figure.axes] == list("abcde")
    for patch, (label, pixels) in zip(inputs.patches, result.data["inputs"], strict=True):
        assert patch.get_label() == f"class {label}"
        assert patch.get_data().values == pytest.approx(pixels)
    check_paper(curves)
    for number, (name, found) in enumerate(result.data["curves"].items()):
        check_curve(curves, name, [c.ratio for c in found], found, number)
    assert curves.get_xlabel() == r"input interval $\Delta t / \tau$"
    for ax, (condition, traces) in zip(panels, result.data["panels"], strict=True):
        title = rf"{condition.ratio:g} $\tau$ = {1e9 * condition.interval:g} ns"
        assert title in ax.get_title(loc="left")
        assert len(ax.lines) == len(traces) == 6
        styles = {1: "-", 2: "--", 3: ":"}
        for trace in traces:
            (line,) = [line for line in ax.lines if np.array_equal(line.get_ydata(), trace.power)]
            assert points(line)[0] == pytest.approx(1e9 * trace.time)
            assert line.get_linestyle() == styles[trace.neuron]
            colour = (figures.BLUE, figures.RED)[result.data["cases"].index(trace.case)]
            assert line.get_color() == colour
    assert list(lines_of(panels[0])) == ["neuron 1", "neuron 2", "neuron 3"]


def test_fig3_has_four_panels_of_one_letter_each(drawn):
    result, figure = drawn("fig3")
    a, b, c, d = figure.axes
    assert [letter(ax) for ax in (a, b, c, d)] == list("abcd")
    for number, (tau, found) in enumerate(result.data["by_time"].items()):
        name = rf"$\tau$ = {1e9 * tau:g} ns"
        check_curve(a, name, [1e9 * k.interval for k in found], found, number)
        check_curve(b, name, [k.interval / tau for k in found], found, number)
    for number, (rate, found) in enumerate(result.data["by_rate"].items()):
        intervals = [1e9 * k.interval for k in found]
        check_curve(c, f"learning rate {rate:g}", intervals, found, number)
    for ax in (a, b, c):
        check_paper(ax)
    assert a.get_xlabel() == c.get_xlabel() == r"input interval $\Delta t$ (ns)"
    assert b.get_xlabel() == r"input interval $\Delta t / \tau$"


def test_fig3_sorts_the_runs_by_their_interval(drawn):
    result, figure = drawn("fig3")
    d, runs = figure.axes[3], result.data["runs"]
    ratio = np.array([run["input_interval_s"] / run["relaxation_time_s"] for run in runs])
    parts = {
        r"$\tau > \Delta t$": ratio < 0.99,
        r"$\tau = \Delta t$": abs(ratio - 1) < 0.01,
        r"$\tau < \Delta t$": ratio > 1.01,
    }
    for name, part in parts.items():
        x, y = points(lines_of(d)[name])
        chosen = [run for run, wanted in zip(runs, part, strict=True) if wanted]
        assert len(chosen) > 10
        assert list(x) == [run["cumulative_drive"] for run in chosen]
        assert list(y) == [run["accuracy_percent"] for run in chosen]
    assert [1, 1] in [list(line.get_xdata()) for line in d.lines], "the paper's best drive"
    assert d.get_xlabel() == "cumulative drive"


def test_fig4_has_each_curve_at_its_densities(drawn):
    result, figure = drawn("fig4")
    (ax,) = figure.axes
    check_paper(ax)
    assert list(result.data["curves"]) == [
        r"recurrent, $W_\mathrm{int}$",
        r"between layers, $W_\mathrm{ext}$",
        "both",
        "both, CTRNN",
    ]
    for number, (name, found) in enumerate(result.data["curves"].items()):
        x = [density(c) for c in found]
        assert x == sorted(x)
        line = lines_of(ax)[name]
        assert points(line)[0] == pytest.approx(x)
        assert points(line)[1] == pytest.approx(medians(found))
        assert line.get_color() == figures.SERIES[number]
    recurrent, between, both, _ = result.data["curves"].values()
    assert {c.config.network.density_ext for c in recurrent} == {1}
    assert {c.config.network.density_int for c in between} == {1}
    assert all(c.config.network.density_int == c.config.network.density_ext for c in both)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.05", "0.1", "0.25", "0.5", "1"]


def test_fig5_has_training_and_test_where_they_belong(drawn):
    result, figure = drawn("fig5")
    axes = np.array(figure.axes).reshape(2, -1)
    for (upper, lower), (share, condition) in zip(
        axes.T, result.data["panels"].items(), strict=True
    ):
        assert upper.get_title() == f"density {100 * share:g} %"
        assert condition.config.network.density_int == share
        for ax, column, scale in ((upper, "accuracy", 100), (lower, "loss", 1)):
            for number, (name, part) in enumerate((("training", "train"), ("test", "test"))):
                low, middle, high = scale * band(condition.curves[f"{part}_{column}"])
                x, y = points(lines_of(ax)[name])
                assert list(x) == [1, 2, 3, 4, 5]
                assert y == pytest.approx(middle)
                across, up = corners(ax.collections[number])
                last = up[np.isclose(across, 5)]
                assert (last.min(), last.max()) == (pytest.approx(low[-1]), pytest.approx(high[-1]))
    assert axes[0, 0].get_ylabel() == "accuracy (%)"
    assert axes[1, 0].get_ylabel() == "cross-entropy"
    assert axes[1, 0].get_xlabel() == "epoch"


def test_energy_is_in_picojoules_by_the_power_of_a_synapse(drawn):
    result, figure = drawn("energy")
    for ax, along, name in zip(figure.axes, ("input interval", "density"), "ab", strict=True):
        assert letter(ax) == name
        assert ax.get_title(loc="left").endswith(f"along the {along}")
        check_paper(ax)
        for power, words in ((0, "0"), (1e-9, "1"), (1e-8, "10")):
            rows = [
                row
                for row in result.data["rows"]
                if row["along"] == along and row["synapse_power_w"] == power
            ]
            x, y = points(lines_of(ax)[f"a synapse takes {words} nW"])
            assert x == pytest.approx([1e12 * row["energy_per_image_j"] for row in rows])
            assert list(y) == [row["accuracy_percent_median"] for row in rows]
        assert list(lines_of(ax)["paper: about 40 pJ"].get_xdata()) == pytest.approx([40, 40])
        assert ax.get_xlabel() == "energy per image (pJ)"
    legend = figure.axes[1].get_legend()
    assert legend.get_title().get_text() == "assumed: a neuron takes 0.65 µW"


def test_guideline_has_expected_and_trained_with_their_quartiles(cubes):
    """Of which the lower one is further from the median."""
    lower = ("expected_percent_q25", "trained_percent_q25")
    found = computed(cubes, "guideline").data["rows"]
    skew = [row | {name: row[name] - 1 for name in lower} for row in found]
    (ax,) = RECIPES["guideline"].draw(FigureNumbers({"rows": skew}, {})).axes
    bars = {c.get_label(): c for c in ax.containers}
    assert list(bars) == [
        "usual settings, expected",
        "usual settings, trained",
        "advised settings, expected",
        "advised settings, trained",
    ]
    for label, bar in bars.items():
        words, name = label.split(" settings, ")
        rows = [
            row
            for row in skew
            if (row["amplification"] == 1 and row["noise"] == 0) == (words == "usual")
        ]
        assert len(rows) == 5
        x, y = points(bar.lines[0])
        ratios = np.array([row["interval_over_relaxation_time"] for row in rows])
        assert x == pytest.approx((0.97 if name == "expected" else 1.03) * ratios)
        assert list(y) == [row[f"{name}_percent_median"] for row in rows]
        for segment, row in zip(bar.lines[2][0].get_segments(), rows, strict=True):
            ends = [row[f"{name}_percent_q25"], row[f"{name}_percent_q75"]]
            assert list(segment[:, 1]) == pytest.approx(ends)


@pytest.mark.parametrize("name", ["spread", "thermal"])
def test_zero_stands_left_of_the_logarithmic_axis(drawn, name):
    result, figure = drawn(name)
    (ax,) = figure.axes
    check_paper(ax)
    key = result.data["key"]
    found = next(iter(result.data["curves"].values()))
    values = [getattr(c.config.network, key) for c in found]
    assert values[0] == 0
    assert values == sorted(values)
    step = values[2] / values[1]
    expected = [values[1] / step, *values[1:]]
    for label, conditions in result.data["curves"].items():
        x, y = points(lines_of(ax)[label])
        assert x == pytest.approx(expected)
        assert y == pytest.approx(medians(conditions))
    assert list(ax.get_xticks()) == pytest.approx(expected)
    ticks = {
        "spread": ["0", "0.02", "0.05", "0.1", "0.2", "0.4"],
        "thermal": ["0", "$10^{-5}$", "$10^{-4}$", "0.001", "0.01", "0.1"],
    }
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ticks[name]


# ---- words and places ----


@pytest.mark.parametrize("name", RECIPES)
def test_texts_have_symbols_where_they_belong(drawn, name):
    """No name of a variable and no 1e-05; a letter for each panel, none twice."""
    _, figure = drawn(name)
    texts = [text.get_text() for text in figure.findobj(Text) if text.get_text()]
    assert len(texts) > 5
    for text in texts:
        plain = re.sub(r"\$[^$]*\$", "", text)
        assert not re.search(r"\d[eE][-+]?\d", plain), text
        assert not re.search(r"_|\b(gamma|eta|tau|xi|Delta|W|Q)\b", plain), text
    letters = [re.findall(r"\\bf\{(\w)\}", text) for text in texts]
    letters = [found[0] for found in letters if found]
    assert letters == sorted(set(letters))
    if letters:
        assert letters == list("abcdefg"[: len(letters)])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ("fig3", "fig4") else pytest.mark.slow)
        for name in RECIPES
    ],
)
def test_legends_and_texts_cover_no_curve(drawn, name):
    """No point of a line lies within a legend or a text of its axes."""
    with figures.style():
        _, figure = drawn(name)
        figure.canvas.draw()
        for ax in figure.axes:
            boxes = [text.get_window_extent() for text in ax.texts]
            if ax.get_legend() is not None:
                boxes.append(ax.get_legend().get_window_extent())
            for line in ax.lines:
                if len(line.get_xdata()) > 2:
                    place = line.get_transform().transform(np.transpose(points(line)))
                    for box in boxes:
                        assert not any(box.contains(*p) for p in place), line.get_label()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.05, "0.05"),
        (0.001, "0.001"),
        (1e-4, "$10^{-4}$"),
        (1e-5, "$10^{-5}$"),
        (2.5e-5, r"$2.5 \times 10^{-5}$"),
        (1000, "1000"),
        (1e7, "$10^{7}$"),
        (-3e-9, r"$-3 \times 10^{-9}$"),
    ],
)
def test_numbers_in_pictures(value, text):
    assert figures.number_text(value) == text


def test_a_single_value_has_a_decade_to_its_left():
    assert figures._place_of_zero([]) == 0.1
    assert figures._place_of_zero([0.02]) == pytest.approx(0.002)
    assert figures._place_of_zero([0.02, 0.05, 0.1]) == pytest.approx(0.008)


def test_an_empty_curve_is_not_drawn():
    with figures.style():
        figure = figures.fig4(FigureNumbers({"curves": {"both": []}}, {}))
    (ax,) = figure.axes
    assert list(lines_of(ax)) == []
