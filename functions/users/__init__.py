"""Users: accounts, log-in and the tokens that the other services verify."""
