"""Data: the digits are scikit-learn's, users' files are checked, splits are stratified
and complete, a test part that is given is kept.
"""

import hashlib
import zipfile

import h5py
import numpy as np
import pytest

import spinrnn
from spinrnn.datasets.parts import split


def test_the_drones_are_the_published_ones():
    data = spinrnn.load_dataset("drones")
    assert data.inputs.shape == (1000, 1, 256)
    assert (data.inputs.min(), data.inputs.max()) == pytest.approx((0.0011, 0.9965), abs=1e-4)
    assert data.test.nonzero()[0].tolist() == list(range(702, 1000))
    assert len(data.classes) == 10
    assert data.classes[4] == "Parrot"
    parts = data.labels[:702], data.labels[702:]
    counts = [np.bincount(labels) for labels in parts]
    assert [(c.min(), c.max()) for c in counts] == [(64, 77), (23, 36)]
    # nearest class mean, as computed from the authors' file
    means = [data.inputs[:702, 0][parts[0] == k].mean(axis=0) for k in range(10)]
    distance = np.linalg.norm(data.inputs[702:] - np.array(means), axis=2)
    assert (distance.argmin(axis=1) == parts[1]).mean() == pytest.approx(0.792, abs=2e-3)


def test_digits_are_those_of_scikit_learn():
    sklearn = pytest.importorskip(
        "sklearn.datasets", reason="scikit-learn is not installed (the test extra brings it)"
    )
    theirs, ours = sklearn.load_digits(), spinrnn.load_digits()
    np.testing.assert_array_equal(ours.inputs, theirs.data[:, None, :] / 16)
    np.testing.assert_array_equal(ours.labels, theirs.target)
    assert ours.lengths is None


def test_digits_carry_their_origin():
    from pathlib import Path

    with h5py.File(Path(__file__).parents[2] / "data" / "digits.h5") as file:
        assert "CC BY 4.0" in file.attrs["licence"]
        assert "UCI" in file.attrs["source"]
        assert "Alpaydin" in file.attrs["citation"]
        assert file["images"].attrs["units"] == file["labels"].attrs["units"] == "1"


def test_splits_are_stratified_disjoint_complete_and_seeded():
    digits, config = spinrnn.load_digits(), spinrnn.DataConfig()
    labels, parts = digits.labels, split(digits, config, 0)
    assert sorted(np.concatenate(parts)) == list(range(1797))
    for part, share in zip(parts, (0.7, 0.1, 0.2), strict=True):
        counts = np.bincount(labels[part])
        np.testing.assert_allclose(counts, share * np.bincount(labels), atol=1)
    again, other = split(digits, config, 0), split(digits, config, 1)
    assert all((a == b).all() for a, b in zip(parts, again, strict=True))
    assert set(parts[2]) != set(other[2])
    with pytest.raises(spinrnn.DataError, match="validation part is empty"):
        split(spinrnn.Dataset(np.zeros((4, 1, 2)), [0, 0, 1, 1]), config, 0)


def test_digests_and_drawn_parts_stay_what_they_were():
    """Runs on disk know their data by the digest, and draw the parts again; both were
    recorded before data could bring a test part.
    """
    digits = spinrnn.load_digits()
    assert digits.digest() == "2f5b1bfcedf3f3ac9313e71152cff5498b65999473a4ee58b4741da6217d4bb0"
    parts = split(digits, spinrnn.DataConfig(), 0)
    joined = b"".join(part.astype("<i8").tobytes() for part in parts)
    assert (
        hashlib.sha256(joined).hexdigest()
        == "d4815ba0e24f16466d98a9648ee7627c8f6ff7f7eb3f7c2e31e67f279388e813"
    )
    assert all(
        (a == b).all()
        for a, b in zip(parts, split(digits, spinrnn.DataConfig(test_fraction=0.2), 0), strict=True)
    )
    with_lengths = spinrnn.Dataset(
        np.arange(12.0).reshape(2, 1, 6),
        np.array([0, 1], dtype=np.int64),
        np.array([5, 6], dtype=np.int64),
    )
    assert (
        with_lengths.digest() == "cfecde941637d1d47e2f777ea0a9aec143fcf5297f5c55e5d563e4c7fb74b2ed"
    )


