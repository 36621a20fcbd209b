"""What this process may use: processors, memory, signals, and what is said of the machine in results."""
