"""Lambda entry for the table's stream: publishes the events of users."""

from shared.messaging.relay import Settings, build, handler

__all__ = ["Settings", "build", "handler"]
