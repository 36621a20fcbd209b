"""Writes iris.h5 and wine.h5 beside this file from scikit-learn's copies.

Needs scikit-learn (the test extra): python data/make_tables.py
"""

from pathlib import Path

import h5py
from sklearn.datasets import load_iris, load_wine

SETS = {
    "iris": (
        load_iris,
        "Iris: 150 plants of three species by four measures",
        "R. A. Fisher (1936). Iris. UCI Machine Learning Repository. "
        "https://doi.org/10.24432/C56C76",
    ),
    "wine": (
        load_wine,
        "Wine: 178 wines of three growers by 13 chemical measures",
        "S. Aeberhard, M. Forina (1992). Wine. UCI Machine Learning Repository. "
        "https://doi.org/10.24432/C5PC7J",
    ),
}

for name, (load, title, citation) in SETS.items():
    found = load()
    features = [feature.removesuffix(" (cm)") for feature in found.feature_names]
    with h5py.File(Path(__file__).with_name(f"{name}.h5"), "w") as file:
        numbers = file.create_dataset("features", data=found.data, track_times=False)
        numbers.attrs["units"] = "cm" if name == "iris" else "1"
        numbers.attrs["long_name"] = "measures; axes: case, measure"
        labels = file.create_dataset("labels", data=found.target.astype("uint8"), track_times=False)
        labels.attrs["units"] = "1"
        labels.attrs["long_name"] = "which of the classes it is"
        file.attrs["features"] = ", ".join(features)
        file.attrs["classes"] = ", ".join(map(str, found.target_names))
        file.attrs["title"] = title
        file.attrs["source"] = (
            f"UCI Machine Learning Repository, as distributed with scikit-learn (load_{name})"
        )
        file.attrs["licence"] = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
        file.attrs["citation"] = citation
