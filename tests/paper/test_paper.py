"""The reproduced figures: what is computed of sweeps, the command, and the advice."""

import csv
import io
import json
import math
import re
import shutil
import types

import numpy as np
import pytest
from conftest import here, refused
from madeup import SWEEPS, accuracy_of, computed, made_up, recipe_sweep, write_cubes

import spinrnn
from spinrnn.config.toml import load_config
from spinrnn.datasets.loading import load_digits
from spinrnn.errors import ConfigError, StoreError
from spinrnn.files.atomic import packaged
from spinrnn.files.text import to_csv
from spinrnn.findings import findings
from spinrnn.paper import curves, guide, numbers, recipes, robustness, source, traces
from spinrnn.paper import figures as draw
from spinrnn.paper.recipes import QUICK_ENTRIES, RECIPES
from spinrnn.sweep.folder import SweepFolder

WORDS = ("neuron", "along", "median_inside_expected_band")


def guide_of(cubes):
    return guide.Guide([condition for cube in cubes for condition in curves.conditions(cube)])


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    """A folder with made-up cubes of all sweeps and untrained networks."""
    return write_cubes(tmp_path_factory.mktemp("reproduction"))


# ---- recipes ----


def test_the_recipes_are_what_the_paper_has():
    assert list(RECIPES)[:6] == ["fig1", "fig2", "fig3", "fig4", "fig5", "energy"]
    assert (
        {name for recipe in RECIPES.values() for name in recipe.sweeps}
        == set(SWEEPS)
        == set(QUICK_ENTRIES)
    )


@pytest.mark.parametrize("name", SWEEPS)
def test_every_sweep_has_its_quick_form_of_the_same_points_with_fewer_epochs(name):
    full, quick = recipe_sweep(name), recipe_sweep(name, quick=True)
    assert len(full.axes[-1]) == (5 if name == "validation" else 10)
    assert 0 < len(quick) <= len(full) // 5
    assert full.points[0].config.train.noise == (0.15 if name == "noise" else 0), (
        "the plain protocol"
    )
    networks = {point.config.network for point in full.points}
    assert {point.config.network for point in quick.points} <= networks
    assert {point.config.train.epochs for point in full.points} == {90 if name == "longer" else 30}
    assert {point.config.train.epochs for point in quick.points} == {18 if name == "longer" else 6}
    assert all(
        network.resolved_substeps
        >= max(4, 2 * network.input_interval / network.neuron.relaxation_time)
        for network in networks
    )


def test_the_axes_are_wide_enough():
    ratios = {
        c.network.input_interval / c.network.neuron.relaxation_time
        for c in (p.config for p in recipe_sweep("intervals").points)
    }
    assert min(ratios) <= 0.05 * (1 + 1e-9)
    assert max(ratios) >= 20 * (1 - 1e-9)
    densities = {
        (p.config.network.density_int, p.config.network.density_ext)
        for p in recipe_sweep("densities").points
    }
    for share in (0.5, 0.25, 0.1, 0.05):
        assert {(share, 1), (1, share), (share, share)} <= densities


# ---- numbers ----


def test_quartiles_leave_out_what_is_missing():
    assert curves.band([1, np.nan, 3, 2, 5, 4]).tolist() == [2, 3, 4]
    assert np.isnan(curves.band([np.nan])).all()
    assert curves.band([[0, 1], [2, np.nan]]).tolist() == [[0.5, 1], [1, 1], [1.5, 1]]


def test_plateau():
    x = [0.1, 1, 10, 100, 1000]
    assert curves.plateau(x, [0, 80, 90, 90, 0], 85) == pytest.approx((10**0.5, 10 ** (2 + 5 / 90)))
    assert curves.plateau(x, [90, 0, 0, 90, 90], 90) == pytest.approx((100, 1000)), (
        "the widest one; its end is where the curve ends"
    )
    assert curves.plateau(x, [1, 2, 3, 4, 5], 6) is None
    assert curves.plateau([0.1, 1, 10, 50, 100], [90, 90, 0, 90, 90], 90) == pytest.approx(
        (0.1, 1)
    ), "the widest by ratio"
    assert curves.plateau(x, [np.nan, 90, np.nan, 90, 90], 80) == pytest.approx((100, 1000))


def test_spread_is_zero_for_one_curve_and_grows_with_the_distance():
    x = np.geomspace(1, 100, 5)
    line = np.log(x)
    assert curves.curve_distance([(x, line), (x[::-1], line[::-1])]) == pytest.approx(0, abs=1e-12)
    assert curves.curve_distance([(x, line), (10 * x, line)]) == pytest.approx(math.log(10))
    assert curves.curve_distance([(x, line), (x, line + 1), (x, line + 2)]) == pytest.approx(4 / 3)
    assert math.isnan(curves.curve_distance([(x, line), (1000 * x, line)]))
    holes = [np.nan, *line[1:]]
    assert curves.curve_distance([(x, holes), (x, line)]) == pytest.approx(0, abs=1e-12), (
        "what is missing is left out"
    )
    assert math.isnan(curves.curve_distance([(x, np.full(5, np.nan)), (x, line)]))


