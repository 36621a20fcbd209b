"""The files of a fit: device.json for machines, device.csv of all samples,
device.png."""

from pathlib import Path

import numpy as np

from spinrnn.files.atomic import make_folder, write_together
from spinrnn.files.text import to_json
from spinrnn.identify.result import DeviceFit
from spinrnn.plotting import picture_or_none

MOST_ROWS = 200_000
"""Of the table."""


def write_report(fit: DeviceFit, out: str | Path, report: dict) -> list[str]:
    """Writes device.json (the report), device.csv and device.png into a folder.

    A picture that fails costs no number: there is a warning in its place.

    Returns:
        Names of the files that were written.
    Raises:
        StoreError: that is impossible; then an earlier report is as it was.
    """
    from spinrnn.identify.figures import device_fit

    out = Path(out)
    make_folder(out)
    contents: dict[str, str | bytes] = {"device.json": to_json(report)}
    drawn = picture_or_none(lambda: device_fit(fit)[0], "device.png")
    if drawn is not None:
        contents["device.png"] = drawn
    contents["device.csv"] = table_of(fit)
    write_together({out / name: content for name, content in contents.items()})
    return list(contents)


def table_of(fit: DeviceFit) -> str:
    """CSV of all samples; empty where the power, or the last drive, is missing.

    Of more than `MOST_ROWS` it has every second, third and so on of each case.
    """
    data, rows = fit.measurement, ["case,time (s),drive,power,model,residual"]
    every = -(-data.time.size // MOST_ROWS)
    for case, time in enumerate(data.time):
        for k in range(0, int((~np.isnan(time)).sum()), every):
            drive = data.drive[case, k] if k < data.drive.shape[1] else np.nan
            numbers = (drive, data.power[case, k], fit.predicted[case, k], fit.residual[case, k])
            texts = ["" if np.isnan(x) else f"{x:.10g}" for x in numbers]
            rows.append(f"{case},{time[k]:.12g},{','.join(texts)}")
    return "\n".join(rows) + "\n"
