"""Neurons over time, simulated or measured: in memory, in files, for a fit."""
