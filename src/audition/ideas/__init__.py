"""Ideas on trial: one file each, and its yaml with its card. None imports another."""
