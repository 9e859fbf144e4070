"""Products: the catalogue, its stock, and what is reserved of it for orders."""
