"""Orders: placing them, the saga that charges them, their states and their history."""

from shared.runtime import cold_start

cold_start.begin()
