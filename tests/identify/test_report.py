"""What is told of a fitted device: intervals, sentences, device.json, device.csv and
the picture."""

import csv
import dataclasses
import json
import re
import warnings

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from scipy import stats

import spinrnn
from spinrnn.cli.main import main
from spinrnn.errors import DataNote
from spinrnn.identify import figures, guesses, models, oscillator, problem, report, wording
from spinrnn.identify.fit import joined
from spinrnn.recordings.measurement import load_measurement

TRUE = {"gamma": 1e8, "Q": 0.8, "bias": 1.7, "gain": 0.4e8}
STEP = 2.5e-9


def device(seed, samples=200, noise=0.01, cases=1, drive=None):
    """(time, drive, power), (case, sample) each, of a device that eq. (1) describes."""
    rng = np.random.default_rng(seed)
    if drive is None:
        drive = np.repeat(rng.normal(size=(cases, -(-samples // 5))), 5, axis=1)[:, :samples]
    p = [np.full(cases, 0.3)]
    for u in drive[:, :-1].T:
        current = TRUE["gamma"] * TRUE["bias"] + TRUE["gain"] * u
        a, c = current - TRUE["gamma"], current + TRUE["gamma"] * TRUE["Q"]
        grown = np.exp(a * STEP)
        p.append(p[-1] * grown / (1 + c * p[-1] * (grown - 1) / a))
    power = np.stack(p, axis=1) + noise * rng.normal(size=drive.shape)
    return np.tile(STEP * np.arange(samples), (cases, 1)), drive, power


@pytest.fixture(scope="module")
def fit():
    """A good fit of two cases with two missing samples."""
    time, drive, power = device(1, cases=2)
    power[0, 7:9] = np.nan
    return spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8})


@pytest.fixture(scope="module")
def late():
    """A fit of a device whose power is that of one sample later, which is not
    described."""
    time, drive, power = device(2, 400)
    return spinrnn.identify_device(time[:, 1:], drive[:, 1:], power[:, :-1], fixed={"Q": 0.8})


# ---- intervals ----


@pytest.mark.parametrize("level", [0.95, 0.5])
def test_intervals_of_unknown_noise_are_students_of_samples_less_unknowns(level):
    """12 samples, 3 parameters and a first power: 8 degrees of freedom, 2.306 and not
    1.960."""
    time, drive, power = device(3, 12)
    fit = spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8}, level=level)
    quantile = stats.t.ppf((1 + level) / 2, 8)
    for name in (*fit.free, "threshold"):
        low, high = fit.intervals[name]
        assert high - fit.values[name] == pytest.approx(quantile * fit.errors[name])
        assert fit.values[name] - low == pytest.approx(quantile * fit.errors[name])
    assert fit.noise == pytest.approx(np.sqrt(np.nansum(fit.residual**2) / 8))
    assert fit.diagnosis.freedom == 8


def test_intervals_of_known_noise_are_normal():
    time, drive, power = device(3, 12)
    fit = spinrnn.identify_device(time, drive, power, noise=0.01, fixed={"Q": 0.8})
    low, high = fit.intervals["gamma"]
    assert (high - low) / fit.errors["gamma"] == pytest.approx(2 * 1.959964, rel=1e-6)


def test_errors_are_those_of_repeated_measurements():
    """The standard deviation of 60 fits, to a fifth."""
    time, drive, power = device(4, 120, noise=0.0)
    rng = np.random.default_rng(5)
    fits = [
        spinrnn.identify_device(
            time, drive, power + 0.005 * rng.normal(size=power.shape), fixed={"Q": 0.8}
        )
        for _ in range(60)
    ]
    for name in ("gamma", "bias", "gain", "threshold", "gamma (1 + Q)", "gamma (bias - 1)"):
        found = np.std([fit.values[name] for fit in fits])
        assert np.mean([fit.errors[name] for fit in fits]) == pytest.approx(found, rel=0.3), name


