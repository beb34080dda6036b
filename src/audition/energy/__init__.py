"""What a run's joules are read from: a card's or a socket's own counter, or a model of one."""
