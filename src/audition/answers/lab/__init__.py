"""The lab: how far each experiment of a ledger is, how good its evidence is, and what to run next."""
