"""Resonance lines: made-up ones come out again, their intervals hold; the measured ones of
a spin diode.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import here, refused

import spinrnn
from spinrnn.errors import DataError

MEASURED = Path(__file__).resolve().parents[3] / "shared" / "data" / "spindiode"
FREQUENCIES = np.arange(5, 13) * 1e9


def voltages(rng, field, frequency, noise=0.02, share=0.4, alpha=0.0):
    """A line at 3 MHz/Oe (H - 1500 Oe), 100 Oe wide or as alpha says, and background."""
    width = 100 + alpha * frequency / 3e6
    u = field - (1500 + frequency / 3e6)
    bell = 1 / (1 + (u / width) ** 2)
    return (1 - share * u / width) * bell + 0.3 + 1e-4 * u + noise * rng.standard_normal(len(u))


def table(path, rng, **keys):
    field = np.linspace(1500, 7500, 400)
    rows = ["frequency,field,voltage"]
    for frequency in FREQUENCIES:
        seen = voltages(rng, field, frequency, **keys)
        rows += [f"{frequency:g},{h:.3f},{v:.6g}" for h, v in zip(field, seen, strict=True)]
    path.write_text("\n".join(rows))
    return path


def test_made_up_lines_come_out_again(tmp_path):
    lines = spinrnn.fit_lines(table(tmp_path / "a.csv", np.random.default_rng(0)))
    assert lines.good.all()
    assert lines.slope[0] == pytest.approx(3e6, rel=2e-3)
    assert lines.offset[0] == pytest.approx(1500, abs=8)
    np.testing.assert_allclose(lines.width, 100, rtol=0.06)
    np.testing.assert_allclose(lines.share, 0.4, atol=0.06)
    assert (lines.dispersive < 0).all()
    np.testing.assert_allclose(lines.damping, 3e6 * lines.width / FREQUENCIES, rtol=3e-3)
    assert lines.fitted_dispersive.max() < 0.4


def test_widths_that_grow_with_the_frequency(tmp_path):
    lines = spinrnn.fit_lines(table(tmp_path / "a.csv", np.random.default_rng(1), alpha=0.03))
    assert lines.width_slope[0] == pytest.approx(0.01e-6, rel=0.15)
    assert lines.width_constant[1] < 100 < lines.width_constant[2]


def test_intervals_hold(tmp_path):
    held = []
    for seed in range(12):
        lines = spinrnn.fit_lines(table(tmp_path / "a.csv", np.random.default_rng(seed)))
        truth = {"field": 1500 + FREQUENCIES / 3e6, "width": 100, "share": 0.4}
        for name, value in truth.items():
            low, high = getattr(lines, f"{name}_interval")
            held += list((low <= value) & (value <= high))
        held += [
            lines.slope[1] <= 3e6 <= lines.slope[2],
            lines.offset[1] <= 1500 <= lines.offset[2],
        ]
    assert 0.91 <= np.mean(held) <= 0.99


def test_a_line_off_the_others_is_left_out(tmp_path):
    path = table(tmp_path / "a.csv", np.random.default_rng(0))
    rows = path.read_text().replace("8e+09,", "8.4e+09,")
    path.write_text(rows)
    lines = spinrnn.fit_lines(path)
    assert lines.frequency[~lines.good].tolist() == [8.4e9]
    assert lines.slope[0] == pytest.approx(3e6, rel=2e-3)


@pytest.mark.usefixtures("real_pictures")
def test_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "diode.csv", np.random.default_rng(0))
    done = here("identify", "--lines", "diode.csv", "--frequencies", "6e9:11e9")
    assert done.returncode == 0, done.stderr
    assert "6 lines from 6 to 11 GHz" in done.stdout
    assert "The lines are mostly symmetric." in done.stdout
    report = json.loads((tmp_path / "diode-lines/lines.json").read_text())
    assert report["slope"][0] == pytest.approx(3e6, rel=3e-3)
    rows = (tmp_path / "diode-lines/lines.csv").read_text().splitlines()
    assert len(rows) == 7
    assert (tmp_path / "diode-lines/lines.png").stat().st_size > 10000
    refused(here("identify", "--lines", "diode.csv", "--frequencies", "5:2"), "LOW:HIGH in Hz")
    refused(here("identify", "--lines", "diode.csv", "--frequencies", "1:2"), "has no line from 1")


def test_bad_tables(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,2\n2,3\n3,4\n")
    with pytest.raises(DataError, match="needs columns frequency, field and voltage, or pairs"):
        spinrnn.fit_lines(path)
    path.write_text("frequency,field,voltage\n1e9,1,2\n1e9,2,3\n")
    with pytest.raises(DataError, match=r"1e\+09 Hz has 2 points, 12 are needed"):
        spinrnn.fit_lines(path)


@pytest.mark.skipif(not MEASURED.exists(), reason="the measured spectra (GPL) are not here")
@pytest.mark.parametrize("name", ["4p", "2p"])
def test_the_measured_lines_of_a_spin_diode(name):
    """f = 2.99 MHz/Oe (H - 1500 Oe) of both; across the bar mostly dispersive, along it
    symmetric.
    """
    lines = spinrnn.fit_lines(MEASURED / f"5360_{name}.csv", (4.5e9, 17.5e9))
    assert lines.frequency.tolist() == [n * 1e9 for n in range(5, 18)]
    assert lines.good.all()
    assert lines.slope[0] == pytest.approx(2.99e6, abs=0.02e6)
    assert lines.offset[0] == pytest.approx(1500, abs=15)
    assert lines.straight >= 0.999
    assert lines.width.min() > 120
    assert lines.width.max() < 175
    # three times the frequency, hardly a change of the width
    assert lines.damping.max() / lines.damping.min() > 2.5
    if name == "4p":
        assert lines.fitted.min() >= 0.99
        assert lines.share.min() > 4
        assert np.median(lines.fitted_dispersive) > 0.95
    else:
        assert lines.fitted.min() >= 0.95
        assert lines.share.max() < 0.4
        assert np.median(lines.fitted_dispersive) < 0.2
