"""The door's folder: `python -m src.train`. The package itself is `audition`."""
