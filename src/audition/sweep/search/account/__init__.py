"""The account of a study as plain values, for figures, the report and `audition search`."""
