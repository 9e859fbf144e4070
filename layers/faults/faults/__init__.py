"""Faults on purpose, for rehearsals: docs/game-day.md. In a separate layer, which no function has
unless the template's parameter Faults is on."""
