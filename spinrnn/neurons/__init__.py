"""What a neuron is: the quantities of the oscillator, and devices that differ."""
