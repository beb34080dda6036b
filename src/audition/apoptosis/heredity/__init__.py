"""What comes in the place of units that die: the parts that a strategy's `heredity` may name."""
