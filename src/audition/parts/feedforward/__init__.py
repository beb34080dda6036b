"""What a block does to each token alone."""
