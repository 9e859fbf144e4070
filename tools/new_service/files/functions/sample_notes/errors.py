"""What can be wrong with sample notes."""

from shared.errors import NotFound


class SampleNoteNotFound(NotFound):
    """The sample note does not exist, or the caller may not see it."""

    code, title = "sample-note-not-found", "There is no such sample note"
