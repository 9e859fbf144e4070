"""The fake of the service's port."""

from sample_notes.models import SampleNote
from shared.pages import Page


class InMemorySampleNotes:
    """Sample notes in memory; one contract suite tests them and DynamoSampleNotes."""

    def __init__(self) -> None:
        self._stored: dict[str, SampleNote] = {}

    def add(self, sample_note: SampleNote) -> None:
        self._stored[sample_note.id] = sample_note

    def find(self, id_: str) -> SampleNote | None:
        return self._stored.get(id_)

    def page(self, user_id: str, *, after: str | None, limit: int) -> Page[SampleNote, str]:
        own = [one for one in self._stored.values() if one.user_id == user_id]
        left = [one for one in own if after is None or one.listed < after]
        found = sorted(left, key=lambda one: one.listed, reverse=True)
        return Page.cut(found, limit, lambda one: one.listed)

    def totals(self) -> dict[str, int]:
        return {"total": len(self._stored)}
