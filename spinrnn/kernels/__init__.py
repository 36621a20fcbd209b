"""Everything that is compiled: the time loop of the network forward and backward, and the pieces that it is made of."""
