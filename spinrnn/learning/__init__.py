"""Training: the loop over batches, the optimiser and its schedule."""
