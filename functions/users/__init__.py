"""Users: accounts, log-in and the tokens that the other services verify."""

from shared import cold_start

cold_start.begin()
