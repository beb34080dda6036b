"""What may be tried: a space as a config describes it, and the runs at a point of it."""
