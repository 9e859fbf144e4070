"""The states of circuits and alarms, and figures over time."""
