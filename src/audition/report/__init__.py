"""What the numbers look like to a person: in the terminal, as data, as figures."""
