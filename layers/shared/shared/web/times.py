"""Times in bodies: texts that `shared.runtime.clock` has made."""

from typing import Annotated

from pydantic import Field

Time = Annotated[
    str,
    Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-20T08:30:00.000Z"]),
]
"""A pydantic field: RFC 3339 in UTC."""
