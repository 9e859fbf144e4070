"""Notifications: what customers and admins were told, by which channel, about which event."""

from shared.runtime import cold_start

cold_start.begin()
