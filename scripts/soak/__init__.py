"""The soak: many runs that are killed, cut off and crowded out, and what is left of them."""
