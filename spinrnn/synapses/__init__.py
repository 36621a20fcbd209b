"""Connections between neurons.

Which there are, and where their weights stand in the vector of parameters.
"""
