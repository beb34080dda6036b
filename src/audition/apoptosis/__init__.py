"""Neuron turnover: who dies, who inherits, and how; only `surgery` rewrites weights."""
