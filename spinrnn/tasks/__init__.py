"""What is asked of a network, and how an answer is judged and drawn."""
