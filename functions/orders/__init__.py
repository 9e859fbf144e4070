"""Orders: placing them, the saga that charges them, their states and their history."""
