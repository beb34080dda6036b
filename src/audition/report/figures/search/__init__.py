"""Figures of a search: trials in order, by parameter, what mattered, the front of two aims."""
