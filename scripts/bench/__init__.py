"""Speed as ratios, each from one run of interleaved pairs: `make bench`."""