@pytest.mark.parametrize("noise", [None, 0.02])
def test_errors_are_those_of_all_unknowns_together(noise):
    """Of many short cases, whose first powers are unknown: by the inverse of J^T J of
    all columns."""
    time, drive, power = device(9, 7, cases=12)
    fit = spinrnn.identify_device(time, drive, power, noise=noise, fixed={"Q": 0.8})
    known = {"Q": (0.8, 0.0), "scale": (1.0, 0.0), "readout_offset": (0.0, 0.0)}
    at = problem.Problem(fit.measurement, known, "held", models.model_of(None))
    x = at.pack(fit.values, fit.start)
    jacobian = at.jacobian(x)
    variance = 1.0 if noise else np.sum(at.residual(x) ** 2) / (84 - 3 - 12)
    covariance = variance * np.linalg.inv(jacobian.T @ jacobian)[:3, :3]
    slopes = [fit.values["gamma"], 1.0, 1.0]
    errors = np.sqrt(np.diag(covariance)) * slopes
    assert [fit.errors[name] for name in ("gamma", "bias", "gain")] == pytest.approx(errors)
    alone = np.sqrt(variance / np.sum(jacobian[:, 0] ** 2)) * slopes[0]
    assert fit.errors["gamma"] > 1.5 * alone


def test_derived_numbers_and_their_gradients():
    """Gradients by central differences."""
    values = TRUE | {"scale": 1.2, "readout_offset": 0.1}
    found, gradients = oscillator.with_derived(values)
    assert found["gamma (1 + Q)"] == pytest.approx(1.8e8)
    assert found["gamma (bias - 1)"] == pytest.approx(0.7e8)
    assert found["threshold"] == pytest.approx(-1.75)
    for name, gradient in gradients.items():
        for number, parameter in enumerate(oscillator.NAMES):
            h = 1e-6 * values[parameter]
            up, down = (
                oscillator.with_derived(values | {parameter: values[parameter] + s * h})[0][name]
                for s in (1, -1)
            )
            assert gradient[number] == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-9)
    assert "threshold" not in oscillator.with_derived(values | {"gain": 0.0})[0]


@pytest.mark.parametrize("name", oscillator.NAMES)
def test_a_coordinate_and_its_parameter(name):
    value = {"gamma": 2e8, "Q": -0.3, "bias": -2.0, "gain": -1e7, "scale": 3e-6,
             "readout_offset": -0.1}[name]  # fmt: skip
    own = models.model_of(None).parameters[name]
    x = own.of(value)
    assert own.value(x) == pytest.approx(value)
    h = 1e-6 * max(abs(x), 1.0)
    slope = (own.value(x + h) - own.value(x - h)) / (2 * h)
    assert own.slope(value) == pytest.approx(slope, rel=1e-6)
    assert np.isfinite(own.value(1e6))


def test_guesses_by_integrals_are_near_the_device():
    """Two kinds of guesses, by integrals and by a grid, of which the first needs no
    luck."""
    time, drive, power = device(10, 400)
    data = spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8}).measurement
    known = {"Q": (0.8, 0.0), "scale": (1.0, 0.0), "readout_offset": (0.0, 0.0)}
    found = guesses.starts(problem.Problem(data, known, "held", models.model_of(None)))
    kinds = {kind: values for kind, values, _ in reversed(found)}
    assert {origin for origin, _ in kinds} == {"integrals", "grid"}
    for name in ("gamma", "bias", "gain"):
        assert kinds["integrals", True][name] == pytest.approx(TRUE[name], rel=0.3)
    assert [kind for kind, *_ in found[: len(kinds)]] != [found[0][0]] * len(kinds), "in turns"


# ---- sentences ----


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (123456.0, 789.0, "123460"), (1.7, 0.0013, "1.7000"), (1.23456789, 0.0, "1.2346"),
        (0.012345, 0.5, "0.01"), (0.0, 0.1, "0"), (-98765.0, 12.0, "-98765"),
    ],
)  # fmt: skip
def test_a_value_has_two_digits_of_its_error(value, error, text):
    assert float(wording.rounded(value, error)) == pytest.approx(float(text))


