"""Labelled sequences to learn from: what they are, their sources and their parts."""
