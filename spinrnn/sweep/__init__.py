"""Sweeps: many runs of one base configuration along axes, on a laptop or a cluster; files are the truth, workers come and go.

`spec` the file and its points, `measures` what a point yields, `folder` the files, `work` one point in a worker, `engines` the workers,
`runner` all points, `cube` the collected results, `batch` job scripts for SLURM.
"""
