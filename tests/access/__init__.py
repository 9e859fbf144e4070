"""A package, so that its scene is closed after its last test, before another test opens a shop."""
