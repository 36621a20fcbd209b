"""What a notebook shows: sizes, units and ranges, escaped, and no arrays."""

import html
import re
from xml.etree import ElementTree

import numpy as np
import pytest

import spinrnn
from spinrnn.notebook import amount, card, described, span
from spinrnn.sweep.cube import Cube, NamedArray
from spinrnn.sweep.runner import Progress


def rows_of(thing):
    """{name: text} of its table, which must be whole XML."""
    shown = thing if isinstance(thing, str) else thing._repr_html_()
    assert len(shown) < 6000
    assert isinstance(thing, str) or len(repr(thing)) < 1500
    rows = ElementTree.fromstring(shown).find("tbody").findall("tr")
    return {row.find("th").text: row.find("td").text or "" for row in rows}


def test_texts_are_escaped_and_cut():
    shown = card("<b>", [("<script>", "a & b\n'c'"), ("long", "x" * 5000), ("none", None)])
    assert "<script>" not in shown
    rows = rows_of(shown)
    assert rows["<script>"] == "a & b 'c'"
    assert len(rows["long"]) < 250
    assert "none" not in rows
    many = rows_of(card("t", [(str(k), k) for k in range(100)]))
    assert many["..."] == "70 more"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (10e-9, "s", "10 ns"),
        (2.5e9, "Hz", "2.5 GHz"),
        (1e8, "1/s", "1e+08 1/s"),
        (0.0, "s", "0 s"),
        (-3e-3, "A", "-3 mA"),
        (1000.0, "V", "1 kV"),
        (0.5, "1", "0.5"),
        ("mean", "1", "mean"),
    ],
)
def test_numbers_have_prefixes(value, unit, text):
    assert amount(value, unit) == text


def test_ranges():
    assert span([1.0, np.nan, -2], "W") == "-2 to 1 W, 1 NaN"
    assert span([np.nan]) == "all NaN"
    assert span(np.array(["a"])) == ""
    assert described(np.arange(6).reshape(2, 3)) == "(2, 3), int64, 0 to 5"


def test_a_data_set():
    data = spinrnn.Dataset(
        np.linspace(-1, 1, 24000).reshape(4, 2, 3000), ["<i>", "b", "b", "b"], [3000, 7, 7, 8],
        [0, 0, 0, 1], weights=[1, 2, 3, 4],
    )  # fmt: skip
    rows = rows_of(data)
    assert rows["inputs (case, channel, time)"] == "(4, 2, 3000), float64, -1 to 1"
    assert rows["classes, cases or points of each"] == "<i> 1, b 3"
    assert rows["points of a case"] == "7 to 3000"
    assert rows["for the test"] == "1 case"
    assert html.escape("<i>") in data._repr_html_()


def test_configurations_and_networks():
    config = spinrnn.NetworkConfig(
        layers=(3, 4), input_interval=5e-9, density_int=0.5, spread=spinrnn.Spread(gamma=0.1)
    )
    net = spinrnn.Network(config)
    for rows in (rows_of(config), rows_of(net), rows_of(spinrnn.RunConfig(config))):
        assert rows["layers"] == "3, 4"
        assert rows["input interval"] == "5 ns in 2 substeps"
        assert "relaxation_time 10 ns" in rows["neuron oscillator"]
        assert rows["spread"] == "gamma 0.1"
    own = rows_of(net)
    assert own["parameters"].startswith(f"{net.mask.sum()} of {net.layout.size} exist")
    run = rows_of(spinrnn.RunConfig())
    assert run["training"] == "300 epochs, batches of 128"
    assert run["data"].startswith("digits")


def test_trajectories(tmp_path):
    config = spinrnn.NetworkConfig(layers=(3, 2), inputs=1, outputs=2)
    found = spinrnn.Network(config).simulate(np.ones((2, 1, 4)))
    rows = rows_of(found)
    assert rows["time"] == "0 to 40 ns, 17 times"
    low, high = np.nanmin(found.drive[1]), np.nanmax(found.drive[1])
    assert rows["layer 1, drive"] == f"(2, 2, 16), float32, {low:.4g} to {high:.4g} 1/s"
    found.save(tmp_path / "a.h5")
    with spinrnn.open_trajectory(tmp_path / "a.h5") as file:
        assert rows_of(file)["layer 0, power"] == "(2, 3, 17), float32"


def test_a_result(tiny_config, tiny_data):
    result = spinrnn.train(tiny_config, data=tiny_data)
    rows = rows_of(result)
    assert rows["test_accuracy"] == f"{result.summary['test_accuracy']:.6g}"
    assert "test_confusion" not in rows
    assert repr(result).startswith(f"<Result of {tiny_config.train.epochs} epochs, test_accuracy")


def test_a_fit():
    rng = np.random.default_rng(1)
    time, drive = np.arange(200) * 1e-9, np.repeat(rng.uniform(1e8, 4e8, 10), 20)
    power = np.full(200, 0.3)
    for k in range(199):
        a, p = drive[k] - 1e8, power[k]
        power[k + 1] = p * np.exp(a * 1e-9) / (1 + drive[k] * p * np.expm1(a * 1e-9) / a)
    fit = spinrnn.identify_device(time, drive, power, fixed={"Q": 0.0})
    rows = rows_of(fit)
    assert re.match(r"1e\+08 ± .* 1/s, 1e\+08 to 1e\+08", rows["gamma"])
    assert rows["Q"].endswith("fixed")
    assert rows["samples"] == "200 in 1 case"
    assert rows_of(fit.measurement)["time"] == "0 to 1.99e-07 s"


def test_sweeps(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(
        '[sweep]\nname = "s"\nseeds = 3\n[[axes]]\nkey = "train.epochs"\nvalues = [1, 2]'
    )
    sweep = spinrnn.load_sweep(path)
    assert rows_of(sweep)["points"] == "6"
    assert rows_of(sweep)["epochs, 2: train.epochs"] == "1, 2"
    progress = Progress(total=9, done=4, failed=1, errors={"<x>": "no"}, seconds=2.0)
    assert rows_of(progress)["finished"] == "5 of 9"
    values = NamedArray(("seed",), np.array([0.5, np.nan, 0.7]), {"units": "1"})
    cube = Cube({}, {"test_accuracy": values}, {"title": "sweep <s>"}, {"done": 2, "missing": 1})
    assert rows_of(cube)["test_accuracy (seed)"] == "0.5 to 0.7, 1 NaN"
    assert rows_of(cube)["points"] == "done 2, missing 1"
