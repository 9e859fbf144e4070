"""The contract of `SampleNotes`, held by the fake and by DynamoDB (moto)."""

from datetime import timedelta

import pytest

from sample_notes.models import SampleNote
from sample_notes.ports import SampleNotes
from sample_notes.repository import DynamoSampleNotes
from shared.messaging import outbox
from tests.sample_notes.fakes import InMemorySampleNotes
from tests.support.aws import make_table
from tests.support.callers import ALICE, BOB
from tests.support.clock import NOON


@pytest.fixture(params=["fake", "dynamodb"])
def sample_notes(request: pytest.FixtureRequest) -> SampleNotes:
    if request.param == "fake":
        return InMemorySampleNotes()
    request.getfixturevalue("account")
    return DynamoSampleNotes(make_table("SampleNotesTable"))


def added(sample_notes: SampleNotes, *, user_id: str = ALICE.id, minute: int = 0) -> SampleNote:
    sample_note = SampleNote.created(user_id, "Sturdy.", at=NOON + timedelta(minutes=minute))
    sample_notes.add(sample_note)
    return sample_note


def test_stored_one_is_found_by_id_and_counted(sample_notes: SampleNotes) -> None:
    assert sample_notes.totals() == {"total": 0}
    stored = added(sample_notes)
    added(sample_notes)
    assert sample_notes.find(stored.id) == stored
    assert sample_notes.find("0" * 32) is None
    assert sample_notes.totals() == {"total": 2}


def test_pages_have_one_users_own_newest_first_to_the_end(sample_notes: SampleNotes) -> None:
    own = [added(sample_notes, minute=minute) for minute in range(4)]
    added(sample_notes, user_id=BOB.id, minute=2)
    first = sample_notes.page(ALICE.id, after=None, limit=2)
    assert first.items == [own[3], own[2]]
    second = sample_notes.page(ALICE.id, after=first.last, limit=2)
    assert (second.items, second.last) == ([own[1], own[0]], None)


@pytest.mark.usefixtures("account")
def test_event_is_recorded_with_the_change() -> None:
    table = make_table("SampleNotesTable")
    sample_note = added(DynamoSampleNotes(table))
    [fact] = outbox.history(table, f"SAMPLE_NOTE#{sample_note.id}")
    assert (fact.type, fact.id) == ("sample_note.created", f"{sample_note.id}.1")
    assert fact.data == sample_note.data().model_dump()
