"""Sample notes in DynamoDB; the package's docstring has the items."""

from typing import Final

from sample_notes.models import SampleNote
from shared.messaging import outbox
from shared.pages import Page
from shared.storage import counters
from shared.storage.dynamodb import Item, Key, Put, Table
from shared.storage.items import from_item, to_item

_SK: Final = "SAMPLE_NOTE"
_LAST: Final = "~"  # sorts after every time


class DynamoSampleNotes:
    """`SampleNotes` in the service's table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, sample_note: SampleNote) -> None:
        key = _key(sample_note.id)
        fact = outbox.event(
            "sample_note.created",
            aggregate_id=sample_note.id,
            version=sample_note.version,
            at=sample_note.created_at,
            data=sample_note.data().model_dump(mode="json"),
        )
        self._table.transact(
            [
                Put(_item(sample_note), condition="attribute_not_exists(#pk)"),
                outbox.recording(self._table, key["pk"], fact),
                counters.adding(self._table, {"total": 1}),
            ]
        )

    def find(self, id_: str) -> SampleNote | None:
        item = self._table.get(_key(id_))
        return from_item(SampleNote, item) if item else None

    def page(self, user_id: str, *, after: str | None, limit: int) -> Page[SampleNote, str]:
        found = self._table.query(
            "#user_id = :user_id AND #listed < :after",
            {"user_id": user_id, "after": after or _LAST},
            index="by-user",
            # One more than the page shows: it shows whether another page follows.
            limit=limit + 1,
            forward=False,
        )
        sample_notes = [from_item(SampleNote, item) for item in found.items]
        return Page.cut(sample_notes, limit, lambda sample_note: sample_note.listed)

    def totals(self) -> dict[str, int]:
        return {"total": 0, **counters.totals(self._table)}


def _key(id_: str) -> Key:
    return {"pk": f"SAMPLE_NOTE#{id_}", "sk": _SK}


def _item(sample_note: SampleNote) -> Item:
    return {**_key(sample_note.id), **to_item(sample_note), "listed": sample_note.listed}
