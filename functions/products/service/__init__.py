"""What the products service decides: the catalogue, reservations, and when stock runs low."""
