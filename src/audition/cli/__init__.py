"""The two commands: `python -m src.train`, which trains, and `audition`, which reads the ledger."""
