"""Notifications of events to customers and admins, and the e-mails that carry them."""

from shared.runtime import cold_start

cold_start.begin()
