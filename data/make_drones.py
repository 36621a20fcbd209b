"""Writes drones.h5 beside this file from the authors' file of the set D62.

python data/make_drones.py RadioSpin_D62_RF_fingerprinting.h5
"""

import sys
from pathlib import Path

import h5py
import numpy as np

CLASSES = ["dx4e", "dx6i", "MTx", "Nineeg", "Parrot", "q205", "S500", "tello", "WiFi", "wltoys"]

with h5py.File(sys.argv[1]) as given:
    spectra = np.concatenate([given["X_train"][:], given["X_test"][:]]).astype("float32")
    labels = np.concatenate([given["Y_train"][:], given["Y_test"][:]]).astype("uint8")
    test = np.arange(len(labels)) >= len(given["Y_train"])
with h5py.File(Path(__file__).with_name("drones.h5"), "w") as file:
    arrays = {
        "spectra": (spectra, "power in a bin over the largest; axes: case, bin of frequency"),
        "labels": (labels, "which of the classes sent it, 0 to 9"),
        "test": (test.astype("uint8"), "1 for the cases of the test part, as published"),
    }
    for name, (array, meaning) in arrays.items():
        dataset = file.create_dataset(name, data=array, track_times=False)
        dataset.attrs["units"] = "1"
        dataset.attrs["long_name"] = meaning
    file.attrs["classes"] = " ".join(CLASSES)
    file.attrs["title"] = "D62: drones, remote controls and WiFi by their radio transmissions"
    file.attrs["source"] = (
        "RadioSpin_D62_RF_fingerprinting.h5 of github.com/neurophysics-cnrsthales/"
        "rf_spintronic_nn (zenodo.org/record/7646236), rounded to float32"
    )
    file.attrs["licence"] = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
    file.attrs["citation"] = (
        "A. Ross, N. Leroux et al., Nature Nanotechnology 18, 1273 (2023); "
        "S. Basak et al., COMSNETS 2021"
    )