@pytest.mark.parametrize("name", SWEEPS)
def test_conditions_have_the_values_of_their_own_configuration(name):
    sweep = recipe_sweep(name)
    seeds = sweep.shape[-1]
    found = curves.conditions(made_up(sweep, missing=[0, *range(seeds, 2 * seeds)]))
    assert len(found) == len(sweep) // seeds - 1, "a condition without results is none"
    assert [c.runs for c in found] == [seeds - 1, *[seeds] * (len(found) - 1)]
    for condition in found[1:]:
        assert condition.band()[1] == pytest.approx(accuracy_of(condition.config), abs=1e-12)


def test_a_divergence_is_counted_and_not_averaged():
    sweep = recipe_sweep("noise")
    cube = made_up(sweep)
    cube["test_accuracy"][0, :3] = np.nan
    cube["diverged"][0, :3] = 1
    row = curves.describe(curves.conditions(cube)[0])
    assert (row["runs"], row["diverged"]) == (7, 3)
    made = np.array([accuracy_of(sweep.points[0].config) + 0.01 * (k / 9 - 0.5) for k in range(10)])
    assert row["accuracy_percent_median"] == pytest.approx(100 * np.median(made[3:]))
    cube["test_accuracy"][0], cube["diverged"][0] = np.nan, 1
    first = curves.conditions(cube)[0]
    assert (first.config, first.runs, first.diverged) == (sweep.points[0].config, 0, 10)


def test_the_columns_of_a_condition():
    """Each under its own name; accuracies in percent."""
    network = spinrnn.NetworkConfig(
        input_interval=3e-9, relaxation_time=6e-9, highpass_time=70e-9, substeps=9,
        density_int=0.25, density_ext=0.5, amplification=1.5, neuron="ctrnn",
    )  # fmt: skip
    train = spinrnn.TrainConfig(learning_rate=0.004, epochs=7, noise=0.15)
    seeds = np.array([0.0, 1, 2, 3, np.nan])
    results = {
        "test_accuracy": 0.1 * seeds,
        "test_accuracy_fine": 0.01 * seeds,
        "test_loss": 5 * seeds,
        "diverged": np.array([0, 0, 0, 0, 1.0]),
    }
    condition = curves.Condition(spinrnn.RunConfig(network=network, train=train), results, {})
    row = curves.describe(condition)
    assert row == {
        "neuron": "ctrnn", "input_interval_s": 3e-9, "relaxation_time_s": 6e-9,
        "interval_over_relaxation_time": 0.5, "substeps": 9, "learning_rate": 0.004,
        "epochs": 7, "amplification": 1.5, "noise": 0.15, "density_int": 0.25,
        "density_ext": 0.5, "runs": 4, "diverged": 1,
        "accuracy_percent_q25": pytest.approx(7.5),
        "accuracy_percent_median": pytest.approx(15),
        "accuracy_percent_q75": pytest.approx(22.5),
        "accuracy_8x_finer_percent_q25": pytest.approx(0.75),
        "accuracy_8x_finer_percent_median": pytest.approx(1.5),
        "accuracy_8x_finer_percent_q75": pytest.approx(2.25),
        "loss_q25": 3.75, "loss_median": 7.5, "loss_q75": 11.25,
        "cumulative_drive_q25": pytest.approx(np.nan, nan_ok=True),
        "cumulative_drive_median": pytest.approx(np.nan, nan_ok=True),
        "cumulative_drive_q75": pytest.approx(np.nan, nan_ok=True),
    }  # fmt: skip


def test_the_nearest_network_is_taken(cubes):
    found = source.Source(cubes, {"intervals": recipe_sweep("intervals")})
    for asked, ratio in ((0.0, 0.05), (1.1, 1), (np.inf, 20)):
        condition, net = found.network(asked)
        assert condition.ratio == pytest.approx(ratio)
        assert condition.config.network.neuron.kind == "oscillator"
        assert net.config.input_interval == pytest.approx(ratio * 10e-9)


def test_the_largest_disturbance_with_the_papers_accuracy(cubes):
    """Made-up accuracies do not depend on noise; untrained networks have none."""
    found = values(cubes, "thermal")
    assert found["trained_with_largest"] == 0.1
    powers = ("0", "1e-05", "0.0001", "0.001", "0.01", "0.1")
    assert found["trained_with_accuracy"] == dict.fromkeys(powers, pytest.approx(95))
    assert found["trained_without_largest"] is None
    assert max(found["trained_without_accuracy"].values()) < 50


@pytest.mark.parametrize("name", RECIPES)
def test_findings_have_units_and_meanings(cubes, name):
    for key, (_, unit, meaning) in computed(cubes, name).findings.items():
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", key)
        assert unit in ("1", "%", "ns", "pJ", "W"), key
        assert len(meaning) > 10


