"""Pictures of a training show the numbers they are given, with names and units."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from spinrnn import plotting
from spinrnn.runs import folder
from spinrnn.tasks.figures import confusion_matrix, training_curves

pytestmark = pytest.mark.usefixtures("real_pictures")


def records(epochs):
    """Records in which each number occurs once."""
    return [
        {
            "epoch": k,
            "train_loss": 2.0 / k,
            "train_accuracy": 0.5 + 0.01 * k,
            "validation_loss": 3.0 / k,
            "validation_accuracy": 0.4 + 0.01 * k,
            "gradient_norm": 5.0 / k,
            "gradient_norm_max": 7.0 / k,
        }
        for k in range(1, epochs + 1)
    ]


def lines(ax):
    """{label in the legend: (x, y)} of the lines of axes."""
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    drawn = {line.get_label(): line.get_xydata().T for line in ax.get_lines()}
    assert list(drawn) == names
    return drawn


def test_training_curves_show_the_records():
    axes = training_curves(records(5))
    epochs = np.arange(1, 6)
    wanted = [
        ("cross-entropy (nat)", {"training": 2 / epochs, "validation": 3 / epochs}),
        ("accuracy (%)", {"training": 50 + epochs, "validation": 40 + epochs}),
        (
            "norm of the gradient before clipping",
            {"mean of the epoch": 5 / epochs, "largest": 7 / epochs},
        ),
    ]
    for ax, (label, curves) in zip(axes, wanted, strict=True):
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", label)
        drawn = lines(ax)
        assert list(drawn) == list(curves)
        for name, values in curves.items():
            np.testing.assert_array_equal(drawn[name][0], epochs)
            np.testing.assert_allclose(drawn[name][1], values, rtol=1e-12)
    assert [ax.get_yscale() for ax in axes] == ["log", "linear", "linear"]
    assert axes[2].get_ylim()[0] == 0
    assert [line.get_linestyle() for line in axes[0].get_lines()] == ["-", "--"]


def test_one_epoch_is_visible():
    for ax in training_curves(records(1)):
        assert {line.get_marker() for line in ax.get_lines()} == {"o"}
    for ax in training_curves(records(2)):
        assert {line.get_marker() for line in ax.get_lines()} == {"None"}


def test_epochs_are_whole_numbers_and_no_panel_is_empty():
    one = [record | {"gradient_norm": 0.0, "gradient_norm_max": 0.0} for record in records(1)]
    drawn = training_curves(one)
    assert len(drawn) == len(drawn[0].figure.axes) == 2
    for ax in drawn:
        low, high = ax.get_xlim()
        assert [tick for tick in ax.get_xticks() if low <= tick <= high] == [1]
    given = Figure().subplots(1, 3)
    training_curves(one, given)
    assert not given[2].get_lines()


def test_axes_of_the_user_are_drawn_into():
    axes = Figure().subplots(1, 3)
    assert training_curves(records(2), axes) is axes
    assert all(len(ax.get_lines()) == 2 for ax in axes)
    ax = Figure().subplots()
    assert confusion_matrix([[1]], ax) is ax


CONFUSION = [[6, 2, 0], [0, 0, 0], [1, 30, 9]]
"""40 cases of the last class, none of the middle one."""


def test_a_confusion_matrix_has_labels_in_rows_and_says_what_its_colours_are():
    ax = confusion_matrix(CONFUSION)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("class answered", "class of the label")
    (image,) = ax.get_images()
    shares = [[75, 25, 0], [0, 0, 0], [2.5, 75, 22.5]]
    np.testing.assert_allclose(image.get_array(), shares)
    assert image.get_clim() == (0, 100)
    bar = image.colorbar.ax
    assert bar.get_ylabel() == "colour: share of the label's cases (%)"
    assert bar.get_ylim() == (0, 100)
    assert ax.get_title() == "numbers: cases"
    # position (x, y) is (answer, label), and the first label stands at the top
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written == {(0, 0): "6", (1, 0): "2", (0, 2): "1", (1, 2): "30", (2, 2): "9"}
    assert ax.yaxis_inverted()
    dark = {text.get_position(): text.get_color() for text in ax.texts}
    assert dark[1, 2] == "white"
    assert dark[2, 2] == "black"
    assert list(ax.get_xticks()) == list(ax.get_yticks()) == [0, 1, 2]


def test_a_confusion_matrix_has_the_names_of_classes():
    def names(classes):
        ax = confusion_matrix(CONFUSION, classes=classes)
        x, y = (
            [text.get_text() for text in axis.get_ticklabels()] for axis in (ax.xaxis, ax.yaxis)
        )
        assert x == y
        return x, ax.get_xticklabels()[0].get_rotation()

    assert names(("crowded", "fire", "a$b$")) == (["crowded", "fire", "a$b$"], 0)
    long = ("of some length, to be shortened", "fire", "no fire")
    assert names(long) == (["of some length, to be s\u2026", "fire", "no fire"], 45)
    assert names(("too", "few"))[0] == names(None)[0] == ["0", "1", "2"]


def test_the_picture_of_a_run_has_the_names_of_its_summary(monkeypatch, tmp_path):
    saved = []
    monkeypatch.setattr(plotting, "save", lambda ax, path: saved.append(ax))
    for known in ({"classes": ["a", "b", "c"]}, {}):
        folder._draw(tmp_path / "confusion.png", [], {"confusion": CONFUSION} | known)
    texts = [[text.get_text() for text in ax.get_xticklabels()] for ax in saved]
    assert texts == [["a", "b", "c"], ["0", "1", "2"]]


def test_a_large_confusion_matrix_has_colours_only():
    ax = confusion_matrix(np.eye(21, dtype=int))
    assert not ax.texts
    assert ax.get_title() == ""
    assert len(confusion_matrix(np.eye(20, dtype=int)).texts) == 20


@pytest.mark.parametrize(
    "draw", [lambda: training_curves(records(3))[0], lambda: confusion_matrix(CONFUSION)]
)
def test_they_become_a_png(draw, tmp_path):
    plotting.save(draw(), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
