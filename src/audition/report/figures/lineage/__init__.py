"""Figures of a run's units: who descends from whom, who takes over, and how long they live."""
