"""The parameters of every list (the contract's `limit` and `cursor`)."""

from typing import Annotated

from fastapi import Query

from shared.web.cursors import LONGEST

Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
# Its form is for the document only: a cursor of another form is refused as one that was forged, with a 400.
Cursor = Annotated[
    str | None,
    Query(
        description="The `next_cursor` of the page before.",
        json_schema_extra={"maxLength": LONGEST, "pattern": "^[A-Za-z0-9_-]+$"},
    ),
]
