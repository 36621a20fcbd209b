"""Sweeps: many runs of one base configuration along axes, on a laptop or a cluster.

Files are the truth, workers come and go. `columns` what a point yields, `axes`,
`points` and `file` the sweep, `folder` its files, `status` how far it is, `work` one
point in a worker, `executors` the workers, `runner` all points, `cube` the collected
results, `slurm` job scripts.
"""
