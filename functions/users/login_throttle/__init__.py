"""Slows down guessing passwords at log-in."""
