"""A fair fight: baseline and ideas tuned with the same number of trials, each judged at its best."""
