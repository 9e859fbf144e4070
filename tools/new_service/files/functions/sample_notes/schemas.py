"""Sample notes as the API reads and writes them."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from shared.personal import NotPersonal
from shared.web.fields import RequestBody, ResponseBody, Time, omitted_if_none
from shared.web.health import Health

# Text about a person is Personal instead, also in the model: docs/add-a-service.md.
Text = Annotated[
    str,
    NotPersonal,
    StringConstraints(min_length=1, max_length=2000),
    Field(examples=["Sturdy and dishwasher-safe."]),
]


class SampleNoteRequest(RequestBody):
    """A new sample note."""

    text: Text


class SampleNoteResponse(ResponseBody):
    """A sample note; `user_id` owns it."""

    id: str
    user_id: str
    text: str
    created_at: Time
    version: int


class SampleNoteListResponse(BaseModel):
    """One page; `count` is the number of sample notes on it."""

    sample_notes: list[SampleNoteResponse]
    count: int
    next_cursor: str | None


class SampleNotesHealth(Health):
    """The number of all sample notes."""

    total: int | None = omitted_if_none()
