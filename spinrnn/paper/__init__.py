"""The paper's figures, each from one command: its sweeps, numbers and drawing."""
