"""A small shop to look at: two accounts and twelve products, added through the API."""
