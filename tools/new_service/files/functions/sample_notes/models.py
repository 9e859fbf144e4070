"""The values of the service, and their transitions."""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from shared.contracts.events import SampleNoteData
from shared.runtime.clock import rfc3339

_ID: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class SampleNote:
    """One sample note; `user_id` owns it."""

    id: str
    user_id: str
    text: str
    created_at: str
    version: int

    @classmethod
    def created(cls, user_id: str, text: str, *, at: datetime) -> Self:
        return cls(uuid.uuid4().hex, user_id, text, rfc3339(at), version=1)

    @property
    def listed(self) -> str:
        """Its place in lists; unique, and later for newer ones."""
        return f"{self.created_at}#{self.id}"

    def data(self) -> SampleNoteData:
        """The data of its events."""
        return SampleNoteData(sample_note_id=self.id, user_id=self.user_id, text=self.text)


def is_sample_note_id(text: str) -> bool:
    """Whether it has the form of an id; a key of DynamoDB cannot hold every text."""
    return _ID.fullmatch(text) is not None
