"""Where runs are shown besides the ledger; each mirrors `metrics.jsonl`, which stays the truth."""