def test_the_text_of_a_good_fit(fit):
    lines = list(wording.lines_of(fit, "right.npz"))
    assert lines[0] == "right.npz: 398 samples in 2 cases, 2 missing; drive held between them"
    for number, name, unit in (
        (1, "gamma", " 1/s"),
        (3, "bias", ""),
        (8, "threshold", " unit of drive"),
    ):
        low, high = fit.intervals[name]
        error = fit.errors[name]
        digits = [wording.rounded(x, error) for x in (fit.values[name], low, high)]
        assert lines[number] == (
            f"{name:<17}{digits[0]:>14} ± {error:.2g}{unit}   95 %: {digits[1]} to {digits[2]}"
        )
    assert lines[2] == "Q                           0.8   fixed"
    assert lines[4].split("±")[1].split("   ")[0].endswith("1/s per unit of drive")
    assert lines[-2] == f"noise            {fit.noise:>14.4g}"
    assert fit.noise == pytest.approx(0.01, rel=0.1)
    assert lines[-1] == (
        f"The model describes the data: {len(fit.diagnosis.checks)} tests of the residuals found "
        "nothing."
    )
    assert len(lines) == 1 + 8 + 2


def test_what_follows_from_a_parameter_at_its_bound_has_no_interval():
    """And one line says that the others depend on it; in JSON, too."""
    time, drive, power = device(1, 60)
    fit = spinrnn.identify_device(
        time, drive, power, fixed={"Q": 0.8, "bias": 1.7}, bounds={"gamma": (1e6, 0.9e8)}
    )
    assert fit.held == ("gamma",)
    for name in ("gamma (1 + Q)", "gamma (bias - 1)", "threshold"):
        assert fit.reasons[name] == "it follows from gamma, which ends at a bound"
        assert np.isnan(fit.intervals[name]).all()
        assert np.isnan(fit.errors[name])
    assert np.isfinite(fit.intervals["gain"]).all()
    text = list(wording.lines_of(fit, "held.npz"))
    assert "gamma ends at a bound: all other intervals hold only if that is its true value." in text
    found = fit.report()["findings"]
    assert found["held"]["value"] == ["gamma"]
    assert found["saturation_rate"]["low"] is None
    assert found["saturation_rate"]["reason"].startswith("it follows from gamma")


def test_units_that_a_file_says_stand_in_the_text_and_in_the_findings(tmp_path):
    time, drive, power = device(1, 60)
    rows = np.c_[1e9 * time[0], drive[0], 1e3 * power[0]]
    path = tmp_path / "named.csv"
    head = "time (ns),drive (mA),power (nW)"
    np.savetxt(path, rows, delimiter=",", header=head, comments="")
    with pytest.warns(DataNote):
        data = load_measurement(path)
    assert data.units == {"time": "s", "drive": "A", "power": "W"}
    assert data.take(slice(0, 1)).units == data.units
    found = spinrnn.identify_device([data, data], fixed={"Q": 0.8}, free_scale=True)
    text = "\n".join(wording.lines_of(found, "named.csv"))
    for unit in (r"gain +[^ ]+ ± [^ ]+ 1/s per A ", r"scale +[^ ]+ W ", r"noise +[^ ]+ W"):
        assert re.search(unit, text), text
    assert "unit of" not in text
    # so short a recording leaves positive numbers open, which no interval says
    reason = f"its error is {found.errors['gamma']:.2g}: the data do not tell it from 0"
    assert f"1/s   no interval: {reason}" in text
    assert found.errors["gamma"] > 0.5 * found.values["gamma"]
    assert np.isnan(found.intervals["gamma"]).all()
    units = {name: one["unit"] for name, one in found.report()["findings"].items()}
    assert [units[name] for name in ("gain", "threshold", "scale", "noise", "highest_power")] == [
        "1/s per A", "A", "W", "W", "W",
    ]  # fmt: skip
    other = dataclasses.replace(data, units={"drive": "V"})
    both = joined([data.named("mon.csv"), joined([other, other]).named("tue.csv")])
    assert both.units == {}
    assert both.names == ("mon.csv", "tue.csv case 0", "tue.csv case 1")
    assert both.take(slice(1, 3)).name_of(1) == "tue.csv case 1"
    assert joined([data, other]).name_of(1) == "case 1"
    with pytest.raises(spinrnn.DataError, match="drive: is in A in recording 0 and in V in recor"):
        spinrnn.identify_device([data, other], fixed={"Q": 0.8})


