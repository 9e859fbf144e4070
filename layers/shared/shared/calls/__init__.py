"""Calls between services: deadlines and circuit breakers."""
