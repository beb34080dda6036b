"""What a unit is worth: the parts that a strategy's `fitness` may name."""