def test_separation_of_classes():
    """Two cases of two classes each, two neurons, two times."""
    knows = np.array([[[0.0, 0.0]], [[0.0, 0.0]], [[1.0, 1.0]], [[1.0, 1.0]]])
    not_yet = np.array(
        [[[0.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 1.0]]]
    )  # tells the cases apart, and at the end the classes

    class Net:
        def simulate(self, u):
            return type(
                "T", (), {"state": [knows, not_yet, np.concatenate([knows, 3 * not_yet], axis=1)]}
            )

    data = spinrnn.Dataset(np.zeros((4, 1, 3)), [3, 3, 5, 5])
    found = traces.separation(Net(), data, np.arange(4))
    assert found["all times"].tolist() == [1, 0.5, pytest.approx((2 + 9) / (2 + 18))]
    assert found["the end"].tolist() == [1, 1, 1]


def test_the_images_are_test_cases_of_these_classes():
    config = spinrnn.RunConfig()
    tested, data = traces.test_part(config)
    cases = traces.first_of(data, tested, [5, 6, 9, 3, 3, 8])
    assert data.labels[cases].tolist() == [5, 6, 9, 3, 3, 8]
    assert len(set(cases)) == 6
    assert set(cases) <= set(tested)


# ---- energy ----


def test_energy_of_the_default_network_is_the_papers():
    config = spinrnn.NetworkConfig()
    assert spinrnn.inference_energy(config, 64) == pytest.approx(40e-12, rel=0.01)
    assert spinrnn.inference_energy(config, 64, 1e-6, 1e-9) == pytest.approx(
        (96 * 1e-6 + 5472 * 1e-9) * 64 * 10e-9
    )


def test_synapses_are_those_that_exist():
    from spinrnn.analysis.powers import synapses

    for density_int, density_ext in ((1, 1), (0.3, 1), (0.05, 0.17)):
        net = spinrnn.Network(
            spinrnn.NetworkConfig(
                layers=(7, 9), inputs=3, density_int=density_int, density_ext=density_ext
            ),
            seed=2,
        )
        views = net.views()
        assert synapses(net.config) == sum(
            np.count_nonzero(w) for w in [*views["w_ext"], *views["w_int"], views["w_out"]]
        )


def test_impossible_powers_are_told_together():
    with pytest.raises(ConfigError) as error:
        spinrnn.inference_energy(spinrnn.NetworkConfig(), 0, -1, math.nan)
    assert len(error.value.problems) == 3
    with pytest.raises(ConfigError) as error:
        spinrnn.inference_energy(spinrnn.RunConfig(), 64, "1uW")
    assert len(error.value.problems) == 2


# ---- figures ----


