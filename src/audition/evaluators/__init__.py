"""Metrics of a trained model on its held-out rows, one file each."""
