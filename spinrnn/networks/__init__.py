"""Networks of neurons and synapses, their parameters packed for the kernels, planned
and run on threads.
"""
