"""What nothing imports: benchmarks, cluster set-up, export."""
