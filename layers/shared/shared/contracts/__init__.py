"""The models in which services meet: events on the topic, and queries and commands to internal
functions."""
