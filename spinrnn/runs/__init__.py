"""A training from start to end in a folder that survives a kill at any time."""
