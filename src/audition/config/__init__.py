"""What a config may say, and what it names: checks, cards, identity, construction."""
