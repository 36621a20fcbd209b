"""Labelled sequences to learn from: what a data set is, where it comes from, its parts."""
