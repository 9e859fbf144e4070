"""The e-mails about events to customers and admins."""
