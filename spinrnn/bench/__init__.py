"""How fast the package is on this machine, as ratios to its matrix product and to other
frameworks.
"""
