"""AWS at the wire, with answers that are written down: what the measured functions ask, and nothing else."""
