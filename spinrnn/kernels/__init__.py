"""Everything compiled: all that a training step computes, and the cache of its machine
code.
"""
