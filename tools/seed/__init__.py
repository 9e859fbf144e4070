"""A small shop to look at: two accounts and twelve products, put in through the API like anybody's."""