def test_the_text_of_a_fit_that_does_not_describe(late):
    lines = list(wording.lines_of(late, "late.npz"))
    first = late.diagnosis.failed[0]
    assert first.key in ("readout_lag", "drive_lag")
    start = lines.index(
        "The model does NOT describe the data, so the intervals cannot be trusted. What the "
        "residuals show:"
    )
    assert lines[start + 1] == (
        f"  {first.name}   p = {first.p:.1g}, would explain {100 * first.share:.2g} % of them, to "
        f"first order {first.estimate:.2g} s"
    )
    assert 0.1 < first.share < 1
    assert not any("fitted as one device" in line for line in lines)


def test_doubts_about_units(fit):
    """Where gamma is that of no oscillator, and where the power is not normalised."""
    time, drive, power = device(6)
    slow = spinrnn.identify_device(1e9 * time, drive, power, fixed={"bias": 1.7})
    text = "\n".join(wording.lines_of(slow, "x"))
    assert f"A damping rate of {slow.values['gamma']:.2g} 1/s is that of no oscillator" in text
    assert "is the drive the whole drive?" in text
    assert "no oscillator" not in "\n".join(wording.lines_of(fit, "x"))
    faint = spinrnn.identify_device(time, drive, 1e-6 * power, fixed={"Q": 0.8}, noise=1e-8)
    text = "\n".join(wording.lines_of(faint, "x"))
    assert f"The power is at most {1e-6 * power.max():.2g}; is it normalised?" in text
    for scale in (1e-6, 1.0):
        known = {"Q": 0.8, "scale": scale}
        said = spinrnn.identify_device(time, drive, 1e-6 * power, fixed=known, noise=1e-8)
        assert "is it normalised?" not in "\n".join(wording.lines_of(said, "x"))
    with pytest.raises(spinrnn.DataError, match="the scale that was fixed is too small"):
        spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8, "scale": 1e-6})
    found = faint.diagnosis
    assert f"chi-square {found.chi_square:.1f} with {found.freedom} degrees of freedom" in text


def test_a_power_that_does_not_follow_the_drive_is_told(fit):
    time, drive, _ = device(6)
    power = np.random.default_rng(2).normal(0.5, 0.01, time.shape)
    text = "The gain may be 0: the power does not tell of this drive"
    still = spinrnn.identify_device(time, drive, power, fixed={"Q": 0.8})
    assert still.intervals["gain"][0] < 0 < still.intervals["gain"][1]
    assert text in "\n".join(wording.lines_of(still, "x"))
    assert text not in "\n".join(wording.lines_of(fit, "x"))


# ---- files ----


