"""What this process may use, processors and memory, and what is said of its machine."""