FEW = ("fig4",)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in FEW else pytest.mark.slow) for name in RECIPES],
)
def test_figures_are_drawn_from_the_cubes_alone_and_to_the_same_bytes(name, cubes):
    outcome = spinrnn.reproduce(name, cubes, run=False)
    files = {path: (cubes / path).read_bytes() for path in outcome.files}
    assert (cubes / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert (cubes / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    width = int.from_bytes((cubes / f"{name}.png").read_bytes()[16:20], "big") / 300
    assert width in (pytest.approx(draw.COLUMN, abs=0.02), pytest.approx(draw.PAGE, abs=0.02)), (
        "the width of one or two columns"
    )
    assert json.loads((cubes / f"{name}.json").read_text())["findings"]
    again = spinrnn.reproduce(name, cubes, run=False)
    assert {path: (cubes / path).read_bytes() for path in again.files} == files
    with open(cubes / f"{name}.csv") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(None not in row.values() for row in rows)


def table(cubes, name):
    """The rows of a figure's table as its CSV file has them."""
    rows = csv.DictReader(io.StringIO(to_csv(computed(cubes, name).tables[""])))
    return [{k: float(v) if k not in WORDS and v else v for k, v in row.items()} for row in rows]


def missing(folder, name):
    """{sweep: number of points that a figure lacks}."""
    found = source.Source(folder, {sweep: recipe_sweep(sweep) for sweep in RECIPES[name].sweeps})
    RECIPES[name].compute(found)
    return found.missing


def values(cubes, name):
    """{key: value} of a figure's findings."""
    return {key: value for key, (value, _, _) in computed(cubes, name).findings.items()}


def test_fig2_has_both_networks_the_noise_and_the_longer_training(cubes):
    rows = table(cubes, "fig2")
    plain = [("oscillator", 0, 30)] * 9 + [("ctrnn", 0, 30)] * 9
    assert [(r["neuron"], r["noise"], r["epochs"]) for r in rows] == [
        *plain, *[("oscillator", 0.15, 30)] * 7,
        *[("oscillator", 0, 90)] * 4, *[("ctrnn", 0, 90)] * 4,
    ]  # fmt: skip
    for row in rows:
        ratio = row["interval_over_relaxation_time"]
        made = (
            0.4
            + 0.55 * min(1, ratio * (row["learning_rate"] / 0.02) ** 0.3) ** 0.5
            - 0.1 * max(0, math.log(ratio / 3))
        )
        assert row["accuracy_percent_median"] == pytest.approx(
            100 * made * (0.98 if row["neuron"] == "ctrnn" else 1), rel=1e-5
        )


def test_fig2_finds_the_plateau(cubes):
    """Crossings between points of a curve are interpolated in log x."""
    found = values(cubes, "fig2")
    start, end, width = found["oscillators_plateau"]

    def made(ratio):
        return 100 * (0.4 + 0.55 * min(1, ratio) ** 0.5 - 0.1 * max(0, math.log(ratio / 3)))

    def crossing(x, y):
        share = (made(x) - 89.83) / (made(x) - made(y))
        return math.exp(math.log(x) + share * math.log(y / x))

    assert start == pytest.approx(crossing(1, 0.5), rel=1e-3)
    assert end == pytest.approx(crossing(5, 10) if made(5) >= 89.83 else crossing(2, 5), rel=1e-3)
    assert width == pytest.approx(end / start, rel=1e-3)
    assert found["oscillators_longer_plateau"][1] == 2, "where its points end"
    assert found["oscillators_best_accuracy"] == pytest.approx(95)
    assert found["oscillators_best_ratio"] == 1, "the first of equal ones"
    assert found["ctrnn_best_accuracy"] == pytest.approx(95 * 0.98)
    assert found["oscillators_finer_loss"] == pytest.approx(0.1)


def test_fig3_sees_that_curves_collapse(cubes):
    """Below Delta t = tau made-up accuracies are a function of the drive alone.

    For three relaxation times they are one of the ratio; what is left is interpolation.
    """
    found = values(cubes, "fig3")
    assert found["by_time_distance_ratio"] < 0.6
    assert found["by_time_distance_interval"] > 5
    assert found["fast_distance_drive"] < 0.6
    assert found["fast_distance_ratio"] > 2 * found["fast_distance_drive"]
    assert found["fast_distance_interval"] > found["fast_distance_ratio"]
    assert found["smallest_interval"] == 0.5
    drive = {rate: 0.05 * (rate / 0.02) ** 0.3 for rate in (0.002, 0.006, 0.02)}
    assert found["smallest_interval_accuracy"] == {
        f"{rate:g}": pytest.approx(100 * (0.4 + 0.55 * x**0.5), abs=0.01)
        for rate, x in drive.items()
    }


def test_fig3_distances_are_those_of_its_curves(cubes):
    result = computed(cubes, "fig3")
    found = list(result.data["by_time"].values())
    lines = [([c.ratio for c in line], curves.medians(line)) for line in found]
    assert values(cubes, "fig3")["by_time_distance_ratio"] == round(curves.curve_distance(lines), 2)
    times = [([c.interval for c in line], curves.medians(line)) for line in found]
    expected = round(curves.curve_distance(times), 2)
    assert values(cubes, "fig3")["by_time_distance_interval"] == expected


def test_fig3_lists_each_run(cubes):
    rows = computed(cubes, "fig3").tables["-runs"]
    assert len(rows) == 10 * len(computed(cubes, "fig3").tables[""])
    first = rows[:10]
    ratios = [row["input_interval_s"] / row["relaxation_time_s"] for row in first]
    assert ratios == pytest.approx([0.05] * 10)
    assert {row["learning_rate"] for row in first} == {0.02}
    assert [row["cumulative_drive"] for row in first] == pytest.approx([0.05] * 10)
    made = 100 * (0.4 + 0.55 * 0.05**0.5)
    seeds = [made + k / 9 - 0.5 for k in range(10)]
    assert [row["accuracy_percent"] for row in first] == pytest.approx(seeds)


def test_fig4_sorts_the_densities(cubes):
    found = values(cubes, "fig4")
    for key, power in (("recurrent", 0.02), ("between_layers", 0.03), ("all_weights", 0.05)):
        assert found[f"{key}_accuracy"] == {
            f"{share:g}": pytest.approx(95 * share**power, abs=0.006)
            for share in (0.05, 0.1, 0.25, 0.5, 1)
        }
    assert found["all_weights_smallest_density"] == 0.5
    assert found["recurrent_smallest_density"] == 0.1
    assert found["between_layers_smallest_density"] == 0.25
    (whole,) = [
        c
        for c in computed(cubes, "fig4").data["curves"]["both, CTRNN"]
        if c.config.network.density_int == 1
    ]
    made = 100 * accuracy_of(whole.config)
    assert found["ctrnn_accuracy"]["1"] == pytest.approx(made, abs=0.006)
    assert found["ctrnn_smallest_density"] is None


def test_fig5_has_training_and_test_curves(cubes):
    rows = table(cubes, "fig5")
    assert [(r["density"], r["epoch"]) for r in rows] == [
        (d, e) for d in (0.5, 0.25, 0.1) for e in range(1, 6)
    ]
    value = 0.95 * 0.1**0.05 * 0.9
    for name, factor in {
        "train_accuracy_percent": 102,
        "test_accuracy_percent": 100,
        "train_loss": 0.3,
        "test_loss": 0.5,
    }.items():
        assert rows[-1][f"{name}_median"] == pytest.approx(factor * value, rel=1e-5)


def test_energy_counts_synapses_and_shows_its_assumptions(cubes):
    rows = table(cubes, "energy")
    assert {(r["neuron_power_w"], r["synapse_power_w"]) for r in rows} == {
        (0.65e-6, p) for p in (0, 1e-9, 1e-8)
    }
    for row in rows:
        power = row["neurons"] * row["neuron_power_w"] + row["synapses"] * row["synapse_power_w"]
        assert row["energy_per_image_j"] == pytest.approx(
            power * 64 * row["input_interval_s"], rel=1e-6
        )
    other = computed(cubes, "energy", neuron_power=2e-6, synapse_power=5e-9).findings
    assert other["neuron_power"] == (2e-6, "W", "assumed power of a neuron")
    assert other["synapse_powers"][0] == [5e-9]
    picojoule = 1e12 * 64 * 10e-9 * (96 * 2e-6 + 5472 * 5e-9)
    assert other["usual_energy"][0] == {"5e-09": pytest.approx(picojoule, rel=1e-3)}
    assert other["usual_energy"][1] == "pJ"
    enough = [
        row
        for row in rows
        if row["accuracy_percent_median"] >= 89.83 and row["synapse_power_w"] == 0
    ]
    least = min(enough, key=lambda row: row["energy_per_image_j"])
    found = values(cubes, "energy")
    assert found["smallest_energy"] == pytest.approx(1e12 * least["energy_per_image_j"], rel=1e-3)
    assert found["smallest_energy_interval"] == pytest.approx(1e9 * least["input_interval_s"])
    assert found["smallest_energy_density"] == least["density"] == 1


def test_missing_results_are_told(cubes, tmp_path):
    with pytest.raises(
        StoreError, match="no results of the sweeps densities there; without --no-run"
    ):
        spinrnn.reproduce("fig4", tmp_path / "new", run=False)
    made_up(recipe_sweep("noise"), missing=range(70)).save(tmp_path / "noise.h5")
    for name in ("intervals", "longer"):
        made_up(recipe_sweep(name)).save(tmp_path / f"{name}.h5")
    made_up(recipe_sweep("densities"), missing=range(7)).save(tmp_path / "densities.h5")
    drawn = here("reproduce", "fig4", "--no-run", "--out", tmp_path)
    assert drawn.returncode == 0
    assert "without 7 points of the sweep densities" in drawn.stderr
    with pytest.raises(StoreError, match="no point has a result yet"):
        spinrnn.reproduce("fig2", tmp_path, run=False)
    with pytest.raises(StoreError, match="has not been trained"):
        spinrnn.reproduce("fig1", tmp_path, run=False)
    (tmp_path / "rates.h5").write_bytes((cubes / "rates.h5").read_bytes()[:5000])
    (tmp_path / "relaxation.h5").write_bytes((cubes / "relaxation.h5").read_bytes())
    with pytest.raises(StoreError, match=r"rates\.h5"):
        spinrnn.reproduce("fig3", tmp_path, run=False)
    cube = spinrnn.load_cube(cubes / "rates.h5")
    cube.attributes["sweep"] = "{}"
    cube.save(tmp_path / "rates.h5")
    with pytest.raises(StoreError, match="damaged or of another version"):
        spinrnn.reproduce("fig3", tmp_path, run=False)


# ---- the command ----


def test_the_command_runs_what_is_missing_and_draws(tmp_path, monkeypatch):
    """The quick form, with one epoch of training in place of six."""
    assert recipes.QUICK_SHARE == 5
    monkeypatch.setattr(recipes, "QUICK_SHARE", 30)
    out = tmp_path / "out"
    first = here("reproduce", "fig1", "--quick", "--out", out, "--executor", "serial")
    assert first.returncode == 0, first.stderr
    assert "1 points" in first.stdout
    assert sorted(p.name for p in out.iterdir() if p.is_file()) == sorted(
        ["fig1.csv", "fig1-separation.csv", "fig1.json", "fig1.pdf", "fig1.png", "network-1.h5"]
    )
    (result,) = (out / "sweeps" / "intervals" / "points").glob("*.h5")
    changed = result.stat().st_mtime_ns
    again = here("reproduce", "fig1", "--quick", "--out", out, "--executor", "serial")
    assert again.returncode == 0
    assert result.stat().st_mtime_ns == changed, "a point that is complete is not run again"
    refused(here("reproduce", "fig1", "--out", out), "holds another form of this sweep", "--out")
    refused(here("reproduce", "fig1", "--out", tmp_path / "other", "--neuron-power", "1"), "energy")
    net = spinrnn.load(out / "network-1.h5")
    rows = list(csv.DictReader(open(out / "fig1.csv")))  # noqa: SIM115
    case = int(rows[0]["case"])
    found = net.simulate(load_digits().inputs[[case]])
    assert [float(r["power"]) for r in rows[: len(found.time)]] == pytest.approx(
        found.state[0][0, 0].tolist(), rel=1e-6
    )
    last = [r for r in rows if r["layer"] == "2"][-len(found.time) :]
    assert {r["neuron"] for r in last} == {"1"}
    found = net.simulate(load_digits().inputs[[int(last[0]["case"])]])
    assert [float(r["power"]) for r in last] == pytest.approx(
        found.state[2][0, 1].tolist(), rel=1e-6
    )
    assert [float(r["time_s"]) for r in last] == pytest.approx(found.time.tolist(), rel=1e-6)


def test_the_command_refuses(tmp_path, cubes):
    refused(here("reproduce", "fig7"), "fig7", "fig1, fig2")
    refused(here("reproduce", "--quick"), "give a figure")
    refused(here("reproduce", "fig2", "--neuron-power", "1e-6"), "energy")
    refused(here("reproduce", "fig2", "--out", ""), "--out")
    (tmp_path / "file").touch()
    refused(here("reproduce", "fig2", "--out", tmp_path / "file"), "is a file")
    refused(here("reproduce", "energy", "--neuron-power", "-1"), "--neuron-power", "power in watts")
    refused(here("advise"), "--interval", "spinrnn advise --help")
    listed = here("reproduce", "--list")
    assert listed.returncode == 0
    assert all(name in listed.stdout for name in RECIPES)


# ---- advice ----


def test_expectations_are_interpolated_between_measured_ratios(cubes):
    guided = guide.load_guide(cubes)
    assert guided.expect(1, 0.02, 1, 0)[1] == pytest.approx(0.95)
    low, high = (guided.expect(r, 0.02, 1.0, 0.0)[1] for r in (0.2, 0.5))
    assert guided.expect(0.1**0.5, 0.02, 1.0, 0.0)[1] == pytest.approx((low + high) / 2)
    assert low < guided.expect(0.3, 0.02, 1, 0)[1] < high
    assert guided.expect(0.04, 0.02, 1, 0) is None
    assert guided.expect(21, 0.02, 1, 0) is None
    assert guided.expect(1, 0.03, 1, 0) is None
    assert guided.range == pytest.approx((0.05, 20))


def test_runs_with_another_filter_do_not_count(cubes):
    with_others = guide_of(
        [spinrnn.load_cube(cubes / f"{name}.h5") for name in ("intervals", "relaxation")]
    )
    assert {
        c.config.network.relaxation_time for found in with_others.curves.values() for c in found
    } == {10e-9}


def test_the_best_relaxation_time_is_recommended(cubes):
    advice = spinrnn.advise(1e-9, folder=cubes)
    assert advice.relaxation_time in (pytest.approx(1e-9), pytest.approx(0.5e-9)), (
        "the made-up optimum is flat from 1 to 3"
    )
    assert advice.expected[1] == pytest.approx(0.95)
    assert advice.highpass_time == pytest.approx(10 * advice.relaxation_time)
    assert advice.tolerated[0] < advice.relaxation_time <= advice.tolerated[1] * (1 + 1e-9)
    lost = 0.1 * math.log(
        5 / 3
    )  # at 5, the first measured ratio beyond the flat part, which ends for the curve at 2
    assert advice.tolerated[0] == pytest.approx(1e-9 / 2 / 2.5 ** (0.01 / lost), rel=0.03)
    assert not advice.outside


def test_a_given_relaxation_time_is_kept(cubes):
    advice = spinrnn.advise(7e-9, relaxation_time=2e-9, folder=cubes)
    assert (advice.relaxation_time, advice.substeps, advice.tolerated) == (2e-9, 14, None)
    share = math.log(3.5 / 2) / math.log(5 / 2)
    assert advice.expected[1] == pytest.approx(0.95 - share * 0.1 * math.log(5 / 3))


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"relaxation_time": 1e-10}, "100 relaxation times"),
        ({"relaxation_time": 1e-6}, "0.01 relaxation times"),
        ({"points": 784}, "784 input points"),
    ],
)
def test_questions_outside_the_measurements_get_no_expectation(cubes, question, reason):
    advice = spinrnn.advise(10e-9, folder=cubes, **question)
    assert advice.expected is None
    assert reason in advice.outside[0]
    assert reason in guide.to_toml(advice)
    assert "Expected" not in guide.to_toml(advice)


