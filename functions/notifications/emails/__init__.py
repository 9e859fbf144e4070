"""The e-mails that tell customers and admins of events."""
