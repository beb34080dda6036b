"""Neuron turnover: which units die, what replaces them, and when; only `surgery` rewrites weights."""
