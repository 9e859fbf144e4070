"""`make service`: adds a service in the shape of the others."""
