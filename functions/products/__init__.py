"""Products: the catalogue, its stock, and the reservations of stock for orders."""

from shared.runtime import cold_start

cold_start.begin()
