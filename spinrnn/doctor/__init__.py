"""What of this machine, its settings and its disks can hurt a run."""
