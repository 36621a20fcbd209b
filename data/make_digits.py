"""Writes digits.h5 beside this file from scikit-learn's copy of the UCI optical digits.

Needs scikit-learn (the test extra): python data/make_digits.py
"""

from pathlib import Path

import h5py
from sklearn.datasets import load_digits

digits = load_digits()
with h5py.File(Path(__file__).with_name("digits.h5"), "w") as file:
    images = file.create_dataset("images", data=digits.images.astype("uint8"), track_times=False)
    images.attrs["units"] = "1"
    images.attrs["long_name"] = "grey level from 0 (background) to 16; axes: image, row, column"
    labels = file.create_dataset("labels", data=digits.target.astype("uint8"), track_times=False)
    labels.attrs["units"] = "1"
    labels.attrs["long_name"] = "digit that the image shows, 0 to 9"
    file.attrs["title"] = (
        "Optical recognition of handwritten digits: the 1797 images of its test part, 8 x 8 pixels"
    )
    file.attrs["source"] = (
        "UCI Machine Learning Repository, "
        "as distributed with scikit-learn (sklearn.datasets.load_digits)"
    )
    file.attrs["licence"] = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
    file.attrs["citation"] = (
        "E. Alpaydin, C. Kaynak (1998). Optical Recognition of Handwritten Digits. "
        "UCI Machine Learning Repository. https://doi.org/10.24432/C50P49"
    )
