"""What the products service decides: the catalogue and reservations."""
