"""What watches a run: progress, metrics, checkpoints, trackers. They look and never touch."""
