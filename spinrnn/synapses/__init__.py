"""Connections between neurons: which there are, and where their weights stand in the vector of parameters."""
