"""`make bench`: what the functions cost to start, run and ship, beside three baselines."""
