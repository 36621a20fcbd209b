"""Neurons over time, simulated or measured: in memory, written to a file, read from one."""