def test_device_json_has_value_unit_and_meaning_under_short_keys(fit, tmp_path):
    written = report.write_report(fit, tmp_path / "out", {"file": "f", **fit.report()})
    assert written == ["device.json", "device.png", "device.csv"]
    found = json.loads((tmp_path / "out/device.json").read_text())
    assert list(found) == ["file", "findings", "tests"]
    names = {
        "gamma": "gamma", "q": "Q", "bias": "bias", "gain": "gain", "scale": "scale",
        "readout_offset": "readout_offset",
        "saturation_rate": "gamma (1 + Q)", "growth_rate": "gamma (bias - 1)",
        "threshold": "threshold",
    }  # fmt: skip
    units = oscillator.UNITS | oscillator.DERIVED_UNITS
    for key, name in names.items():
        entry = found["findings"][key]
        assert entry["value"] == fit.values[name]
        assert entry["error"] == fit.errors[name]
        assert (entry["low"], entry["high"]) == fit.intervals[name]
        assert entry["unit"] == units[name]
        assert entry["fixed"] == (name in ("Q", "scale", "readout_offset"))
        assert len(entry["meaning"]) > 10
    values = {key: entry["value"] for key, entry in found["findings"].items()}
    assert (values["cases"], values["samples"], values["missing"]) == (2, 398, 2)
    assert (values["level"], values["drive_between"]) == (0.95, "held")
    assert values["noise"] == fit.noise
    assert values["highest_power"] == np.nanmax(fit.measurement.power)
    assert values["start"] == fit.start.tolist()
    assert (values["describes"], values["rounding"], values["noise_known"]) == (True, False, False)
    assert (values["chi_square"], values["overstated"]) == (None, False)
    assert values["degrees_of_freedom"] == 398 - 3 - 2
    assert values["residual_correlation"] == fit.diagnosis.correlation.tolist()
    assert len(found["tests"]) == len(fit.diagnosis.checks)
    for check in fit.diagnosis.checks:
        test = found["tests"][check.key]
        assert (test["value"], test["passed"]) == (check.p, check.passed)
        assert (test["share"], test["estimate"]) == (check.share, check.estimate)
        assert (test["error"], test["estimate_unit"]) == (check.error, check.unit)
    assert {"unit", "meaning"} <= set(found["tests"]["readout_lag"])


def test_device_csv_has_each_number_under_its_name(fit):
    rows = list(csv.DictReader(report.table_of(fit).splitlines()))
    assert len(rows) == 400
    for row, case, k in ((rows[3], 0, 3), (rows[200 + 5], 1, 5)):
        data = fit.measurement
        assert int(row["case"]) == case
        assert float(row["time (s)"]) == pytest.approx(k * STEP)
        assert float(row["drive"]) == pytest.approx(data.drive[case, k])
        assert float(row["power"]) == pytest.approx(data.power[case, k])
        assert float(row["model"]) == pytest.approx(fit.predicted[case, k])
        difference = data.power[case, k] - fit.predicted[case, k]
        assert float(row["residual"]) == pytest.approx(difference, abs=1e-9)
    assert (rows[7]["power"], rows[7]["residual"]) == ("", "")
    assert rows[7]["model"] != ""


def test_the_picture_shows_powers_residuals_and_their_correlation(fit):
    axes = figures.device_fit(fit)
    data = fit.measurement
    # measured of all cases, then the model
    measured, other, model = axes[0].lines[:3]
    assert axes[0].get_legend_handles_labels()[1][-1] == "model"
    np.testing.assert_allclose(measured.get_xdata(), 1e9 * data.time[0])
    np.testing.assert_allclose(measured.get_ydata(), data.power[0])
    np.testing.assert_allclose(model.get_ydata(), fit.predicted[0])
    np.testing.assert_allclose(axes[1].lines[1].get_ydata(), fit.residual[1])
    assert axes[1].get_xlabel() == "time (ns)"
    spread = np.sqrt(np.nanmean(fit.residual**2, axis=1))
    heights = [line.get_ydata()[0] for line in axes[1].lines[2:]]
    assert heights == pytest.approx([sign * sd for sd in spread for sign in (-1, 1)])
    chance, *bars = axes[2].patches
    assert chance.get_height() == pytest.approx(4 / np.sqrt(398))
    assert [bar.get_height() for bar in bars] == pytest.approx(fit.diagnosis.correlation.tolist())
    assert bars[0].get_x() + bars[0].get_width() / 2 == 1
    assert axes[0].get_title() == ""
    assert to_rgba(measured.get_color()) != to_rgba(other.get_color())
    axes[0].figure.draw_without_rendering()
    legend = axes[0].get_legend().get_window_extent()
    assert legend.x0 >= axes[0].get_window_extent().x1


