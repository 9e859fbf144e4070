"""Notifications: what customers and admins were told, by which channel, about which event."""
