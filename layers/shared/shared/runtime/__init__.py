"""The function round a service: settings, clients, logs, metrics, traces."""
