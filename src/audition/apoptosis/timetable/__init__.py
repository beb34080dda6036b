"""When units die: the parts that a strategy's `timetable` may name."""
