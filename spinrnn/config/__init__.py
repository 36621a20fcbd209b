"""What a run is: its tables as dataclasses, read from TOML or Python and checked as a whole."""
