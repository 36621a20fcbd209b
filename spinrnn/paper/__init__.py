"""The paper's figures from one command each: the sweeps they need, the numbers drawn from these, and the drawings."""
