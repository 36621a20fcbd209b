"""Pictures: in our settings whatever the user's are, and times and energies with a prefix."""

import hashlib
import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from spinrnn import plotting
from spinrnn.analysis import figures as analysis_figures
from spinrnn.identify import figures as identify_figures
from spinrnn.paper import figures as paper_figures
from spinrnn.tasks import figures as task_figures

pytestmark = pytest.mark.usefixtures("real_pictures")

HOSTILE = """
text.usetex: True
font.family: No Such Font
font.size: 31
axes.unicode_minus: False
figure.dpi: 777
savefig.dpi: 666
savefig.format: svg
savefig.bbox: tight
savefig.facecolor: red
backend: svg
lines.linewidth: 9
axes.prop_cycle: cycler("color", ["black"])
figure.constrained_layout.use: False
"""


def drawn():
    """{name: bytes} of a picture of each room that makes some."""
    history = [
        {"epoch": epoch, "gradient_norm": 1.0 / epoch, "gradient_norm_max": 2.0 / epoch}
        | {f"{part}_loss": 3.0 / epoch for part in ("train", "validation")}
        | {f"{part}_accuracy": 1 - 0.5 / epoch for part in ("train", "validation")}
        for epoch in (1, 2, 3)
    ]
    time = 1e-9 * np.arange(6.0)[None]
    fit = SimpleNamespace(
        measurement=SimpleNamespace(
            time=time, power=time * 1e8, present=time >= 0, noise=None, units={}
        ),
        predicted=time * 1.1e8,
        residual=-time * 1e7,
        noise=0.02,
        diagnosis=SimpleNamespace(describes=False, correlation=[0.5, -0.1]),
    )
    energy = SimpleNamespace(
        time=time[0], total=1e-12 * np.arange(6.0), neurons=1e-12 * np.arange(6.0),
        synapses=0 * time[0], neuron_count=3, neuron_power=1e-6, synapse_count=9,
        synapse_power=1e-9,
    )  # fmt: skip
    with paper_figures.style():
        figure = Figure()
        paper_figures._accuracy(figure.subplots(), r"$\gamma$")
        paper = paper_figures.pictures(figure, "against")
    return paper | {
        "curves": plotting.picture(task_figures.training_curves(history)[0]),
        "confusion": plotting.picture(task_figures.confusion_matrix([[3, 1], [0, 4]])),
        "fit": plotting.picture(identify_figures.device_fit(fit)[0]),
        "energy": plotting.picture(analysis_figures.energy(energy)),
    }


def digests():
    return {name: hashlib.sha256(content).hexdigest() for name, content in drawn().items()}


@pytest.mark.slow
def test_a_users_settings_do_not_reach_our_pictures(tmp_path):
    """With LaTeX that is not there, odd fonts and formats the same bytes are drawn."""
    (tmp_path / "matplotlibrc").write_text(HOSTILE)
    found = subprocess.run(
        [sys.executable, __file__],
        env=os.environ | {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    expected = digests()
    assert found.stdout.split() == ["True", *expected.values()]
    assert len(set(expected.values())) == 6


def test_pictures_are_png_of_150_dots_per_inch():
    content = plotting.picture(Figure(figsize=(2, 1)).subplots())
    assert content.startswith(b"\x89PNG")
    assert [int.from_bytes(content[k : k + 4], "big") for k in (16, 20)] == [300, 150]


def test_the_users_settings_hold_outside_and_for_axes_of_the_user():
    """After a picture of ours everything is as before, and axes of the user are drawn with it."""
    confusion = [[3, 1], [0, 4]]
    with matplotlib.rc_context({"text.color": "red", "font.size": 31.0}):
        ours = task_figures.confusion_matrix(confusion)
        assert ours.xaxis.label.get_size() == 10
        assert matplotlib.rcParams["font.size"] == 31
        axes = Figure().subplots()
        assert task_figures.confusion_matrix(confusion, axes) is axes
        assert task_figures.confusion_matrix(confusion, ax=axes) is axes
        assert axes.xaxis.label.get_size() == 31
        with plotting.settings({"font.size": 3}):
            assert matplotlib.rcParams["font.size"] == 3
            assert matplotlib.rcParams["text.color"] == "black"
        assert matplotlib.rcParams["text.color"] == "red"


def test_settings_of_two_threads_do_not_mix():
    """A second thread waits: it would restore the first one's settings as if they were
    the user's.
    """
    inside, leave, seen = threading.Event(), threading.Event(), []

    def first():
        with plotting.settings({"font.size": 3}):
            inside.set()
            leave.wait(10)

    def second():
        with plotting.settings():
            seen.append(matplotlib.rcParams["font.size"])

    with matplotlib.rc_context({"font.size": 31.0}):
        threads = [threading.Thread(target=run) for run in (first, second)]
        threads[0].start()
        inside.wait(10)
        threads[1].start()
        threads[1].join(0.1)
        assert seen == []
        leave.set()
        for thread in threads:
            thread.join()
        assert seen == [10]
        assert matplotlib.rcParams["font.size"] == 31


def test_every_function_that_makes_a_figure_has_our_settings():
    """Those with an `ax` are decorated; the paper's run within `style`."""
    for module in (analysis_figures, identify_figures, task_figures):
        public = [
            value
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
            and callable(value)
        ]  # fmt: skip
        assert public
        assert all(hasattr(function, "__wrapped__") for function in public)


@pytest.mark.parametrize(
    ("values", "factor", "unit"),
    [
        ([1e-9, 2.5e-8], 1e9, "ns"),
        ([0.0, 999e-9], 1e9, "ns"),
        ([1e-6], 1e6, "µs"),
        ([-4e-3, 1e-9], 1e3, "ms"),
        ([12.0], 1, "s"),
        ([3e4, np.inf, np.nan], 1e-3, "ks"),
        ([1e-30], 1e15, "fs"),
        ([1e20], 1e-12, "Ts"),
        ([0.0], 1, "s"),
        ([], 1, "s"),
    ],
)
def test_prefixes_bring_the_largest_value_between_1_and_1000(values, factor, unit):
    assert plotting.prefixed(values, "s") == (pytest.approx(factor), unit)


if __name__ == "__main__":
    print(matplotlib.rcParams["text.usetex"], *digests().values())
