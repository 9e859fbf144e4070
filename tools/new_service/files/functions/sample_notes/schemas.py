"""Sample notes as the API reads and writes them."""

from dataclasses import asdict
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from sample_notes.models import SampleNote
from shared.personal import NotPersonal
from shared.web.fields import Time, omitted_if_none
from shared.web.health import Health

# Text about a person is Personal instead, also in the model: docs/add-a-service.md.
Text = Annotated[
    str,
    NotPersonal,
    StringConstraints(min_length=1, max_length=2000),
    Field(examples=["Sturdy and dishwasher-safe."]),
]


class SampleNoteRequest(BaseModel):
    """A new sample note."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    text: Text


class SampleNoteResponse(BaseModel):
    """A sample note; `user_id` owns it."""

    id: str
    user_id: str
    text: str
    created_at: Time
    version: int

    @classmethod
    def of(cls, sample_note: SampleNote) -> Self:
        return cls(**asdict(sample_note))


class SampleNoteListResponse(BaseModel):
    """One page; `count` is the number of sample notes on it."""

    sample_notes: list[SampleNoteResponse]
    count: int
    next_cursor: str | None


class SampleNotesHealth(Health):
    """The number of all sample notes."""

    total: int | None = omitted_if_none()
