"""AWS at the wire, with fixed answers to what the measured functions ask."""
