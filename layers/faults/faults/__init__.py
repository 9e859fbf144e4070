"""Faults on purpose, for rehearsals: docs/game-day.md. In a layer of its own, which no function has
unless the template's parameter Faults is on."""
