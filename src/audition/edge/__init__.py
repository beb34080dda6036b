"""A deployed model to be carried to a device: one file, its own bench, and what the device said."""
