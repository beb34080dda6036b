"""Several runs of one arm trained as one: every tensor has a leading axis of runs.

At small sizes a card waits for launches, not for arithmetic, and a launch costs the same for one
run as for sixty. Each run keeps its own data order, weights, clipping, effects and record.
"""
