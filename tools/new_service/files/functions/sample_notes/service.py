"""What callers may do with sample notes."""

from sample_notes.errors import SampleNoteNotFound
from sample_notes.models import SampleNote, is_sample_note_id
from sample_notes.ports import SampleNotes
from shared.auth.access import may_see
from shared.auth.tokens import Caller
from shared.errors import Forbidden
from shared.pages import Page
from shared.runtime import logging, metrics
from shared.runtime.clock import Clock, now


class SampleNoteService:
    """Creates, gets and lists sample notes."""

    def __init__(self, sample_notes: SampleNotes, *, clock: Clock = now) -> None:
        self._sample_notes = sample_notes
        self._clock = clock

    def create(self, caller: Caller, text: str) -> SampleNote:
        """Store the caller's new sample note."""
        sample_note = SampleNote.created(caller.id, text, at=self._clock())
        self._sample_notes.add(sample_note)
        logging.logger().info("created", extra={"sample_note_id": sample_note.id})
        metrics.count("SampleNotesCreated")
        return sample_note

    def get(self, caller: Caller, id_: str) -> SampleNote:
        """The sample note.

        Raises:
            SampleNoteNotFound: it does not exist, or the caller may not see it.
        """
        found = self._sample_notes.find(id_) if is_sample_note_id(id_) else None
        if found is None or not may_see(caller, found.user_id):
            raise SampleNoteNotFound
        return found

    def list(
        self, caller: Caller, *, user_id: str | None, after: str | None, limit: int
    ) -> Page[SampleNote, str]:
        """The caller's own sample notes, newest first, or for an admin another user's.

        Raises:
            Forbidden: a customer requests another user's.
        """
        if user_id is not None and not may_see(caller, user_id):
            raise Forbidden("Only an admin may list another's sample notes.")
        return self._sample_notes.page(user_id or caller.id, after=after, limit=limit)

    def totals(self) -> dict[str, int]:
        """The number of all sample notes (`total`)."""
        return self._sample_notes.totals()
