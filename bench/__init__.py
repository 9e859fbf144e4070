"""`make bench`: what the functions cost to start, run and ship, beside four ordinary apps."""
