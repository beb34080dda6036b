"""What Python and notebooks call: train a run, compare arms, read a ledger, judge a table of losses."""
