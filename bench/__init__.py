"""`make bench`: what the functions cost to start, to run and to ship, beside three baselines written as usual."""
