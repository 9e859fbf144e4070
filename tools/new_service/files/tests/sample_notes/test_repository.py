"""How sample notes are stored."""

from datetime import timedelta

import pytest

from sample_notes.models import SampleNote
from sample_notes.repository import DynamoSampleNotes
from shared.messaging import outbox
from shared.storage.dynamodb import Table
from tests.support.aws import wired_table
from tests.support.callers import ALICE, BOB
from tests.support.clock import NOON


@pytest.fixture
def table() -> Table:
    return wired_table("SampleNotesTable")


@pytest.fixture
def sample_notes(table: Table) -> DynamoSampleNotes:
    return DynamoSampleNotes(table)


def added(sample_notes: DynamoSampleNotes, *, user_id: str = ALICE.id, minute: int = 0) -> SampleNote:
    sample_note = SampleNote.created(user_id, "Sturdy.", at=NOON + timedelta(minutes=minute))
    sample_notes.add(sample_note)
    return sample_note


def test_stored_one_is_found_by_id_and_counted(sample_notes: DynamoSampleNotes) -> None:
    assert sample_notes.totals() == {"total": 0}
    stored = added(sample_notes)
    added(sample_notes)
    assert sample_notes.find(stored.id) == stored
    assert sample_notes.find("0" * 32) is None
    assert sample_notes.totals() == {"total": 2}


def test_pages_have_one_users_own_newest_first_to_the_end(
    sample_notes: DynamoSampleNotes,
) -> None:
    own = [added(sample_notes, minute=minute) for minute in range(4)]
    added(sample_notes, user_id=BOB.id, minute=2)
    first = sample_notes.page(ALICE.id, after=None, limit=2)
    assert first.items == [own[3], own[2]]
    second = sample_notes.page(ALICE.id, after=first.last, limit=2)
    assert (second.items, second.last) == ([own[1], own[0]], None)


def test_event_is_recorded_with_the_change(table: Table, sample_notes: DynamoSampleNotes) -> None:
    sample_note = added(sample_notes)
    [fact] = outbox.history(table, f"SAMPLE_NOTE#{sample_note.id}")
    assert (fact.type, fact.id) == ("sample_note.created", f"{sample_note.id}.1")
    assert fact.data == sample_note.data().model_dump()
