"""One run in several processes: who shares its batches, and how the processes are started."""
