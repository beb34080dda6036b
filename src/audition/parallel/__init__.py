"""One run in several processes: how its batches are shared, and how the processes are started."""
