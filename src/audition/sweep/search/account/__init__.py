"""What a study came to, as plain values: for figures, for the report, for any shell."""
