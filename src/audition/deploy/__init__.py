"""What becomes of trained weights: a chain of pure transforms, and a package to ship them in."""
