"""What the service needs from outside; the repository implements it."""

from typing import Protocol

from sample_notes.models import SampleNote
from shared.pages import Page


class SampleNotes(Protocol):
    """Stores sample notes."""

    def add(self, sample_note: SampleNote) -> None:
        """Store it with its event, and count it."""

    def find(self, id_: str) -> SampleNote | None: ...

    def page(self, user_id: str, *, after: str | None, limit: int) -> Page[SampleNote, str]:
        """A page of a user's sample notes, newest first, that starts after a place in the list."""

    def totals(self) -> dict[str, int]:
        """The number of all sample notes (`total`)."""
