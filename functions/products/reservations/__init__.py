"""Reservations: stock that is held for an order, then sold or given back."""
