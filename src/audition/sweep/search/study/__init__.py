"""The study that processes share, in its storage; all that needs Optuna."""
