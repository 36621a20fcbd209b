"""Device parameters fitted to recordings, with intervals and with tests of the
model."""