def test_advice_is_a_configuration(cubes, tmp_path):
    (tmp_path / "advice.toml").write_text(guide.to_toml(spinrnn.advise(5e-9, folder=cubes)))
    config, advice = load_config(tmp_path / "advice.toml"), spinrnn.advise(5e-9, folder=cubes)
    for name in ("relaxation_time", "highpass_time", "substeps", "amplification"):
        assert getattr(config.network, name) == pytest.approx(getattr(advice, name)), name
    for name in ("learning_rate", "noise", "epochs", "batch"):
        assert getattr(config.train, name) == getattr(advice, name), name
    assert (config.network.input_interval, config.train.epochs, config.train.batch) == (
        5e-9,
        30,
        16,
    )


def test_the_advice_says_its_numbers():
    advice = guide.Advice(
        interval=7e-9, points=64, relaxation_time=2e-9, highpass_time=20e-9, substeps=14,
        learning_rate=0.02, amplification=1.5, noise=0.15, epochs=30, batch=16,
        expected=(0.901, 0.923, 0.945), tolerated=(1e-9, 3e-9), interpolated=True, runs=10,
        outside=[],
    )  # fmt: skip
    text = guide.to_toml(advice)
    for words in (
        "# Advice for an input interval of 7e-09 s and 64 input points.",
        "accuracy: 92.3 %, half of the runs from 90.1 to 94.5 %; of 10 or more trainings of",
        "# 32 - 32 - 32 oscillators on the sequential digits",
        "medians were 2.1 points off on average, at most 5.5.",
        "# Relaxation times from 1e-09 to 3e-09 s are expected to be within 1 point",
        "\ninput_interval = 7e-09\nhighpass_time = 2e-08\n",
        "\n[neuron]\nrelaxation_time = 2e-09\n",
        "\nsubsteps = 14\namplification = 1.5\n",
        "\nlearning_rate = 0.02\nnoise = 0.15\nepochs = 30\nbatch = 16\n",
    ):
        assert words in text, words


