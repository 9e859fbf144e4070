"""Makes the layer's dependencies small and quick to load; `layers/shared/Makefile` calls it when
they are installed."""
