"""What spinrnn sees in a file: arrays, cases, what it could be used for."""