def test_a_gap_between_the_curves_is_outside():
    low, high = recipe_sweep("noise"), recipe_sweep("intervals")
    seeds = low.shape[-1]
    cubes = [
        made_up(low, missing=range(2 * seeds, 7 * seeds)),
        made_up(high, missing=range(7 * seeds)),
    ]
    advice = guide_of(cubes).advise(3e-9, relaxation_time=10e-9)
    assert advice.expected is None
    assert "no run at or around 0.3" in advice.outside[0]
    assert (advice.noise, advice.runs) == (0.15, 10), "as at the nearest ratio that was measured"


def test_the_tolerated_range_belongs_to_the_recommended_way_of_training():
    """The curve with noise is the best and ends at 5 tau; others go further."""
    cubes = [made_up(recipe_sweep("noise")), made_up(recipe_sweep("intervals"))]
    cubes[0]["test_accuracy"][:] += 0.2
    cubes[0]["test_accuracy"][-1] += 0.2
    advice = guide_of(cubes).advise(10e-9)
    assert advice.noise == 0.15
    assert advice.tolerated[0] == pytest.approx(10e-9 / 5), "no further than its own curve"


def test_cubes_of_other_sweeps_are_refused(cubes, tmp_path):
    for name in SWEEPS:
        shutil.copy(cubes / f"{name}.h5", tmp_path)
    (tmp_path / "noise.h5").write_bytes((cubes / "densities.h5").read_bytes())
    with pytest.raises(StoreError, match=r"noise\.h5 holds another form of this sweep \(densities"):
        spinrnn.reproduce("fig2", tmp_path, run=False)
    with pytest.raises(StoreError, match=r"noise\.h5: is the cube of the sweep densities"):
        spinrnn.advise(1e-9, folder=tmp_path)
    made_up(recipe_sweep("noise", quick=True)).save(tmp_path / "noise.h5")
    with pytest.raises(
        StoreError, match=r"noise\.h5 holds another form of this sweep \(noise-quick"
    ):
        spinrnn.reproduce("fig2", tmp_path, run=False)


