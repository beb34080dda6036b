"""How tokens look at earlier tokens."""