def test_the_cases_described_worst_are_drawn(fit):
    """All of them, if they are few, else the picture says how many there are."""
    axes = figures.device_fit(fit)
    assert len(axes[0].lines) == 4
    residual = fit.residual * np.array([[1.0], [3.0]])
    for worse in (residual, residual[::-1]):
        axes = figures.device_fit(dataclasses.replace(fit, residual=worse), cases=1)
        assert axes[0].get_title() == "1 of 2 cases, those described worst"
        size = np.sqrt(np.nanmean(worse**2, axis=1))
        drawn = axes[1].lines[0].get_ydata()
        np.testing.assert_allclose(drawn, worse[size.argmax()])


def test_the_picture_of_a_long_recording(fit):
    """A close-up of the worst stretch; no line across a gap; the unit of the power."""
    size, bad = 3000, slice(1200, 1300)
    time = 1e-9 * (np.arange(size) + 700 * (np.arange(size) > 1250))
    power, residual = np.full((1, size), 2e-3), np.full((1, size), 1e-5)
    residual[0, bad] *= -4
    data = dataclasses.replace(
        fit.measurement, time=time[None], power=power, noise=None, units={"power": "V"}, names=()
    )
    made = dataclasses.replace(
        fit, measurement=data, predicted=power - residual, residual=residual, noise=2e-5
    )
    whole, below, _, close = figures.device_fit(made)
    assert (whole.get_ylabel(), below.get_ylabel()) == ("power (mV)", "measured - model (mV)")
    assert [whole.lines[0].get_ydata()[0], below.lines[0].get_ydata()[0]] == pytest.approx(
        [2, 0.01]
    )
    band = below.patches[0]
    assert (band.get_y(), band.get_height()) == pytest.approx((-0.02, 0.04))
    model = whole.lines[1]
    assert np.flatnonzero(np.isnan(model.get_ydata())).tolist() == [1251]
    assert np.isnan(model.get_xdata()[1251])
    assert close.lines[0].get_color() == whole.lines[0].get_color()
    shown = close.lines[0].get_xdata()
    assert len(shown) == figures.CLOSE
    assert shown[0] <= time[bad][0] * 1e6
    assert shown[-1] >= time[bad][-1] * 1e6


def test_the_picture_says_that_the_model_is_wrong(late):
    assert figures.device_fit(late)[0].get_title() == "the model does not describe these data"


# ---- pictures that fail ----


def test_a_picture_that_fails_costs_no_number(fit, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("latex could not be found")

    monkeypatch.setattr("spinrnn.identify.figures._draw_cases", fail)
    with pytest.warns(UserWarning, match=r"device.png is not written, .* latex could not be found"):
        written = report.write_report(fit, tmp_path / "out", fit.report())
    assert written == ["device.json", "device.csv"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(written)


def test_latex_in_a_users_settings_does_not_reach_the_picture(
    tmp_path, monkeypatch, capsys, real_pictures
):
    import matplotlib

    monkeypatch.chdir(tmp_path)
    time, drive, power = device(7, 60)
    np.savez("right.npz", time=time, drive=drive, power=power)
    with matplotlib.rc_context({"text.usetex": True}), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["identify", "right.npz", "--fix", "Q=0.8"]) in (0, 1)
    assert "written: right-device/device.json, device.png, device.csv" in capsys.readouterr().out
    assert (tmp_path / "right-device/device.png").read_bytes().startswith(b"\x89PNG")


def test_masked_powers_are_missing_samples():
    time, drive, power = device(8, 100)
    mask = np.zeros(power.shape, dtype=bool)
    mask[0, 30:35] = True
    masked = np.ma.masked_array(power, mask)
    masked.data[mask] = 1e9
    fits = [
        spinrnn.identify_device(time, drive, p, fixed={"Q": 0.8})
        for p in (masked, np.where(mask, np.nan, power))
    ]
    assert fits[0].values == fits[1].values
    assert fits[0].report()["findings"]["missing"]["value"] == 5