def test_a_cube_that_knows_more_than_the_folder_is_kept(cubes, tmp_path):
    """As after a run that was stopped at once beside the kept cubes."""
    path = tmp_path / "densities.h5"
    path.write_bytes((cubes / "densities.h5").read_bytes())
    SweepFolder(tmp_path / "sweeps" / "densities").claim(recipe_sweep("densities"))
    before = path.read_bytes()
    assert missing(tmp_path, "fig4") == {}
    assert path.read_bytes() == before
    path.write_bytes(before[:-2000])
    with pytest.raises(StoreError, match="no point has a result yet"):
        spinrnn.reproduce("fig4", tmp_path, run=False)


def test_failed_points_are_told(tmp_path):
    cube = made_up(recipe_sweep("densities"), missing=[3])
    cube["failed"][1, :4], cube["test_accuracy"][1, :4] = 1, np.nan
    cube.save(tmp_path / "densities.h5")
    assert missing(tmp_path, "fig4") == {"densities": 5}


def test_a_condition_that_diverged_whole_does_not_spoil_the_findings(cubes, tmp_path):
    for name in SWEEPS:
        shutil.copy(cubes / f"{name}.h5", tmp_path)
    for name, where in (("relaxation", 1), ("validation", 0)):
        cube = made_up(recipe_sweep(name))
        cube["test_accuracy"][where], cube["diverged"][where] = np.nan, 1
        cube.save(tmp_path / f"{name}.h5")
    assert None not in values(tmp_path, "fig3").values()
    assert values(tmp_path, "guideline")["compared"] == 9


