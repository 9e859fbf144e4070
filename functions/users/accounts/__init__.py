"""Accounts: customers and admins, and the addresses that they register with."""
