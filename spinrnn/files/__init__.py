"""Bytes on disk, whole or not at all, and safe reading of HDF5; no physics."""
