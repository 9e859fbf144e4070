"""The drill of a deployment that goes wrong, on this machine."""
