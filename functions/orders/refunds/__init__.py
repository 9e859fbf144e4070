"""Refunds: money of an order that is given back, all of it or in parts."""
