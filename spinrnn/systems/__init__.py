"""Further papers of networks of devices, each a study that one command repeats."""
