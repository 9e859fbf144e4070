"""Operations: what looks at all services at once, and changes nothing."""

from shared.runtime import cold_start

cold_start.begin()
