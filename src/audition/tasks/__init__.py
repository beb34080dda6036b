"""What a run is trained and judged on: its unit, its measures, and how they are made. No torch."""
