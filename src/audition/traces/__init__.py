"""What gradients, weights and updates of a run were like, and chains of effects replayed on that."""
