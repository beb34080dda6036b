"""How activations are kept to scale."""
