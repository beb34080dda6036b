"""The parts a model and its training are made of; an idea swaps any of them."""
