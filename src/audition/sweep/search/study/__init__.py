"""The study that processes share: kept, taken up, asked, and pruned; Optuna is behind this door."""