def test_a_test_part_that_is_given_is_kept():
    rng = np.random.default_rng(0)
    labels, test = np.repeat([0, 1], [100, 200]), rng.random(300) < 0.3
    data = spinrnn.Dataset(np.zeros((300, 1, 2)), labels, test=test)
    training, validation, own = split(data, spinrnn.DataConfig(), 0)
    np.testing.assert_array_equal(own, np.flatnonzero(test))
    assert sorted(np.concatenate([training, validation, own])) == list(range(300))
    np.testing.assert_allclose(
        np.bincount(labels[validation]), 0.1 * np.bincount(labels[~test]), atol=0.5
    )
    other = split(data, spinrnn.DataConfig(), 1)
    assert set(validation) != set(other[1])
    np.testing.assert_array_equal(own, other[2])
    assert len(split(data, spinrnn.DataConfig(validation_fraction=0.9), 0)[0]) == pytest.approx(
        0.1 * (~test).sum(), abs=1
    )
    part = data.take([5, 3])
    np.testing.assert_array_equal(part.test, test[[5, 3]])
    assert (
        len(
            {
                data.digest(),
                spinrnn.Dataset(data.inputs, labels, test=~test).digest(),
                spinrnn.Dataset(data.inputs, labels).digest(),
            }
        )
        == 3
    )


def test_fractions_that_the_data_do_not_allow():
    inputs, labels = np.zeros((40, 1, 2)), np.arange(40) % 2
    own = spinrnn.Dataset(inputs, labels, test=np.arange(40) >= 30)
    with pytest.raises(
        spinrnn.DataError,
        match=r"data.test_fraction: these data bring their own test part, 10 of 40 cases",
    ):
        split(own, spinrnn.DataConfig(test_fraction=0.2), 0)
    with pytest.raises(
        spinrnn.DataError,
        match=r"data.validation_fraction: 0.8 and 0.2 for the test part leave nothing",
    ):
        split(spinrnn.Dataset(inputs, labels), spinrnn.DataConfig(validation_fraction=0.8), 0)
    with pytest.raises(spinrnn.DataError, match="own test part is empty"):
        split(spinrnn.Dataset(inputs, labels, test=np.zeros(40, bool)), spinrnn.DataConfig(), 0)
    with pytest.raises(spinrnn.DataError, match="training part is empty, 0 cases"):
        split(spinrnn.Dataset(inputs, labels, test=np.ones(40, bool)), spinrnn.DataConfig(), 0)
    for wrong in (
        np.zeros(39, bool),
        np.zeros((40, 1), bool),
        np.full(40, 2),
        np.zeros(40),
        [3, 5],
    ):
        with pytest.raises(spinrnn.DataError, match="test: must be 40 times true or false"):
            spinrnn.Dataset(inputs, labels, test=wrong)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize("dtype", [None, bool, np.uint8, np.int64])
def test_users_files(tmp_path, suffix, dtype, tiny_data):
    path = tmp_path / f"mine{suffix}"
    arrays = {"inputs": tiny_data.inputs, "labels": tiny_data.labels, "lengths": tiny_data.lengths}
    if dtype:
        arrays["test"] = (np.arange(120) % 4 == 0).astype(dtype)
    if suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file.create_dataset(name, data=array, compression="gzip")
    data = spinrnn.load_dataset(str(path))
    for name, array in arrays.items():
        np.testing.assert_array_equal(getattr(data, name), array)
    assert data.test is None if dtype is None else data.test.dtype == bool


