"""Who descends from whom: a run's lineage as a family, what is counted of it, and its trees."""
