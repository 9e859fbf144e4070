"""Products: the catalogue, its stock, and what is reserved of it for orders."""

from shared.runtime import cold_start

cold_start.begin()
