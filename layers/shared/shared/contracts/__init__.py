"""The models in which services meet: events on topics, and queries and commands to internal
functions."""