def test_a_flipped_bit_in_a_cube_is_seen(cubes, tmp_path):
    content = bytearray((cubes / "noise.h5").read_bytes())
    values = spinrnn.load_cube(cubes / "noise.h5")["test_accuracy"].tobytes()
    content[content.index(values) + 6] ^= 16
    (tmp_path / "noise.h5").write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        spinrnn.load_cube(tmp_path / "noise.h5")


def test_the_advice_that_comes_with_the_package():
    advice = spinrnn.advise(10e-9)
    assert not advice.outside
    assert advice.runs == 10
    assert advice.expected[0] > 0.9
    assert not advice.interpolated
    between = spinrnn.advise(10e-9, relaxation_time=30e-9)
    assert between.interpolated
    found = json.loads((packaged("reproduction") / "guideline.json").read_text())["findings"]
    mean, largest = (found[f"{which}_difference"]["value"] for which in ("mean", "largest"))
    assert np.allclose(guide.BETWEEN, (mean / 100, largest / 100), rtol=0, atol=5e-4)
    assert f"{100 * guide.BETWEEN[0]:.1f} points off on average" in guide.to_toml(between)


KEPT = ("fig4", "guideline")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in KEPT else pytest.mark.slow)
        for name in RECIPES
        if name != "fig1"
    ],
)
def test_the_kept_numbers_are_those_of_the_kept_cubes(name, tmp_path):
    """Of `data/reproduction`, all but the powers, which depend on the processor."""
    kept = packaged("reproduction")
    for path in kept.glob("*.h5"):
        (tmp_path / path.name).symlink_to(path)
    found = source.Source(tmp_path, {sweep: recipe_sweep(sweep) for sweep in RECIPES[name].sweeps})
    result = RECIPES[name].compute(found)
    assert found.missing == {}
    assert to_csv(result.tables[""]) == (kept / f"{name}.csv").read_text()
    entries = json.loads((kept / f"{name}.json").read_text())["findings"]
    assert json.loads(json.dumps(findings(result.findings))) == entries


def test_impossible_questions_are_refused(cubes, tmp_path):
    with pytest.raises(ConfigError) as error:
        spinrnn.advise(-1.0, points=0, relaxation_time=math.nan, folder=cubes)
    assert len(error.value.problems) == 3
    with pytest.raises(ConfigError, match="out of all proportion"):
        spinrnn.advise(10.0, relaxation_time=10e-9, folder=cubes)
    refused(here("advise", "--interval", "0"), "interval", "10e-9")
    refused(here("advise", "--interval", "10ns"), "--interval", "in seconds, as in 10e-9")
    refused(
        here("advise", "--interval", "1e-9", "--cubes", "nowhere"),
        "nowhere: no such folder",
        "reproduce guideline",
    )
    refused(
        here("advise", "--interval", "1e-9", "--cubes", tmp_path),
        "lacks the cubes intervals, noise, rates, amplification",
    )
    with pytest.raises(ConfigError, match="in seconds"):
        spinrnn.advise("10ns", folder=cubes)


def test_the_guideline_compares_trained_with_expected(cubes):
    rows = table(cubes, "guideline")
    assert len(rows) == 10
    for row in rows:
        assert row["trained_percent_median"] == pytest.approx(
            row["expected_percent_median"], abs=3.5
        )
        inside = (
            row["expected_percent_q25"]
            <= row["trained_percent_median"]
            <= row["expected_percent_q75"]
        )
        assert row["median_inside_expected_band"] == str(inside)
    found = values(cubes, "guideline")
    distances = [
        abs(row["trained_percent_median"] - row["expected_percent_median"]) for row in rows
    ]
    assert found["compared"] == 10
    assert found["mean_difference"] == pytest.approx(np.mean(distances), rel=1e-3)
    assert found["largest_difference"] == pytest.approx(max(distances), rel=1e-3)
    inside = sum(row["median_inside_expected_band"] == "True" for row in rows)
    assert found["inside_expected_band"] == inside
    assert numbers.PAPER[0] < numbers.PAPER[1]
    assert to_csv([{"a": math.nan, "b": 1}]) == "a,b\n,1\n"


def test_networks_go_to_the_devices_of_their_own_seed(cubes, monkeypatch):
    """The files of ideal networks are shared by sweeps and say nothing of devices."""
    seen = []
    monkeypatch.setattr(
        robustness,
        "evaluate",
        lambda net, data, seed: seen.append(net) or types.SimpleNamespace(accuracy=0.5),
    )
    result = robustness.spread(source.Source(cubes, {"spread": recipe_sweep("spread")}))
    assert [c.runs for c in result.data["curves"]["trained on ideal devices"]] == [2] * 6
    for point, net in zip(recipe_sweep("spread").points[50:52], seen[-2:], strict=True):
        assert net.config.spread_gamma == 0.4
        assert net.devices.same(spinrnn.Network(point.config.network).devices)
    assert not seen[-1].devices.same(seen[-2].devices)