def test_a_damaged_truth_value_of_an_hdf5_file_is_refused(tmp_path):
    path = tmp_path / "mine.h5"
    with h5py.File(path, "w") as file:
        file.update(
            {
                "inputs": np.zeros((9, 1, 2)),
                "labels": np.zeros(9, int),
                "test": np.arange(9) % 2 == 0,
            }
        )
    content, mask = path.read_bytes(), bytes([1, 0] * 4 + [1])
    assert content.count(mask) == 1
    path.write_bytes(content.replace(mask, b"\7" + mask[1:]))
    with pytest.raises(
        spinrnn.SpinrnnError, match=r"mine\.h5: test: must be 9 times true or false"
    ):
        spinrnn.load_dataset(str(path))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"inputs": np.zeros((3, 1, 2))}, "no array labels; it holds inputs"),
        ({"inputs": np.zeros(3), "labels": np.zeros(3, int)}, "must have the axes"),
        ({"inputs": np.zeros((3, 1, 2)), "labels": np.zeros(2)}, "labels must be 3 whole numbers"),
        (
            {"inputs": np.zeros((5, 1, 3)), "labels": np.zeros(3)},
            "are the axes of inputs in another order",
        ),
        ({"inputs": np.zeros((3, 1, 2)), "labels": np.zeros(3) + 0.5}, "0.5 of case 0 is no class"),
        ({"inputs": np.full((3, 1, 2), "a"), "labels": np.zeros(3)}, "inputs must be real"),
        (
            {"inputs": np.zeros((3, 1, 2)), "labels": np.zeros(3, int), "length": np.ones(3)},
            "did you mean lengths",
        ),
        (
            {"inputs": np.zeros((3, 1, 2)), "labels": np.zeros(4, int)},
            "labels must be 3 whole numbers",
        ),
        (
            {
                "inputs": np.zeros((3, 1, 2)),
                "labels": np.zeros(3, int),
                "lengths": np.zeros((3, 1), int),
            },
            "lengths must be",
        ),
        (
            {"inputs": np.zeros((3, 1, 2)), "labels": np.zeros(3, int), "test": np.array([0, 1])},
            r"bad.npz: test: must be 3 times true",
        ),
        (
            {"inputs": np.zeros((3, 1, 2)), "labels": np.zeros(3, int), "tests": np.zeros(3, int)},
            "did you mean test",
        ),
        (
            {"inputs": np.array([{}], dtype=object), "labels": np.zeros(1, int)},
            "not a NumPy archive of plain arrays",
        ),
    ],
)
def test_bad_users_files(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(spinrnn.DataError, match=message):
        spinrnn.load_dataset(str(tmp_path / "bad.npz"))


def test_unreadable_users_files(tmp_path):
    with pytest.raises(spinrnn.StoreError, match="No such file"):
        spinrnn.load_dataset(str(tmp_path / "missing.npz"))
    with pytest.raises(spinrnn.DataError, match="neither"):
        spinrnn.load_dataset("mnist")
    (tmp_path / "a.npz").write_bytes(b"PK nonsense")
    with pytest.raises(spinrnn.DataError, match=r"a\.npz: not a NumPy archive"):
        spinrnn.load_dataset(str(tmp_path / "a.npz"))
    with zipfile.ZipFile(tmp_path / "z.npz", "w") as archive:
        for name in ("inputs", "labels"):
            archive.writestr(name, b"abc")
    with pytest.raises(spinrnn.DataError, match=r"z\.npz: inputs, labels is no array"):
        spinrnn.load_dataset(str(tmp_path / "z.npz"))
    (tmp_path / "a.h5").write_bytes(b"nonsense")
    with pytest.raises(spinrnn.StoreError, match=r"a\.h5: not an HDF5 file"):
        spinrnn.load_dataset(str(tmp_path / "a.h5"))


@pytest.mark.parametrize(
    ("labels", "numbers", "classes"),
    [
        (np.array(["up", "down", "up"]), [1, 0, 1], ("down", "up")),
        (np.array([b"10", b"9", b"10"]), [1, 0, 1], ("9", "10")),
        (np.array([False, True, False]), [0, 1, 0], ("False", "True")),
        (np.array([1.0, 0.0, 2.0]), [1, 0, 2], None),
        (np.eye(3, dtype=int)[[2, 0, 1]], [2, 0, 1], None),
        (np.eye(3)[[2, 0, 1]], [2, 0, 1], None),
        (np.array([[0], [1], [2]]), [0, 1, 2], None),
        (np.array([-1, 1, -1]), [0, 1, 0], ("-1", "1")),
        # whole numbers are the user's own, as runs of before know them
        (np.array([1, 2, 3]), [1, 2, 3], None),
        (np.array([0, 5, 5], np.uint8), [0, 5, 5], None),
    ],
)
def test_labels_of_any_kind(tmp_path, labels, numbers, classes):
    np.savez(tmp_path / "a.npz", inputs=np.zeros((3, 1, 3)), labels=labels)
    data = spinrnn.load_dataset(tmp_path / "a.npz")
    assert data.labels.tolist() == numbers
    assert data.classes == classes
    assert data.labels.dtype.kind in "iu"
    part = data.take([2])
    assert (part.labels.tolist(), part.classes) == (numbers[2:], classes)
    if labels.dtype.kind in "iu" and labels.ndim == 1 and labels.min() >= 0:
        assert data.labels.dtype == labels.dtype


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array(["a", " ", "b"]), "case 1 has none"),
        (np.array([0, np.nan, 1]), r"case 1 has none \(NaN\)"),
        (np.array([0, 0.37, 1]), r"0\.37 of case 1 is no class"),
        (np.array([[1, 0], [1, 1], [0, 1]]), "each row must hold a single 1, .* case 1 does not"),
        (np.zeros((3, 2, 2)), r"must have one axis \(case,\)"),
        (np.array([0, 1j, 1]), "must be whole numbers, texts or truth values, got complex128"),
    ],
)
def test_labels_that_are_none_are_told_with_their_case(tmp_path, labels, words):
    np.savez(tmp_path / "a.npz", inputs=np.zeros((3, 1, 3)), labels=labels)
    with pytest.raises(spinrnn.DataError, match=rf"a\.npz: labels: .*{words}"):
        spinrnn.load_dataset(tmp_path / "a.npz")


