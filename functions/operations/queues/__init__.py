"""The shop's queues and their dead-letter queues."""
