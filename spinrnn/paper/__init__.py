"""The paper's figures, each from one command: its sweeps, its numbers and its drawing."""
