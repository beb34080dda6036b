"""How an optimizer steps: groups of parameters, what is remembered of them, how they move."""
