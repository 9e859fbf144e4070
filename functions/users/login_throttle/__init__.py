"""The log-in throttle: slows down guessing passwords without locking the owner out."""
