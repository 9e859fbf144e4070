"""Who may see which sample notes."""

import pytest

from sample_notes.errors import SampleNoteNotFound
from sample_notes.repository import DynamoSampleNotes
from sample_notes.service import SampleNoteService
from shared.auth.tokens import Caller
from shared.errors import Forbidden
from tests.support.aws import simulated_table
from tests.support.callers import ADMIN, ALICE, BOB
from tests.support.clock import ManualClock


@pytest.fixture
def service() -> SampleNoteService:
    return SampleNoteService(DynamoSampleNotes(simulated_table("SampleNotesTable")), clock=ManualClock())


@pytest.mark.parametrize("caller", [ALICE, ADMIN])
def test_owner_and_admins_see_it(service: SampleNoteService, caller: Caller) -> None:
    created = service.create(ALICE, "Sturdy.")
    assert service.get(caller, created.id) == created
    page = service.list(caller, user_id=ALICE.id, after=None, limit=10)
    assert page.items == [created]


def test_list_has_the_callers_own_by_default(service: SampleNoteService) -> None:
    service.create(ALICE, "Sturdy.")
    assert service.list(ADMIN, user_id=None, after=None, limit=10).items == []


def test_other_customers_do_not_see_it(service: SampleNoteService) -> None:
    created = service.create(ALICE, "Sturdy.")
    with pytest.raises(SampleNoteNotFound):
        service.get(BOB, created.id)
    with pytest.raises(Forbidden):
        service.list(BOB, user_id=ALICE.id, after=None, limit=10)