def test_names_of_classes_are_part_of_the_digest():
    inputs = np.zeros((2, 1, 3))
    data = [spinrnn.Dataset(inputs, labels) for labels in (["a", "b"], ["a", "c"], [0, 1], [0, 1])]
    assert len({one.digest() for one in data}) == 3
    assert data[2].digest() == data[3].digest()
    assert repr(data[0]) == "<Dataset of 2 cases, inputs (2, 1, 3), classes a, b>"


def test_one_channel_and_said(tmp_path):
    inputs = np.arange(6.0).reshape(3, 2)
    np.savez(tmp_path / "a.npz", inputs=inputs, labels=[0, 1, 0])
    with pytest.warns(spinrnn.errors.DataNote, match=r"\(3, 2\) are read as \(case, time\)"):
        data = spinrnn.load_dataset(tmp_path / "a.npz")
    np.testing.assert_array_equal(data.inputs, inputs[:, None, :])


@pytest.mark.parametrize("names", ["X y", "x Y", "data target"])
def test_names_of_others(tmp_path, names):
    inputs, labels = names.split()
    arrays = {inputs: np.zeros((3, 1, 2)), labels: ["b", "a", "b"]}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.warns(spinrnn.errors.DataNote, match=f"{inputs} is read as inputs, {labels} as"):
        assert spinrnn.load_dataset(tmp_path / "a.npz").labels.tolist() == [1, 0, 1]


