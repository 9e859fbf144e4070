"""Users: accounts, log-in and the tokens that the other services verify."""

from shared.runtime import cold_start

cold_start.begin()
