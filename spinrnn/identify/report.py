"""The files of a fit: device.json, device.csv and device.png."""


def table_of(fit):
    """CSV of all samples; empty where the power is missing."""
    import numpy as np

    data, rows = fit.measurement, ["case,time (s),drive,power,model,residual"]
    for case, time in enumerate(data.time):
        for k in range(int((~np.isnan(time)).sum())):
            drive = data.drive[case, k] if k < data.drive.shape[1] else np.nan
            numbers = (drive, data.power[case, k], fit.predicted[case, k], fit.residual[case, k])
            rows.append(
                f"{case},{time[k]:.12g},{','.join('' if np.isnan(x) else f'{x:.10g}' for x in numbers)}"
            )
    return "\n".join(rows) + "\n"
