"""What a run is made of, as values: the recipe, its effects, and what passes between its parts."""
