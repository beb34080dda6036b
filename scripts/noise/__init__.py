"""What parts two runs of one seed, and what makes the interval of a comparison narrower."""
