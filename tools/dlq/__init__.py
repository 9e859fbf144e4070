"""`make dlq`: messages that workers could not handle, and events that relays could not publish."""