def test_two_parts_in_one_file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.update({"X_train": np.ones((3, 4)), "Y_train": [0, 1, 1]})
        file.update({"X_test": np.zeros((2, 4)), "Y_test": [1, 0]})
    with pytest.warns(spinrnn.errors.DataNote, match="X_train, Y_train, X_test, Y_test are read"):
        data = spinrnn.load_dataset(tmp_path / "a.h5")
    assert data.inputs[:, 0, 0].tolist() == [1, 1, 1, 0, 0]
    assert data.labels.tolist() == [0, 1, 1, 1, 0]
    assert data.test.tolist() == [False] * 3 + [True] * 2


def test_a_data_set_says_in_one_line_what_it_is():
    data = spinrnn.Dataset(np.zeros((3, 1, 4)), [0, 1, 0], test=[0, 1, 0])
    assert repr(data) == "<Dataset of 3 cases, inputs (3, 1, 4), 1 for the test>"
    assert (
        repr(spinrnn.Dataset(np.zeros((2, 1, 4)), None)) == "<Dataset of 2 cases, inputs (2, 1, 4)>"
    )


def test_what_is_masked_is_missing_or_refused():
    inputs = np.ma.masked_array(np.ones((3, 1, 4)), np.zeros((3, 1, 4)))
    inputs[1, 0, 3] = np.ma.masked
    data = spinrnn.Dataset(inputs, [0, 1, 0], [4, 3, 4])
    assert type(data.inputs) is np.ndarray
    np.testing.assert_array_equal(np.isnan(data.inputs), inputs.mask)
    masked = np.ma.masked_array([0, 1, 0], [0, 0, 1])
    for name in ("labels", "lengths", "test"):
        arguments = {"inputs": inputs, "labels": [0, 1, 0], name: masked}
        with pytest.raises(spinrnn.DataError, match=rf"{name}: 1 entry is masked, at index \[2\]"):
            spinrnn.Dataset(**arguments)


def test_cases_are_taken_from_all_arrays():
    data = spinrnn.Dataset(
        np.arange(12.0).reshape(4, 1, 3), [3, 2, 1, 0], [1, 2, 3, 1], [0, 1, 0, 1]
    )
    for indices, expected in (([3, 1], [3, 1]), (slice(1, 3), [1, 2]), (data.test, [1, 3])):
        part = data.take(indices)
        assert part.inputs[:, 0, 0].tolist() == [3.0 * case for case in expected]
        assert part.labels.tolist() == [3 - case for case in expected]
        assert part.lengths.tolist() == [[1, 2, 3, 1][case] for case in expected]
        assert part.test.tolist() == [case % 2 == 1 for case in expected]
    assert len(spinrnn.Dataset(np.zeros((4, 1, 3)), None)) == 4


def test_the_digest_tells_each_array():
    arrays = {"inputs": np.zeros((2, 1, 2)), "labels": [0, 1], "lengths": [2, 1], "test": [0, 1]}
    others = {"inputs": np.ones((2, 1, 2)), "labels": [1, 1], "lengths": [2, 2], "test": [1, 1]}
    found = {spinrnn.Dataset(**arrays).digest()}
    for name, other in others.items():
        found.add(spinrnn.Dataset(**arrays | {name: other}).digest())
    found.add(spinrnn.Dataset(**arrays | {"inputs": np.zeros((2, 2, 1))}).digest())
    found.add(spinrnn.Dataset(**arrays | {"inputs": np.zeros((2, 1, 2), np.float32)}).digest())
    assert len(found) == 7


def test_the_parts_of_a_class_have_its_rounded_shares():
    """0.1 and 0.2 of 16 cases are 2 and 3, of 25 cases 2 and 5."""
    labels = np.repeat([7, 2], [16, 25])
    data = spinrnn.Dataset(np.zeros((41, 1, 1)), labels)
    training, validation, test = split(data, spinrnn.DataConfig(validation_fraction=0.1), 5)
    for part, counts in ((training, (11, 18)), (validation, (2, 2)), (test, (3, 5))):
        assert (np.count_nonzero(labels[part] == 7), np.count_nonzero(labels[part] == 2)) == counts
        assert (np.diff(part) > 0).all()
