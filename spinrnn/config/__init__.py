"""What a run is: its tables as dataclasses, read from TOML and checked as a whole."""
