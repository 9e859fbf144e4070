"""Operations: what looks at all services at once. Of what they own it changes only where dead
letters are."""

from shared.runtime import cold_start

cold_start.begin()
